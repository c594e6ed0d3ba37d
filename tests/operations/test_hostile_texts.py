"""Texts that made a lexer loop endlessly or a tool freeze its process, through every door of a real site."""

import json
import time

import pytest

from tests.live_site import LiveSite
from tests.operations.test_frozen_loop import until
from tests.visitor import Visitor
from tests.wire import Answer, WireServer

ENDLESS = "```mcschema\n<!--\n```"
BLOCKS = [
    ENDLESS,
    "```csharp\n" + "a\n" * 9_000 + "```",
    "```python\n" + "\n " * 9_000 + "\n```",
]


@pytest.fixture
def site(start_site, wire_server: WireServer) -> LiveSite:
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site: LiveSite = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada", superuser=True, staff=True)
    return site


def completed(site: LiveSite, ada: Visitor, run_id: str) -> str:
    """The HTML of the run's page, once the run has completed."""
    until(lambda: 'data-status="completed"' in ada.get(f"/runs/{run_id}/")[1], "the run did not complete")
    return ada.get(f"/runs/{run_id}/")[1]


def test_an_endless_code_block_hurts_no_page_no_export_and_no_stop(site, wire_server):
    with Visitor(site.url, session=site.session_of("ada")) as ada:
        run_id = ada.launch(f'count the words in "\n{ENDLESS}\n"')

        page = completed(site, ada, run_id)
        assert "&lt;!--" in page
        status, exported = ada.get(f"/api/v1/runs/{run_id}/export?format=markdown")
        assert status == 200 and ENDLESS in exported
        assert ada.get(f"/admin/runs/run/{run_id}/change/")[0] == 200

        wire_server.script(*(Answer(f"Here:\n\n{block}\n\nDone.") for block in BLOCKS))
        for _ in BLOCKS:
            told = ada.launch("Show me.", model="local/m1")
            completed(site, ada, told)
        wire_server.script(Answer(ENDLESS))
        status, further = ada.post(f"/runs/{told}/continue/", message=f"Again: {ENDLESS}")
        assert status == 302
        completed(site, ada, further.strip("/").rsplit("/", 1)[1])
    began = time.monotonic()
    assert site.stop() == 0
    assert time.monotonic() - began < 9  # the drain kept its time limit
