"""A hundred concurrent runs in one process, under stress. They are a hundred in all of the tests with `CHAOS=full`."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from channels import layers
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import User
from django.db import connection

from runs.agent.messages import ModelReply, ModelRequest
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tools
from runs.engine import control
from runs.engine.hosting import supervisor
from runs.engine.hosting.host import RunHost
from runs.models import Run, Step, ToolCall

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]

RUNS, TURNS = 100, 4
SOME = RUNS if os.environ.get("CHAOS") == "full" else 40
STEPS = 5 * TURNS + 1
CALLS = ("calculator", "text_stats")


def turn(request: ModelRequest) -> ModelReply:
    number = len(request.turns) + 1
    given = {"expression": f"2 ** {number}"}, {"text": f"one two three {number}"}
    return calls_tools(*zip(CALLS, given, strict=True), reasoning=f"Turn {number}.")


def working_model() -> ScriptedModel:
    """A turn has reasoning and two tool calls; after the last turn comes the answer: `STEPS` steps."""
    return ScriptedModel(*[turn] * TURNS, answers("Done."))


async def launch_from_threads(user: User, number: int) -> list[Run]:
    """Launch from several threads, each with its own connection, like many users."""

    def launch_one(task: int) -> Run:
        try:
            return control.launch(user=user, task=f"Task {task}")
        finally:
            connection.close()

    def launch_all() -> list[Run]:
        with ThreadPoolExecutor(8) as people:
            return list(people.map(launch_one, range(number)))

    return await asyncio.to_thread(launch_all)


async def all_ended(number: int) -> None:
    async with asyncio.timeout(60):
        while True:
            if await Run.objects.filter(ended_at__isnull=False).acount() == number:
                return
            await asyncio.sleep(0.05)


async def numbered_without_gaps() -> bool:
    """True if the steps of every run are 1..n, and the run's row says n."""
    seen: dict[object, list[int]] = {run_id: [] async for run_id in Run.objects.values_list("pk", flat=True)}
    async for run_id, sequence in Step.objects.order_by("sequence").values_list("run_id", "sequence"):
        seen[run_id].append(sequence)
    last = {pk: next_ - 1 async for pk, next_ in Run.objects.values_list("pk", "next_sequence")}
    return all(numbers == list(range(1, last[run_id] + 1)) for run_id, numbers in seen.items())


async def test_a_hundred_runs_launched_from_many_threads_at_once_all_complete(ada: User, host_for: StartHost) -> None:
    host_for(working_model())

    await launch_from_threads(ada, RUNS)
    await all_ended(RUNS)

    assert await Run.objects.filter(status="completed", answer="Done.", next_sequence=STEPS + 1).acount() == RUNS
    assert await numbered_without_gaps()
    assert await ToolCall.objects.filter(state="succeeded").acount() == RUNS * TURNS * len(CALLS)


async def test_more_runs_than_a_host_has_room_for_wait_their_turn_and_complete(ada: User, host_for: StartHost) -> None:
    host = host_for(working_model(), capacity=7)
    most = 0

    launched = await launch_from_threads(ada, SOME)
    async with asyncio.timeout(60):
        while await Run.objects.filter(status="completed").acount() < len(launched):
            most = max(most, host.hosted)
            await asyncio.sleep(0.01)

    assert 0 < most <= 7
    assert await numbered_without_gaps()


async def test_stopping_half_of_them_in_the_middle_ends_those_and_no_other(ada: User, host_for: StartHost) -> None:
    host_for(working_model())

    launched = await launch_from_threads(ada, SOME)
    stopped = launched[::2]
    outcomes = await asyncio.to_thread(lambda: [control.cancel(run.pk, by=ada) for run in stopped])
    await all_ended(SOME)

    queued = [run.pk for run, outcome in zip(stopped, outcomes, strict=True) if outcome == "cancelled"]
    assert await Run.objects.filter(pk__in=queued, status="cancelled").acount() == len(queued)
    others = Run.objects.exclude(pk__in=[run.pk for run in stopped])
    assert {status async for status in others.values_list("status", flat=True)} == {"completed"}
    assert not await ToolCall.objects.filter(state__in=["proposed", "started"]).aexists()
    assert await numbered_without_gaps()


async def test_every_run_is_told_to_leave_in_the_middle_and_the_next_host_completes_them_all(
    ada: User, host_for: StartHost
) -> None:
    first = host_for(working_model())

    await launch_from_threads(ada, SOME)
    await first.drain()
    left = {status async for status in Run.objects.values_list("status", flat=True)}
    host_for(working_model())
    await all_ended(SOME)

    assert left <= {"idle", "completed"}
    assert await Run.objects.filter(status="completed", answer="Done.").acount() == SOME
    assert await numbered_without_gaps()
    results = Step.objects.filter(kind="tool_result")
    assert await results.acount() == SOME * TURNS * len(CALLS)


class FailsWhenCancelled:
    """Waits for ever; a cancellation meanwhile rises as a connection that could not be closed."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self.waits.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            raise ConnectionResetError("the connection could not be closed") from cancelled


@pytest.mark.parametrize("fails_in", ["new_channel", "group_add", "receive"])
async def test_a_drain_ends_though_the_channel_layer_turns_its_cancellation_into_an_error(
    fails_in: str, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, fails = InMemoryChannelLayer(), FailsWhenCancelled()
    setattr(layer, fails_in, fails)
    monkeypatch.setattr(layers.channel_layers, "backends", {"default": layer})
    monkeypatch.setattr(supervisor, "END_AGAIN_AFTER_S", 0.05)
    host = host_for(working_model())

    async with asyncio.timeout(10):
        await fails.waits.wait()
        await host.drain()

    assert [task for task in asyncio.all_tasks() if "messages" in repr(task) or "_listen" in repr(task)] == []
