"""The sweep of a single host."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

from runs.engine.control.approval_grace import end_graces
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.hosting.sweeper import Sweeper
from tests.engine.hosts import IdleHost


class NothingToDo(IdleHost):
    """A host with an empty database."""

    async def read(self, work: Callable[[], Any]) -> Any:
        return None if work is end_graces else ([], {})


class Awaited(asyncio.Event):
    """An event that tells when a waiter starts to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.is_awaited.set()
        return await super().wait()


@pytest.mark.parametrize("ticks", range(6))
async def test_a_sweep_that_was_asked_for_a_moment_before_is_cancelled_all_the_same(ticks: int) -> None:
    sweep = Sweeper(NothingToDo(), CrashTrials(), HostTimings(sweep_every_s=60.0))
    sweep._wanted = wanted = Awaited()
    sweeping = asyncio.create_task(sweep.sweep_for_ever())
    await wanted.is_awaited.wait()

    sweep.soon()
    for _ in range(ticks):
        await asyncio.sleep(0)
    sweeping.cancel()
    await asyncio.wait([sweeping], timeout=1.0)

    assert sweeping.done() and sweeping.cancelled()
