"""Concurrency limits, and the order of waiting runs."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine import control
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run
from tests.engine.conftest import ended, launch, reached

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


class Counting:
    """A model that answers on command, and records its maximum of concurrent requests."""

    name = model = "counting"

    def __init__(self) -> None:
        self.now = self.most = 0
        self.order: list[str] = []
        self.turn = asyncio.Semaphore(0)
        self.two_ask = asyncio.Event()

    async def reply(self, request: Any, *, on_delta: Any = None) -> Any:
        """Answer, one at a time."""
        self.now += 1
        self.most = max(self.most, self.now)
        self.order.append(request.task)
        if self.now == 2:
            self.two_ask.set()
        try:
            await self.turn.acquire()
        finally:
            self.now -= 1
        return answers("Done.")


async def everything_ended() -> None:
    async with asyncio.timeout(20):
        while await Run.objects.unfinished().aexists():  # noqa: ASYNC110 - many rows, each on its own
            await asyncio.sleep(0.01)


async def test_an_agent_has_no_more_runs_at_work_than_it_may_and_the_next_begins_as_one_ends(
    ada: User, assistant: Agent, host_for: StartHost
) -> None:
    assistant.max_runs_at_once = 2
    await assistant.asave()
    model = Counting()
    # Without sweeps of its own, only the end of a run can bring the next one.
    host = host_for(model, timings=HostTimings(sweep_every_s=1e9))
    for number in range(6):
        run = await launch(ada, f"task {number}")
        host.submit(run.pk)

    for _ in range(6):
        model.turn.release()
    await everything_ended()

    assert model.most == 2


async def test_a_person_has_no_more_runs_at_work_than_they_may_and_others_are_not_held_up(
    ada: User, host_for: StartHost, settings: Any
) -> None:
    settings.AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER = 1
    bob = await User.objects.acreate(username="bob")
    model = Counting()
    for number in range(3):
        await launch(ada, f"ada {number}")
    others = await launch(bob, "bob")
    host_for(model)

    await reached(others, lambda row: row.owner is not None)
    async with asyncio.timeout(10):
        await model.two_ask.wait()
    hosted = [run.task async for run in Run.objects.filter(owner__isnull=False).order_by("task")]
    for _ in range(4):
        model.turn.release()
    await everything_ended()

    assert hosted == ["ada 0", "bob"]
    assert model.most == 2


async def test_a_parked_run_gives_its_place_to_the_next(ada: User, assistant: Agent, host_for: StartHost) -> None:
    assistant.max_runs_at_once = 1
    await assistant.asave()
    first = await launch(ada, "first")
    host_for(ScriptedModel(answers("Done.")))
    await Run.objects.filter(pk=first.pk).aupdate(status="waiting", waiting_for="approval", owner=None)

    assert (await ended(await launch(ada, "second"))).status == "completed"


async def test_a_stop_needs_no_place(ada: User, assistant: Agent, host_for: StartHost) -> None:
    assistant.max_runs_at_once = 1
    await assistant.asave()
    model = Counting()
    host_for(model)
    first = await launch(ada, "first")
    await reached(first, lambda row: row.owner is not None)
    second = await launch(ada, "second")
    await Run.objects.filter(pk=second.pk).aupdate(cancel_requested_at=second.created_at)

    assert (await ended(second)).status == "cancelled"
    model.turn.release()
    await ended(first)


async def test_higher_priorities_go_first_then_older_runs(ada: User, assistant: Agent, host_for: StartHost) -> None:
    model = Counting()
    for task, priority in (("old", 0), ("urgent", 5), ("older", 0), ("late", -1), ("new", 0)):
        run = await launch(ada, task)
        await Run.objects.filter(pk=run.pk).aupdate(priority=priority)
    host_for(model, capacity=1)

    for _ in range(5):
        model.turn.release()
    await everything_ended()

    assert model.order == ["urgent", "old", "older", "new", "late"]


async def test_the_page_of_a_queued_run_says_which_limit_it_waits_for(
    ada: User, assistant: Agent, host_for: StartHost
) -> None:
    assistant.max_runs_at_once = 1
    await assistant.asave()
    model = Counting()
    host_for(model)
    first = await launch(ada, "first")
    await reached(first, lambda row: row.owner is not None)
    second = await launch(ada, "second")

    def pages() -> list[str]:
        client = Client()
        client.force_login(ada)
        return [client.get(run.get_absolute_url()).content.decode() for run in (first, second)]

    of_first, of_second = await sync_to_async(pages)()
    for _ in range(2):
        model.turn.release()
    await everything_ended()

    words = "at most 1 run of the agent Assistant may be at work at once"
    assert words in of_second
    assert words not in of_first


async def test_an_agents_priority_is_its_runs(ada: User, assistant: Agent) -> None:
    assistant.priority = 7
    await assistant.asave()

    run = await sync_to_async(control.launch)(user=ada, task="Do it.")

    assert run.priority == 7
