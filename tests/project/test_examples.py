"""The example agents can be imported as they are, and work: on a real server, with the wire server as their model."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.live_site import ROOT, LiveSite
from tests.operations.asking import wait_for_statuses
from tests.wire import Answer, WireServer

EXAMPLES = ROOT / "examples"
SET_UP = """
import json
from pathlib import Path
from examples.demo.seed import import_agents
from runs.engine import control
from runs.engine.files.uploads import store_document
from runs.models import Agent
import_agents(Path({agent!r}).read_text())
agent = Agent.objects.get(name={name!r})
agent.model_names = ["local/m1"]
agent.save()
files = [store_document(Path(each).name, Path(each).read_bytes()).pk for each in {files!r}]
print(control.launch(user=None, task="Do it.", agent=agent, files=files).pk)
"""
LOOK = """
import json
from runs.models import Run
run = Run.objects.get()
print(json.dumps([run.answer, [[step.kind, step.tool_name, step.tool_output, step.content]
    for step in run.steps.order_by("sequence")]]))
"""


class _Service(BaseHTTPRequestHandler):
    """A service with a status, and a page about it."""

    def do_GET(self) -> None:
        status, kind, body = 200, "application/json", b'{"state": "down", "since": "10:42"}'
        if self.path == "/page":
            kind, body = "text/html", b"<html><title>Outage</title><body><article><p>The payments were down for 42 "
            body += b"minutes on Monday because a certificate had expired.</p></article></body></html>"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a service on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def run_example(
    site: LiveSite, wire_server: WireServer, name: str, file: str, replies: list[Answer], files: list[Path], status: str
) -> tuple[str, list[list[Any]]]:
    wire_server.script(*replies)
    told = {"agent": str(EXAMPLES / "agents" / file), "name": name, "files": [str(each) for each in files]}
    site.ask(SET_UP.format(**told))
    wait_for_statuses(site, status)
    answer, steps = json.loads(site.ask(LOOK))
    return answer, steps


def wired(start_site: Callable[..., LiveSite], wire_server: WireServer, **environment: str) -> LiveSite:
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    return start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]), **environment)


def results_of(steps: list[list[Any]]) -> dict[str, Any]:
    return {
        tool: output if output is not None else content for kind, tool, output, content in steps if "result" in kind
    }


def test_the_analyst_computes_and_draws(start_site: Callable[..., LiveSite], wire_server: WireServer) -> None:
    sql = "SELECT region, sum(amount) AS dollars FROM sales GROUP BY region ORDER BY dollars DESC"
    chart = {"sql": sql, "files": ["sales.csv"], "kind": "bar", "x": "region", "y": ["dollars"], "title": "Sales"}
    replies = [
        Answer("", calls=[("describe_table", {"file": "sales.csv"})]),
        Answer("", calls=[("query_table", {"sql": sql, "files": ["sales.csv"]}), ("make_chart", chart)]),
        Answer("East sells most."),
    ]
    site = wired(start_site, wire_server)
    files = [EXAMPLES / "data" / "sales.csv"]
    answer, steps = run_example(site, wire_server, "Data analyst", "analyst.json", replies, files, "completed")
    results = results_of(steps)
    assert answer == "East sells most."
    assert results["query_table"]["rows"][0][0] == "East"
    assert results["make_chart"]["chart"]["media_type"] == "image/svg+xml"


def test_the_researcher_reads_pages_and_documents(
    start_site: Callable[..., LiveSite], wire_server: WireServer, service: str
) -> None:
    replies = [
        Answer(
            "",
            calls=[
                ("fetch_page", {"url": f"http://{service}/page"}),
                ("search_documents", {"query": "status page down"}),
            ],
        ),
        Answer("A certificate had expired [Outage]."),
    ]
    site = wired(start_site, wire_server, AGENTSITE_FETCH_HOSTS=service)
    files = [EXAMPLES / "handbook" / "on_call.md"]
    name = "Research with citations"
    answer, steps = run_example(site, wire_server, name, "research.json", replies, files, "completed")
    results = results_of(steps)
    assert "certificate had expired" in json.dumps(results["fetch_page"])
    assert results["search_documents"]["found"][0]["file"] == "on_call.md"
    assert answer


def test_the_person_on_call_is_asked_before_an_api_is_called(
    start_site: Callable[..., LiveSite], wire_server: WireServer, service: str
) -> None:
    replies = [Answer("", calls=[("http_request", {"method": "GET", "url": f"http://{service}/status"})])]
    site = wired(start_site, wire_server, AGENTSITE_HTTP_HOSTS=json.dumps({f"http://{service}": {}}))
    _answer, steps = run_example(site, wire_server, "On-call triage", "on_call.json", replies, [], "waiting")
    assert [kind for kind, *_ in steps][-1] == "approval"
