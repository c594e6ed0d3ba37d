"""A database that is readable but not writable: readiness, pages, API, live pages and the log say so, with the
cause."""

import contextlib
import http.client
import json
import os
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import InternalError, OperationalError
from websockets.sync.client import connect
from websockets.typing import Origin

from runs.database_outages import FULL, LOCKED, READ_ONLY, REFUSED, SLOW, outage_of
from runs.web.outage_page import away
from runs.writer_status import LONG_S, Standstill
from tests.live_site import LiveSite
from tests.operations.asking import get, wait_for_statuses
from tests.visitor import Visitor
from tests.wire import Hang

SOON_S = 30.0


def until(site: LiveSite, status: int) -> dict[str, Any]:
    """The result of the database check, once readiness answers with this status."""
    give_up_at = time.monotonic() + SOON_S
    while (answer := get(f"{site.url}/readyz"))[0] != status:
        assert time.monotonic() < give_up_at, answer
        time.sleep(0.1)
    found: dict[str, Any] = json.loads(answer[1])["checks"]["database"]
    return found


def post(site: LiveSite, path: str, token: str, body: object) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an API client's POST."""
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=30)
    with closing(connection):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@contextlib.contextmanager
def no_file_grows(site: LiveSite) -> Iterator[None]:
    """No file of the process can grow, as on a full disk or over a quota; works as root too."""
    pid = site.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_while_the_disk_takes_nothing_everybody_is_told_and_when_it_does_again_the_run_goes_on(start_site, wire_server):
    wire_server.script(Hang())
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada", superuser=True)
    token = site.ask(
        "from django.contrib.auth.models import User; from runs.models import ApiToken\n"
        "print(ApiToken.issue(User.objects.get(), name='t', scopes=['read', 'launch'])[1])"
    )
    run_id = post(site, "/api/v1/runs", token, {"task": "t", "overrides": {"models": ["local/m1"]}})[1]["id"]
    wire_server.wait_for_requests(1, timeout_s=SOON_S)
    assert until(site, 200)["what"] == "The database answers and can be written."

    headers = {"Cookie": f"sessionid={site.session_of('ada')}"}
    address = f"{site.url.replace('http', 'ws')}/ws/runs/{run_id}/"
    with (
        connect(address, additional_headers=headers, origin=Origin(site.url)) as page,
        Visitor(site.url, session=site.session_of("ada")) as visitor,
    ):
        visitor.get("/runs/new/")
        with no_file_grows(site):
            wire_server.release()
            held = heard(page, lambda frame: "held" in frame)["held"]
            ready = until(site, 503)
            refused = post(site, "/api/v1/runs", token, {"task": "t"})
            shown = visitor.post("/runs/", task="What is 1+1?")
            # After that many attempts of the writer.
            heard(page, lambda frame: "ping" in frame and frame["ping"] > time.time() - 1)
        frames = [json.loads(text) for text in page]

    wait_for_statuses(site, "completed")
    assert (held, "state" in frames[-1]) == ("the disk refuses", True)
    assert ready["what"] == REFUSED.what and ready["do"] == REFUSED.do
    assert (refused[0], refused[1]["error"]["message"]) == (503, REFUSED.what)
    assert shown[0] == 503 and "over a quota" in away(REFUSED).content.decode()
    assert until(site, 200)["ok"]
    log = site.log.read_text()
    assert log.count("Trying again until it can be") == 1
    assert log.count("The database can be written again") == 1


def heard(socket: Any, is_it: Any) -> dict[str, Any]:
    """The first frame for which `is_it` is true."""
    give_up_at = time.monotonic() + SOON_S
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=give_up_at - time.monotonic()))
        if is_it(frame):
            return frame


def test_a_lock_that_another_process_holds_is_named(live_site):
    until(live_site, 200)
    with closing(sqlite3.connect(live_site.data / "agentsite.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        found = until(live_site, 503)

        other.execute("ROLLBACK")
    assert (found["what"], found["do"]) == (LOCKED.what, LOCKED.do)
    until(live_site, 200)


def error_of(statement: str, tmp_path: Any, *, uri: str = "", before: str = "") -> OperationalError:
    """The `OperationalError` that Django raises for the statement."""
    file = tmp_path / "one.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS t (x)")
    with closing(sqlite3.connect(f"file:{file}{uri}", uri=True, timeout=0)) as database:
        database.execute(before or "SELECT 1")
        try:
            database.execute(statement)
        except sqlite3.OperationalError as cause:
            error = OperationalError(str(cause))
            error.__cause__ = cause
            return error
    raise AssertionError(statement)


def test_what_the_database_says_is_told_apart(tmp_path):
    write = "INSERT INTO t VALUES (zeroblob(100000))"
    read_only = InternalError("cannot execute INSERT in a read-only transaction")
    read_only.__cause__ = type("Refused", (Exception,), {"sqlstate": "25006"})()

    assert outage_of(error_of(write, tmp_path, before="PRAGMA max_page_count=3")) == FULL
    assert outage_of(error_of(write, tmp_path, uri="?mode=ro")) == READ_ONLY
    assert outage_of(read_only) == READ_ONLY
    assert outage_of(error_of("SELECT * FROM missing", tmp_path)) is None
    assert outage_of(ValueError("disk full")) is None


def test_a_write_that_takes_long_is_a_standstill_before_it_fails(monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    standstill = Standstill()

    standstill.begin()
    at_first = standstill.now()
    moment[0] += LONG_S

    assert (at_first, standstill.now()) == (None, SLOW)
    standstill.end(is_written=True)
    assert standstill.now() is None


def test_the_log_hears_of_a_standstill_once_for_each_reason(caplog):
    standstill = Standstill()
    full, locked = OperationalError("x"), OperationalError("database is locked")
    full.__cause__ = type("Full", (Exception,), {"sqlite_errorname": "SQLITE_FULL"})()

    standstill.begin()
    for error in [full] * 500 + [locked] * 500:
        standstill.fail(error)
    standstill.end(is_written=True)

    assert [record.message.split(".")[0] for record in caplog.records] == [
        "The database cannot be written: its disk is full",
        "The database cannot be written: something else holds its lock",
        "The database can be written again, after 0 s",
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs a process limit")
def test_readiness_is_asked_over_and_over_and_written_seldom(live_site):
    until(live_site, 200)

    def size() -> int:
        found: int = (live_site.data / "agentsite.sqlite3-wal").stat().st_size
        return found

    before = size()
    for _ in range(50):
        get(f"{live_site.url}/readyz")

    assert size() - before <= 4 * 4200
