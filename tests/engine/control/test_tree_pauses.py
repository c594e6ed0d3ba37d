"""A pause and a resume of a tree that come while its runs are launched, parked, or on their way to the pause."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import calls_tools
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.control import child_launch, tree_pauses
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run
from tests.engine.conftest import SWEEPS_OFTEN, ended, reached, steps_of
from tests.engine.control.test_pause import notes_of, pause, resume
from tests.engine.control.tree_fixtures import Troupe, agents, calls_agents, child_of, launch_as

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
PATIENT = replace(SWEEPS_OFTEN, pause_grace_s=60.0)
"""A pause that waits for the end of each reply."""


@pytest.fixture
def family(ada: User) -> dict[str, Agent]:
    """A boss, who may call a worker."""
    return agents(Boss=["Worker"], Worker=[])


def is_paused(run: Run) -> bool:
    return run.waiting_for == "resume" and run.owner is None


@pytest.fixture
def paused_at_the_launch(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first launch of a child run meets a pause of the run that calls it."""
    real = child_launch._launch
    paused: list[str] = []

    def launch(run_id: Any, *rest: Any) -> Run:
        if not paused:
            paused.append(control.pause(run_id, by=ada))
        return real(run_id, *rest)

    monkeypatch.setattr(child_launch, "_launch", launch)


@pytest.mark.usefixtures("family", "paused_at_the_launch")
async def test_a_tree_whose_pause_met_the_launch_of_a_child_is_paused_as_a_whole_and_resumed(
    ada: User, host_for: StartHost
) -> None:
    host_for(Troupe({"top": [calls_agents("Worker", "dig")]}))
    run = await launch_as("Boss", ada, "top")
    child = await child_of(run, "dig")

    await reached(run, is_paused)
    await reached(child, is_paused)
    assert (await steps_of(child))[-1].content == "Paused by ada, together with the run that called it."
    assert (await steps_of(run))[-1].content == "Paused by ada, together with its child runs."
    assert await resume(run, ada) == "resumed"

    assert [(await ended(each)).status for each in (child, run)] == ["completed", "completed"]


@pytest.mark.usefixtures("family")
async def test_resuming_takes_the_pause_back_from_a_child_that_has_not_come_to_it(
    ada: User, host_for: StartHost
) -> None:
    model = Troupe({"top": [calls_agents("Worker", "dig")]}, held=["dig"])
    host_for(model, PATIENT)
    run = await launch_as("Boss", ada, "top")
    child = await child_of(run, "dig")
    await reached(child, lambda row: row.owner is not None and row.status == "thinking")
    await reached(run, lambda row: row.waiting_for == "child" and row.owner is None)

    assert await pause(run, ada) == "paused"
    assert await resume(run, ada) == "resumed"
    model.open.set()
    await ended(child)

    assert (await ended(run)).status == "completed"
    assert [each for each in await notes_of(child) if "paus" in each or each == "resumed"] == [
        "pause_asked",
        "resumed",
    ]
    assert [request.task for request in model.requests].count("dig") == 1


@pytest.mark.usefixtures("family")
async def test_a_child_that_was_already_leaving_for_its_pause_goes_on_after_it(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its host does not hear of the resume, as if it had queued its last write already.
    monkeypatch.setattr(tree_pauses, "tell", lambda *_: None)
    model = Troupe({"top": [calls_agents("Worker", "dig")], "dig": [calls_tools(("current_time", {}))]}, held=["dig"])
    host_for(model, PATIENT)
    run = await launch_as("Boss", ada, "top")
    child = await child_of(run, "dig")
    await reached(child, lambda row: row.owner is not None and row.status == "thinking")
    await reached(run, lambda row: row.waiting_for == "child" and row.owner is None)

    await pause(run, ada)
    await reached(child, lambda row: row.pause_requested_at is not None)
    assert await resume(run, ada) == "resumed"
    model.open.set()
    child = await reached(child, lambda row: row.is_finished)

    assert (child.status, (await ended(run)).status) == ("completed", "completed")
    assert [each for each in await notes_of(child) if "paus" in each or each == "resumed"] == [
        "pause_asked", "resumed", "paused", "resumed",
    ]  # fmt: skip


@pytest.mark.usefixtures("family", "own_registry")
async def test_a_run_with_a_tool_beside_its_child_is_paused_when_the_tool_has_ended(
    ada: User, host_for: StartHost
) -> None:
    gate = asyncio.Event()

    @tool(effect="read")
    async def slow() -> str:
        """Wait."""
        await gate.wait()
        return "ok"

    await Agent.objects.filter(name="Boss").aupdate(tools=["slow"])
    reply = calls_tools(("slow", {}), ("call_agent", {"agent": "Worker", "task": "dig"}))
    model = Troupe({"top": [reply]}, held=["dig"])
    host_for(model, PATIENT)
    run = await launch_as("Boss", ada, "top")
    child = await child_of(run, "dig")
    await reached(child, lambda row: row.owner is not None)

    assert await pause(run, ada) == "asked"
    gate.set()
    await reached(run, is_paused)
    assert await resume(run, ada) == "resumed"
    model.open.set()

    assert [(await ended(each)).status for each in (child, run)] == ["completed", "completed"]
