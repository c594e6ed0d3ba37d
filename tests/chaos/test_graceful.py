"""SIGTERM in the middle of everything: nobody is surprised, nothing is lost."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.chaos.checker import FINAL, faults_in
from tests.chaos.site import ChaosSite
from tests.wire import Hang

INSIDE_A_CALL, INSIDE_A_REPLY, VIEWERS = 40, 10, 20
RESTARTING = 4012
LIMIT_S = 10.0


async def test_a_stopped_server_lets_go_of_fifty_live_runs_and_the_next_one_finishes_them(
    start_chaos: Callable[[], ChaosSite],
):
    site = start_chaos()
    site.launch(*(f"hold r{number}" for number in range(INSIDE_A_CALL)))
    await asyncio.to_thread(site.wait_until, lambda: len(site.starts()) == INSIDE_A_CALL)
    site.model.script(*[Hang()] * INSIDE_A_REPLY)
    site.launch(*(f"work s{number}" for number in range(INSIDE_A_REPLY)))
    await asyncio.to_thread(site.model.wait_for_requests, INSIDE_A_CALL + INSIDE_A_REPLY, timeout_s=30)
    viewers = [await watch(site, run_id) for run_id in site.launched[-VIEWERS:]]

    stopped_at = time.monotonic()
    stopped = asyncio.create_task(asyncio.to_thread(site.live.stop))
    codes = await asyncio.gather(*(close_code(viewer) for viewer in viewers))
    exit_code = await stopped
    took_s = time.monotonic() - stopped_at
    left, before = site.statuses(), site.rows()
    site.killed = site.live.process.pid
    site.allow("go")
    site.live.start()
    await asyncio.to_thread(site.wait_until, lambda: all(status in FINAL for status, _ in site.statuses()))

    print(f"{len(left)} live runs and {VIEWERS} sockets drained in {took_s:.1f} s")
    assert exit_code == 0
    assert took_s < LIMIT_S
    assert codes == [RESTARTING] * VIEWERS
    assert left == [("idle", "")] * (INSIDE_A_CALL + INSIDE_A_REPLY)
    assert {status for status, _ in site.statuses()} == {"completed"}
    assert faults_in(site.evidence(before)) == []


async def watch(site: ChaosSite, run_id: str) -> ClientConnection:
    """A socket to a run, as a browser opens it."""
    address = f"{site.live.url.replace('http', 'ws')}/ws/runs/{UUID(run_id)}/"
    headers = {"Cookie": f"sessionid={site.session}"}
    return await connect(address, additional_headers=headers, origin=Origin(site.live.url))


async def close_code(viewer: ClientConnection) -> int | None:
    """Read until the server closes."""
    try:
        async for _ in viewer:
            pass
    except ConnectionClosed:
        pass
    return viewer.close_code
