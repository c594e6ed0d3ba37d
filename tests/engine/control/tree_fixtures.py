"""Agents that call each other, and a model that knows each run by its task."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.budget.pricing import Price
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.providers.scripted import calls_tools
from runs.agent.usage import NOT_REPORTED, Usage
from runs.engine import control
from runs.models import Agent, Run
from tests.engine.conftest import SOON_S

USAGE = Usage(input_tokens=7, output_tokens=3, cost_usd=Decimal("0.01"))
"""Of each reply: 10 tokens and a cent."""


class Troupe:
    """A model of many runs. A run whose task is no key of the script answers at once, with its task."""

    name = "scripted"
    model = "troupe"
    price = Price(input=Decimal(1), output=Decimal(1))

    def __init__(self, script: Mapping[str, Sequence[ModelReply]] | None = None, *, held: Sequence[str] = ()) -> None:
        """`script`: the replies of a run by its task. The runs with a task of `held` wait at their first reply."""
        self.requests: list[ModelRequest] = []
        self.open = asyncio.Event()
        self.asked = asyncio.Event()
        """Set at the first request."""
        self._script = script or {}
        self._held = held

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply of the run."""
        self.requests.append(request)
        self.asked.set()
        if request.task in self._held and not request.turns:
            await self.open.wait()
        replies = self._script.get(request.task, [])
        turn = len(request.turns)
        said = replies[turn] if turn < len(replies) else ModelReply(f"{request.task}: done.")
        return replace(said, usage=USAGE) if said.usage == NOT_REPORTED else said

    def results(self, task: str) -> list[Any]:
        """What the run of this task got back from its last turn: outputs, and messages of errors."""
        request = next(each for each in reversed(self.requests) if each.task == task)
        results = request.turns[-1].results
        return [each.error.message if each.error is not None else each.output for each in results]


def calls_agents(agent: str, *tasks: str) -> ModelReply:
    """A reply that calls the agent once for each task."""
    return calls_tools(*(("call_agent", {"agent": agent, "task": task}) for task in tasks))


def agents(**callable_: Sequence[str]) -> dict[str, Agent]:
    """Agents by name, each with the names of those that it may call."""
    return {
        name: Agent.objects.create(name=name, model_names=["offline"], approval="never", agents=list(names))
        for name, names in callable_.items()
    }


async def without_tools() -> None:
    """Leave the agents nothing but the agents they may call: what a request needs is then the same, however many tools
    are registered."""
    await Agent.objects.all().aupdate(tools=[])


async def launch_as(agent: str, user: User | None, task: str, **changes: Any) -> Run:
    """Launch a run of the agent, which gets these `changes` before."""

    def launched() -> Run:
        Agent.objects.filter(name=agent).update(**changes) if changes else None
        return control.launch(user=user, task=task, agent=Agent.objects.get(name=agent))

    return await sync_to_async(launched, thread_sensitive=False)()


async def child_of(run: Run, task: str) -> Run:
    """The run in the tree with this task, once it was launched."""
    give_up_at = time.monotonic() + SOON_S
    while (found := await Run.objects.filter(root=run.root_id, task=task).afirst()) is None:
        assert time.monotonic() < give_up_at, f"No run with the task {task!r} after {SOON_S} s"
        await asyncio.sleep(0.005)
    return found


async def tree_of(run: Run) -> list[Run]:
    """The runs below this first run of a tree, by depth and task."""
    return [each async for each in Run.objects.filter(root=run.pk).order_by("depth", "task")]


async def hosted_in(run: Run) -> list[str]:
    """The tasks of the runs of the tree that have a host, in order."""
    hosted = Run.objects.in_tree(run.pk).filter(owner__isnull=False)
    return [each.task async for each in hosted.order_by("depth", "task")]


async def states_in(run: Run) -> set[tuple[str, str]]:
    """The states of all runs of the tree."""
    return {(each.status, each.waiting_for) async for each in Run.objects.in_tree(run.pk)}
