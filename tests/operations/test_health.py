"""Liveness and readiness, with their reasons."""

import asyncio
import json
import threading

import pytest
from django.db import OperationalError

from runs.engine.operations import health_checks
from runs.engine.operations.health_checks import DatabaseProbe, look_at_host, look_at_layer
from runs.engine.queueing.local_host import set_host
from tests.engine.hosts import IdleHost
from tests.operations.asking import get


def test_a_server_is_alive_and_ready_as_soon_as_it_says_where_it_serves(live_site):
    alive, ready = get(f"{live_site.url}/healthz"), get(f"{live_site.url}/readyz")

    assert alive == (200, "alive\n")
    assert ready[0] == 200, ready
    checks = json.loads(ready[1])["checks"]
    assert {name: check["ok"] for name, check in checks.items()} == {"database": True, "layer": True, "host": True}


def test_behind_https_health_is_asked_in_plain_http_and_everything_else_is_redirected(start_site):
    site = start_site(AGENTSITE_URL="https://agents.example.org", AGENTSITE_METRICS_TOKEN="a-token-of-some-length")

    assert get(f"{site.url}/healthz")[0] == 200
    assert get(f"{site.url}/readyz")[0] == 200
    assert get(f"{site.url}/metrics", Authorization="Bearer a-token-of-some-length")[0] == 200


def test_a_server_without_its_tables_is_alive_and_not_ready_and_says_what_to_do(live_site):
    live_site.ask("from django.db import connection as c; c.cursor().execute('ALTER TABLE runs_run RENAME TO gone')")

    assert get(f"{live_site.url}/healthz")[0] == 200
    status, body = get(f"{live_site.url}/readyz")

    assert status == 503
    database = json.loads(body)["checks"]["database"]
    assert (database["ok"], "manage.py migrate" in database["do"]) == (False, True)
    assert "runs_run" not in body, "what the database says is for the log"


async def test_a_database_that_hangs_is_told_in_time_and_asked_once_by_all():
    asked, began, let_go = [], threading.Event(), threading.Event()

    def hang() -> None:
        asked.append(1)
        began.set()
        let_go.wait(10)

    probe = DatabaseProbe(hang)
    looks = await asyncio.gather(*(probe.look(limit_s=0.05) for _ in range(5)))
    assert await asyncio.to_thread(began.wait, 10)
    let_go.set()

    assert [look.ok for look in looks] == [False] * 5
    assert "does not answer within 0.05 s" in looks[0].what
    assert len(asked) == 1


async def test_what_a_database_answers_with_is_logged_and_not_shown(caplog):
    def refuse() -> None:
        raise OperationalError("connection to db.internal as agentsite failed")

    look = await DatabaseProbe(refuse).look()

    assert not look.ok and "db.internal" not in look.what + look.do
    assert "db.internal" in caplog.text


async def test_the_channel_layer_is_asked_over_and_over_without_leaving_channels_behind():
    from channels.layers import get_channel_layer

    looks = [await look_at_layer() for _ in range(3)]

    assert all(look.ok for look in looks)
    assert len(get_channel_layer().channels) <= 1


async def test_a_layer_that_carries_nothing_is_not_ready(monkeypatch):
    class Deaf:
        async def new_channel(self, prefix: str) -> str:
            return prefix

        async def send(self, channel: str, message: object) -> None:
            pass

        async def receive(self, channel: str) -> object:
            return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(health_checks, "get_channel_layer", Deaf)

    look = await look_at_layer(limit_s=0.02)

    assert not look.ok and "did not come back" in look.what


class Host(IdleHost):
    """A host whose last sweep was some time ago."""

    def __init__(self, silent_s: float) -> None:
        self.silent_s = silent_s


@pytest.mark.parametrize(("host", "ok"), [(None, False), (Host(0.5), True), (Host(60.0), False)])
def test_a_host_that_is_gone_or_stuck_is_not_ready(host, ok):
    set_host(host)
    try:
        look = look_at_host()
    finally:
        set_host(None)

    assert look.ok is ok
    assert bool(look.do) is not ok
