"""A real model with the whole product: discovered, booked, stopped, lost and found again."""

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from runs.agent import ThoughtType, run_agent
from runs.agent.providers.model_catalog import announced_model_server as discovery
from runs.agent.providers.model_catalog.catalog import provider_for
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.thoughts import AgentThought
from tests.live_site import ROOT, LiveSite, clean_environment, manage
from tests.local_model.server import START_LIMIT_S, LocalModel, install

LONG = "Write a long story about a ship, with many details."
MODEL = "local/smollm2-135m"
DOWN_S = 7.0
"""Downtime of the server before its restart, which takes two seconds or more: like a supervisor's restart."""


@pytest.fixture
def own_model(prepared_data: Path, tmp_path: Path) -> Iterator[LocalModel]:
    """A server that a test may kill, with a site's data folder of its own."""
    install()
    model = LocalModel(shutil.copytree(prepared_data, tmp_path / "data"))
    yield model.start()
    model.close()


@pytest.fixture
def found_in() -> Iterator[Callable[[Path], None]]:
    """Makes this process look for models in that data folder."""
    before = discovery._folder
    yield discovery.look_in
    discovery.look_in(before)


def status_in(data: Path) -> str:
    """The status of the last run there."""
    with closing(sqlite3.connect(data / "agentsite.sqlite3")) as database:
        (status,) = database.execute("SELECT status FROM runs_run ORDER BY created_at DESC LIMIT 1").fetchone()
    return str(status)


def launch_form(site: LiveSite) -> str:
    """The launch page, as Ada sees it."""
    cookie = f"sessionid={site.session_of('ada')}"
    asked = Request(f"{site.url}/runs/new/", headers={"Cookie": cookie})  # noqa: S310  our own site
    with urlopen(asked) as answer:  # noqa: S310  our own site
        page: str = answer.read().decode()
    return page


def test_a_run_of_the_command_line_books_what_the_server_counted(local_model: LocalModel, data: Path):
    before = local_model.tokens_written()

    done = manage("run_agent", "What is the capital of France?", "--model", MODEL, "--json", data=data)

    assert done.returncode == 0, done.stderr + done.stdout
    *steps, run = map(json.loads, done.stdout.splitlines())
    written = local_model.tokens_written() - before
    assert run["tokens_used"] == sum(step["tokens"] or 0 for step in steps) > written > 0
    assert run["cost"] is not None
    assert float(run["cost"]) == 0


def test_ctrl_c_stops_the_run_and_frees_the_slot(local_model: LocalModel, data: Path):
    with subprocess.Popen(
        [sys.executable, "manage.py", "run_agent", LONG, "--model", MODEL],
        cwd=ROOT,
        env=clean_environment(data, None),
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        local_model.wait_until_busy(START_LIMIT_S)
        command.send_signal(signal.SIGINT)
        command.communicate(timeout=START_LIMIT_S)

    assert command.returncode == 130
    local_model.seconds_until_idle(1)
    assert status_in(data) == "cancelled"


def test_the_launch_form_offers_the_model_while_it_runs_and_not_after(own_model: LocalModel):
    site = LiveSite(own_model.data).start()
    try:
        site.create_user("ada")

        offered = launch_form(site)
        assert own_model.end(signal.SIGINT) == 0
        offered_then = launch_form(site)
    finally:
        site.close()

    assert MODEL in offered
    assert MODEL not in offered_then


def test_a_model_that_was_killed_is_gone_and_one_started_again_is_back(
    own_model: LocalModel, found_in: Callable[[Path], None]
):
    found_in(own_model.data)

    own_model.end(signal.SIGKILL)
    assert own_model.file.exists()
    assert MODEL not in available_models()
    with pytest.raises(ValueError, match="is not running: start it with `make local-model`"):
        provider_for(MODEL)

    own_model.start()
    assert MODEL in available_models()


async def test_a_run_survives_a_server_that_is_killed_while_it_writes_and_is_back_within_ten_seconds(
    own_model: LocalModel,
):
    thoughts: list[AgentThought] = []
    run = asyncio.create_task(run_agent(LONG, model=own_model.speaks("openai"), tools=[], report=thoughts.append))
    await asyncio.to_thread(own_model.wait_until_busy, START_LIMIT_S)

    own_model.end(signal.SIGKILL)
    await asyncio.sleep(DOWN_S)  # The outage itself: there is nothing to wait for.
    await asyncio.to_thread(own_model.start)
    result = await run

    assert result.success, result.error
    assert result.output
    assert ThoughtType.RETRY in [each.type for each in thoughts]
