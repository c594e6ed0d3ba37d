"""What happens to a run happens to the runs below it: stop, pause, resume; and what a child run is alone."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from runs.agent.providers.scripted import calls_tool, calls_tools
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.operations.retention import Pruner, would_go
from runs.live.rendering.stop_views import proof_of
from runs.models import Agent, Run, Step, Surface, ToolCall
from runs.models.run_tree import RunTree
from tests.engine.conftest import SWEEPS_OFTEN, ended, reached, steps_of
from tests.engine.control.test_cancel import cancel
from tests.engine.control.test_pause import notes_of, pause, resume
from tests.engine.control.tree_fixtures import (
    Troupe,
    agents,
    calls_agents,
    child_of,
    hosted_in,
    launch_as,
    states_in,
    tree_of,
    without_tools,
)

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
PAUSES_SOON = replace(SWEEPS_OFTEN, pause_grace_s=0.0)
DEEP = [f"deep {number}" for number in range(2)]


@pytest.fixture
def family(ada: User) -> dict[str, Agent]:
    """A boss, who may call a worker, who may call a helper."""
    return agents(Boss=["Worker"], Worker=["Helper"], Helper=[])


def tree_model(*held: str) -> Troupe:
    """1 + 2 + 2: the run calls two workers, one of whom calls two helpers. Those `held` wait at their first reply."""
    script = {"top": [calls_agents("Worker", "middle", "other")], "middle": [calls_agents("Helper", *DEEP)]}
    return Troupe(script, held=held)


async def tree(ada: User, *tasks: str) -> Run:
    """The run of such a tree, once the runs with these tasks are hosted, and no others."""
    run = await launch_as("Boss", ada, "top")
    for task in tasks:
        await reached(await child_of(run, task), lambda row: row.owner is not None)
    await reached(run, lambda row: row.waiting_for == "child")
    if "middle" not in tasks:
        await reached(await child_of(run, "middle"), lambda row: row.waiting_for == "child")
    return run


async def all_in(run: Run, *states: tuple[str, str]) -> None:
    """Return once the runs of the tree are in these states."""
    await reached(run, lambda row: (row.status, row.waiting_for) in states)
    for child in await tree_of(run):
        await reached(child, lambda row: (row.status, row.waiting_for) in states)


async def test_stopping_a_run_stops_all_below_it(ada: User, family: dict[str, Agent], host_for: StartHost) -> None:
    host_for(tree_model(*DEEP, "other"), PAUSES_SOON)
    run = await tree(ada, *DEEP, "other")

    assert await cancel(run, ada) == "cancelled"
    await all_in(run, ("cancelled", ""))

    assert await hosted_in(run) == []
    assert {call.state async for call in ToolCall.objects.filter(run__in=[run, *await tree_of(run)])} == {"failed"}
    for each in [run, *await tree_of(run)]:
        assert (await steps_of(each))[-1].content.startswith("Stopped by ada")


@pytest.mark.parametrize("end", ["stopped", "paused and resumed"])
async def test_a_tree_of_sixteen_runs_is_stopped_as_a_whole_or_paused_and_resumed_and_its_cost_adds_up(
    ada: User, family: dict[str, Agent], host_for: StartHost, end: str
) -> None:
    middle = ["middle", *(f"middle {number}" for number in range(1, 5))]
    leaves = {task: [f"{task}, leaf {number}" for number in range(2)] for task in middle}
    held = [leaf for each in leaves.values() for leaf in each]
    script = {"top": [calls_agents("Worker", *middle)]} | {
        task: [calls_agents("Helper", *below)] for task, below in leaves.items()
    }
    model = Troupe(script, held=held)
    host_for(model, PAUSES_SOON)
    run = await tree(ada, *held)

    if end == "stopped":
        await cancel(run, ada)
        await all_in(run, ("cancelled", ""))
    else:
        await pause(run, ada)
        await all_in(run, ("waiting", "resume"))
        model.open.set()
        await resume(run, ada)
        await all_in(run, ("completed", ""))

    assert await hosted_in(run) == []
    runs = [run, *await tree_of(run)]
    assert sorted(each.task for each in runs) == sorted(["top", *middle, *held])
    top = await Run.objects.aget(pk=run.pk)
    use = (await sync_to_async(RunTree.under)(top)).use_of(top)
    replies = 6 if end == "stopped" else 6 * 2 + 10
    assert (use.tokens, use.cost) == (replies * 10, replies * Decimal("0.01"))


async def test_the_report_of_a_stop_names_the_calls_that_waited_for_child_runs(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    host_for(tree_model(*DEEP, "other"), PAUSES_SOON)
    run = await tree(ada, *DEEP, "other")

    await cancel(run, ada)
    await all_in(run, ("cancelled", ""))

    last = (await steps_of(run))[-1]
    card = await sync_to_async(proof_of)(last)
    assert [each["outcome"] for each in last.metadata["proof"]["stopped"]] == ["awaited_child"] * 2
    assert all(each["ran_s"] is not None for each in last.metadata["proof"]["stopped"])
    assert "which waited for its child run" in last.content
    assert "Its child runs are stopped with it, and say themselves what they have spent." in last.content
    assert card is not None and card.awaited_children
    assert {each.words for each in card.stopped} == {"it waited for its child run"}


async def test_stopping_a_run_in_the_middle_leaves_those_above_and_beside(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = tree_model(*DEEP, "other")
    host_for(model, PAUSES_SOON)
    run = await tree(ada, *DEEP, "other")

    await cancel(await child_of(run, "middle"), ada)
    for task in DEEP:
        await ended(await child_of(run, task))
    beside = await hosted_in(run)
    model.open.set()
    run = await ended(run)

    assert (beside, run.status) == (["other"], "completed")
    stopped = "The run of the agent Worker was stopped by ada before it answered."
    assert model.results("top") == [stopped, "other: done."]


async def test_pausing_a_run_pauses_all_below_it_and_resuming_goes_on(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = tree_model(*DEEP, "other")
    host_for(model, PAUSES_SOON)
    run = await tree(ada, *DEEP, "other")

    assert await pause(run, ada) == "paused"
    await all_in(run, ("waiting", "resume"))
    hosted = await hosted_in(run)
    assert await pause(run, ada) == "already_paused"
    model.open.set()
    assert await resume(run, ada) == "resumed"
    run = await ended(run)

    assert hosted == []
    assert (run.status, run.answer) == ("completed", "top: done.")
    assert {each.status for each in await tree_of(run)} == {"completed"}
    assert "resumed" in await notes_of(await child_of(run, DEEP[0]))


async def test_a_run_that_was_paused_alone_stays_paused_when_the_tree_is_resumed(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = tree_model(*DEEP, "other")
    host_for(model, PAUSES_SOON)
    run = await tree(ada, *DEEP, "other")
    other = await child_of(run, "other")
    await pause(other, ada)
    await reached(other, lambda row: row.waiting_for == "resume")

    await pause(run, ada)
    await all_in(run, ("waiting", "resume"))
    model.open.set()
    await resume(run, ada)
    await ended(await child_of(run, "middle"))
    await reached(run, lambda row: row.waiting_for == "child")

    assert (await Run.objects.aget(pk=other.pk)).waiting_for == "resume"
    await resume(other, ada)
    assert (await ended(run)).status == "completed"


async def test_a_child_of_a_paused_run_that_a_person_decides_about_is_paused_after_that(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    asks = calls_tool("ask_person", question="Where?")
    model = Troupe({"top": [calls_agents("Worker", "middle")], "middle": [asks]})
    host_for(model, PAUSES_SOON)
    run = await launch_as("Boss", ada, "top")
    child = await child_of(run, "middle")
    await reached(child, lambda row: row.waiting_for == "answer")
    await reached(run, lambda row: row.waiting_for == "child")

    await pause(run, ada)
    call = await ToolCall.objects.aget(run=child)
    question = await call.questions.aget()
    answer = sync_to_async(control.answer, thread_sensitive=False)
    await answer(question.pk, by=ada, answer="Here.", surface=Surface.PAGE)
    await reached(child, lambda row: row.waiting_for == "resume")
    await resume(run, ada)
    run = await ended(run)

    assert (run.status, model.results("middle")) == ("completed", ["Here."])


async def test_a_run_that_asks_is_paused_with_its_children_and_goes_on_waiting_when_it_is_resumed(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    reply = calls_tools(("call_agent", {"agent": "Worker", "task": "middle"}), ("ask_person", {"question": "Where?"}))
    model = Troupe({"top": [reply]}, held=["middle"])
    host_for(model, PAUSES_SOON)
    run = await launch_as("Boss", ada, "top")
    await reached(run, lambda row: row.waiting_for == "answer")
    child = await child_of(run, "middle")

    assert await pause(run, ada) == "asked"
    await reached(child, lambda row: row.waiting_for == "resume")
    model.open.set()
    assert await resume(run, ada) == "resumed"
    row = await ended(child)

    assert row.status == "completed"
    assert (await Run.objects.aget(pk=run.pk)).waiting_for == "answer"


async def test_a_run_launched_while_a_pause_is_under_way_is_paused_too(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    run = await launch_as("Boss", ada, "top")
    call_id = UUID("6f0d9b0e-6a0e-5a59-8f6e-3d8c0d1f7a01")
    await Run.objects.filter(pk=run.pk).aupdate(
        owner="a host", status="executing", epoch=1, pause_requested_at=timezone.now()
    )
    columns: dict[str, Any] = {"turn": 1, "index": 0, "tool_name": "call_agent", "arguments": {}, "epoch": 1}
    await ToolCall.objects.acreate(call_id=call_id, run=run, state="started", effect="idempotent", **columns)

    made = sync_to_async(control.answer_of_child, thread_sensitive=False)
    with pytest.raises(Exception, match="awaiting_child"):
        await made(run.pk, epoch=1, call_id=call_id, agent="Worker", task="middle")
    host_for(Troupe())
    child = await child_of(run, "middle")

    await reached(child, lambda row: row.waiting_for == "resume")


async def test_a_failed_child_is_resumed_only_while_its_call_waits_for_it(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await Agent.objects.filter(name="Helper").aupdate(max_turns=1)
    script = {
        "top": [calls_agents("Worker", "middle", "other")],
        "middle": [calls_agents("Helper", "deep")],
        "deep": [calls_tool("current_time")],
    }
    model = Troupe(script, held=["other"])
    host_for(model, PAUSES_SOON)
    run = await launch_as("Boss", ada, "top")
    await ended(await child_of(run, "middle"))
    deep = await child_of(run, "deep")

    assert (await resume(deep, ada, max_turns=1), deep.status) == ("not_resumable", "failed")
    model.open.set()
    assert (await ended(run)).status == "completed"


async def test_a_resumed_child_has_no_more_than_the_run_gave_it(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await without_tools()
    model = Troupe({"top": [calls_agents("Worker", "middle")]}, held=["middle"])
    host_for(model, PAUSES_SOON)
    run = await launch_as("Boss", ada, "top", max_tokens=100_000)
    child = await child_of(run, "middle")
    await reached(child, lambda row: row.owner is not None)
    await pause(child, ada)
    await reached(child, lambda row: row.waiting_for == "resume")

    with pytest.raises(control.OverrideRefused):
        await resume(child, ada, max_tokens=200_000)

    model.open.set()
    assert await resume(child, ada) == "resumed"
    assert (await ended(run)).status == "completed"


async def test_a_child_that_is_run_again_or_followed_up_is_a_run_of_its_own(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await without_tools()
    host_for(Troupe({"top": [calls_agents("Worker", "middle")]}))
    run = await ended(await launch_as("Boss", ada, "top", max_tokens=100_000))
    child = await child_of(run, "middle")

    again = await sync_to_async(control.run_again, thread_sensitive=False)(child.pk, by=ada)
    follow_up = await sync_to_async(control.continue_run, thread_sensitive=False)(child.pk, by=ada, message="And?")

    for made in (again, follow_up):
        assert (made.root, made.parent_call_id, made.depth, made.config.get("max_tokens")) == (None, None, 0, None)
    assert (again.task, follow_up.thread) == ("middle", child.pk)
    assert [each.pk for each in await tree_of(run)] == [child.pk]


async def test_another_person_stops_a_tree_only_with_the_permission_to_stop(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    host_for(tree_model(*DEEP, "other"), PAUSES_SOON)
    run = await tree(ada, *DEEP, "other")
    grace = await User.objects.acreate_user("grace")
    child = await child_of(run, "middle")

    assert not await sync_to_async(lambda: Run.objects.visible_to(grace).exists())()
    codes = ["view_run", "stop_run"]
    await grace.user_permissions.aset([p async for p in Permission.objects.filter(codename__in=codes)])
    grace = await User.objects.aget(pk=grace.pk)
    assert await cancel(child, grace) == "cancelled"
    assert await cancel(run, grace) == "cancelled"
    await all_in(run, ("cancelled", ""))


async def test_old_trees_are_deleted_as_a_whole(ada: User, family: dict[str, Agent], host_for: StartHost) -> None:
    host_for(tree_model())
    old, kept = [await ended(await launch_as("Boss", ada, "top")) for _ in range(2)]
    long_ago = timezone.now() - timedelta(days=40)
    before = timezone.now() - timedelta(days=30)
    await Run.objects.in_tree(old.pk).aupdate(ended_at=long_ago)
    await Run.objects.in_tree(kept.pk).aupdate(ended_at=long_ago)
    # A child that was followed up keeps its whole tree.
    helper = await child_of(kept, DEEP[0])
    await ended(await sync_to_async(control.continue_run, thread_sensitive=False)(helper.pk, by=ada, message="And?"))

    def prune() -> tuple[int, int, int]:
        foreseen = would_go(before)
        pruner = Pruner(rest=lambda _: None)
        pruner.prune_runs(before)
        return foreseen.runs, pruner.pruned.runs, pruner.pruned.kept_for_others

    assert await sync_to_async(prune, thread_sensitive=False)() == (5, 5, 5)
    assert not await Run.objects.in_tree(old.pk).aexists()
    assert await Run.objects.in_tree(kept.pk).acount() == 5
    assert not await Step.objects.filter(run__isnull=True).aexists()


async def test_a_tree_that_is_suspended_goes_on_in_the_next_host(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = tree_model(*DEEP, "other")
    first = host_for(model)
    run = await tree(ada, *DEEP, "other")

    await first.drain()
    suspended = await states_in(run)
    model.open.set()
    host_for(model, PAUSES_SOON)
    run = await ended(run)

    assert suspended == {("waiting", "child"), ("idle", "")}
    assert (run.status, len(await tree_of(run))) == ("completed", 4)


async def test_a_stop_while_runs_are_being_launched_leaves_none_behind(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    host_for(tree_model(*DEEP, "other"), PAUSES_SOON)
    runs = [await launch_as("Boss", ada, "top") for _ in range(4)]
    for number, run in enumerate(runs):
        await reached(run, partial(_has_steps, number))

    await asyncio.gather(*(cancel(run, ada) for run in runs))

    for run in runs:
        await all_in(run, ("cancelled", ""))
        assert await hosted_in(run) == []


def _has_steps(count: int, run: Run) -> bool:
    return run.next_sequence > count
