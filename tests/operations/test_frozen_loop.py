"""A run that blocks the loop of its process is not resumed into the same, and costs no other run anything."""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.live_site import LiveSite
from tests.visitor import Visitor
from tests.wire import Answer, WireServer

PATIENCE_S = 60.0


def until(is_so: Callable[[], object], told: str) -> None:
    """Wait until `is_so()`; fails with `told`."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < PATIENCE_S, told
        time.sleep(0.25)


@pytest.fixture
def site(start_site, wire_server: WireServer, tmp_path: Path) -> LiveSite:
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site: LiveSite = start_site(
        AGENTSITE_ENDPOINTS=json.dumps([endpoint]),
        AGENTSITE_TOOLS="tests.frozen_tools",
        FREEZE_UNTIL=str(tmp_path / "until"),
        FREEZE_LOG=str(tmp_path / "calls"),
    )
    site.create_user("ada")
    return site


def launched(site: LiveSite, wire_server: WireServer) -> str:
    """A run that blocks the loop, after the watchdog has noticed."""
    wire_server.script(Answer(calls=[("freeze", {"why": "test"})]), Answer("Thawed, says the tool."))
    with Visitor(site.url, session=site.session_of("ada")) as ada:
        run_id = ada.launch("Freeze.", model="local/m1")
    until(lambda: "has not turned" in site.log.read_text(), "nobody noticed")
    return run_id


def row_of(site: LiveSite, run_id: str) -> list[Any]:
    """The status, the error and the crashes of a run."""
    asked = "SELECT status, error, crashes FROM runs_run WHERE id = ?"
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3", timeout=20)) as database:
        status, error, crashes = database.execute(asked, (UUID(run_id).hex,)).fetchone()
    return [status, json.loads(error) if error else None, crashes]


def test_a_run_whose_frozen_process_was_killed_is_ended_by_the_next_one(site, wire_server, tmp_path):
    run_id = launched(site, wire_server)
    log = site.log.read_text()
    until(lambda: row_of(site, run_id)[2] == 100, "it was not noted")
    site.process.terminate()  # As a supervisor does, which kills what does not end.

    site.kill()
    site.start()
    until(lambda: row_of(site, run_id)[0] == "failed", "it was not ended")

    assert f"run {run_id} holds it" in log and "time.sleep(0.01)" in log
    error = row_of(site, run_id)[1]
    assert error["code"] == "froze" and "'freeze'" in error["message"]
    assert (tmp_path / "calls").read_text() == "test\n"
    with Visitor(site.url, session=site.session_of("ada")) as ada:
        other = ada.launch("What is 17 * 23?")
        until(lambda: row_of(site, other)[0] == "completed", "the site does not work on")


def test_a_run_that_lets_go_of_the_loop_goes_on_and_nothing_is_held_against_it(site, wire_server, tmp_path):
    run_id = launched(site, wire_server)

    (tmp_path / "until").touch()
    until(lambda: row_of(site, run_id)[0] == "completed", "it did not go on")

    assert row_of(site, run_id)[1:] == [None, 0]
    until(lambda: "turns again" in site.log.read_text(), "nobody said so")
