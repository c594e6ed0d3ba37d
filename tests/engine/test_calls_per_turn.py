"""What a turn costs in the event loop of its host, counted: times depend on the machine, calls of Python hardly do."""

import sys
from types import FrameType

from django.contrib.auth.models import User

from runs.engine.host_timings import HostTimings
from runs.engine.hosting.host import RunHost
from runs.models import Agent
from tests.benchmarks.engine import StandardModel
from tests.engine.conftest import ended, launch

MOST_CALLS = 850
"""About 800, a third of them asyncio's, for three steps. How many the writer's thread makes depends on how many writes
meet in a batch, so they are not counted."""


async def calls_of_a_run(host: RunHost, ada: User, turns: int) -> int:
    """The calls of Python in this thread, from the launch to the end of a run of so many turns."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        run = await launch(ada, max_turns=turns + 1)
        host.take([run.pk])
        await host._runs.wait()
    finally:
        sys.setprofile(None)
    assert (await ended(run)).status == "completed"
    return calls


async def test_a_turn_of_three_steps_takes_a_bounded_number_of_calls_in_the_event_loop(host_for, ada):
    await Agent.objects.aupdate(max_turns=200)
    model = StandardModel(10)
    # Without sweeps, whose number depends on how long the runs take.
    host = host_for(model, HostTimings(sweep_every_s=60.0))
    await calls_of_a_run(host, ada, 10)  # What is imported and cached at the first run is not counted.

    short = await calls_of_a_run(host, ada, 10)
    model.turns = 110
    long = await calls_of_a_run(host, ada, 110)

    assert (long - short) / 100 < MOST_CALLS
