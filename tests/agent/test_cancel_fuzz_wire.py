"""A run with a real server, cancelled at each await: its connection is closed, and nothing is left behind."""

import asyncio
import os

import pytest

from runs.agent import run_agent
from tests.strikes import Strikes
from tests.wire import Answer, Hang, WireServer
from tests.wire.models import FORMATS, model_at

ALL = os.environ.get("CANCEL_FUZZ") == "all"
EVERY = 1 if ALL else 4
MOST_WAITS = 300
HANGS = Hang(after_chunks=3, answer=Answer("I am still speaking, slowly, and for ever.", reasoning="I think."))


@pytest.mark.parametrize("times", [1, 2, 3] if ALL else [2])
@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_reply_stopped_at_any_await_leaves_no_connection_and_no_task(
    wire_server: WireServer, wire_format: str, times: int
) -> None:
    model = model_at(wire_server, wire_format)
    assert (await run_agent("Load what is loaded once.", model=model, tools=[])).success
    strikes = Strikes(lambda coro: coro.__qualname__ == "run_agent")
    strikes.watch(asyncio.get_running_loop())
    before = asyncio.all_tasks()
    for wait in range(times % EVERY, MOST_WAITS, EVERY):
        wire_server.forget()
        wire_server.script(HANGS)
        strikes.prepare(range(wait, wait + times), lambda root, _: root.cancel())
        run = asyncio.create_task(run_agent("x", model=model, tools=[]))
        await asyncio.wait([run], timeout=1)
        if not strikes.struck:  # the request hangs here, and there is no such wait before
            run.cancel()
        await asyncio.wait([run])

        assert run.cancelled(), f"at wait {wait}"
        if left := asyncio.all_tasks() - before:  # a generator that one of the clients leaves to the garbage collector
            _, left = await asyncio.wait(left, timeout=5)
        assert left == set(), f"left at wait {wait}"
        if wire_server.requests:
            await asyncio.to_thread(wire_server.wait_for_client_to_leave, timeout_s=5)
        if not strikes.struck:
            break
    assert not strikes.struck
    assert wait > 10
    assert strikes.unhandled == []
