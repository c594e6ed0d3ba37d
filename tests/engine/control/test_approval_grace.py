"""The grace of an approval: an unsafe call does not run yet, and its approval can be taken back."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from runs.agent.providers.scripted import calls_tools
from runs.engine import control
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.hosting.host import RunHost
from runs.engine.hosting.sweeper import Sweeper
from runs.models import Run, ToolCall
from tests.engine.conftest import ended, kinds_of, reached, steps_of
from tests.engine.control.decision_fixtures import (
    OnlyAsked,
    Post,
    calls_of,
    decide,
    decider,
    launch_asking,
    parked,
    run_again,
    says,
)
from tests.engine.control.test_cancel import cancel
from tests.engine.hosts import IdleHost

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
LONG_S = 60.0
"""The longest grace there is."""


@pytest.fixture
def grace(ada: User) -> User:
    """A colleague, who decides about everybody's calls."""
    return decider("grace")


async def undo(call: ToolCall, by: User) -> ToolCall:
    """Take an approval back, as a page would."""
    return await sync_to_async(control.undo_approval, thread_sensitive=False)(call.pk, by=by)


async def end_graces() -> float | None:
    """What every sweep does."""
    return await sync_to_async(control.end_graces, thread_sensitive=False)()


async def let_pass(run: Run) -> None:
    """The time of all graces of the run passes."""
    await run.calls.filter(undo_until__isnull=False).aupdate(undo_until=timezone.now() - timedelta(seconds=1))


async def ended_for_good(run: Run) -> Run:
    """The run, once it has its final status."""
    return await reached(run, lambda row: row.is_finished)


async def waits_for_two(ada: User, host_for: StartHost, post: Post, **config: Any) -> tuple[Run, ToolCall, ToolCall]:
    """A run with two calls to decide, and no host left."""
    host = host_for(says(post.letters("bob", "eve")))
    run = await launch_asking(ada, **config)
    first, second = await parked(run)
    await host.drain()
    return run, first, second


async def test_an_approved_unsafe_call_runs_after_its_grace_and_once(ada: User, host_for: StartHost) -> None:
    post = Post()
    host = host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (call,) = await parked(run)

    await decide(control.approve, call, ada, grace_s=LONG_S)
    await host.idle()
    before = (await Run.objects.aget(pk=run.pk)).waiting_for, post.sent[:], (await calls_of(run))[0].state
    await let_pass(run)
    row = await ended_for_good(run)

    assert before == ("approval", [], "approved")
    assert (row.status, row.epoch, post.sent) == ("completed", 2, [("bob", 1)])
    assert (await calls_of(run))[0].undo_until is None


async def test_an_approval_taken_back_is_asked_again_with_the_models_arguments(ada: User, host_for: StartHost) -> None:
    post = Post()
    host = host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (asked,) = await parked(run)

    await decide(control.approve, asked, ada, arguments={"to": "bob", "copies": 3}, reason="Three.", grace_s=LONG_S)
    await undo(asked, ada)
    await host.idle()
    (call,) = await calls_of(run)

    assert (call.state, call.undo_until, call.decided_by, call.decided_at) == ("awaiting_approval", None, None, None)
    assert (call.arguments, call.arguments_hash, call.proposed_arguments) == ({"to": "bob"}, asked.arguments_hash, None)
    assert (call.decision_reason, post.sent, (await Run.objects.aget(pk=run.pk)).waiting_for) == ("", [], "approval")
    last = (await steps_of(run))[-1]
    assert (last.kind, last.metadata["decision"], last.metadata["by"]) == ("approval", "undone", "ada")

    await decide(control.deny, asked, ada, reason="Not him.")
    assert (await ended_for_good(run)).status == "completed"
    assert post.sent == []
    assert await kinds_of(run) == ["reasoning", "tool_call", *["approval"] * 4, "tool_result", "answer"]


async def test_no_one_but_the_person_who_approved_takes_it_back(ada: User, grace: User, host_for: StartHost) -> None:
    run, first, _ = await waits_for_two(ada, host_for, Post())
    other = await User.objects.acreate(username="other")
    await decide(control.approve, first, ada, grace_s=LONG_S)

    with pytest.raises(control.DecisionRefused, match="already approved by ada"):
        await undo(first, grace)
    with pytest.raises(PermissionDenied):
        await undo(first, other)

    assert (await calls_of(run))[0].state == "approved"


async def test_an_approval_without_a_grace_or_after_it_stands(ada: User, host_for: StartHost) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())
    await decide(control.approve, first, ada, grace_s=LONG_S)
    await let_pass(run)

    with pytest.raises(control.DecisionRefused) as late:
        await undo(first, ada)
    with OnlyAsked() as host_asked:
        await decide(control.approve, second, ada)
    with pytest.raises(control.DecisionRefused) as never:
        await undo(second, ada)

    assert (late.value.code, never.value.code) == ("too_late", "too_late")
    assert host_asked.for_runs == [run.pk]
    assert [call.state for call in await calls_of(run)] == ["approved", "approved"]


async def test_an_approval_of_a_run_that_is_queued_stands_although_the_clock_steps_back(
    ada: User, host_for: StartHost
) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())
    await decide(control.approve, first, ada, grace_s=LONG_S)
    await let_pass(run)
    with OnlyAsked():
        await decide(control.deny, second, ada)
    (queued, _) = await calls_of(run)
    await run.calls.filter(pk=first.pk).aupdate(undo_until=timezone.now() + timedelta(seconds=5))

    with pytest.raises(control.DecisionRefused) as late:
        await undo(first, ada)

    assert queued.undo_until is None
    assert (late.value.code, (await calls_of(run))[0].state) == ("too_late", "approved")


async def test_a_call_that_changes_nothing_outside_has_no_grace(ada: User, host_for: StartHost) -> None:
    reads = Post("read", approval="always")
    host_for(says(calls_tools((reads.name, {"to": "bob"}))))
    run = await launch_asking(ada)
    (call,) = await parked(run)

    await decide(control.approve, call, ada, grace_s=LONG_S)

    assert (await ended_for_good(run)).status == "completed"
    assert reads.sent == [("bob", 1)]


async def test_a_turn_runs_when_the_last_grace_of_it_is_over(ada: User, host_for: StartHost) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())
    await decide(control.approve, first, ada, grace_s=LONG_S)
    await let_pass(run)
    await decide(control.approve, second, ada, grace_s=LONG_S)

    with OnlyAsked() as host_asked:
        until_next = await end_graces()
        between = (await Run.objects.aget(pk=run.pk)).status
        await let_pass(run)
        await end_graces()
        await end_graces()

    assert until_next is not None and 0 < until_next <= LONG_S
    assert between == "waiting"
    assert host_asked.for_runs == [run.pk]
    assert (await Run.objects.aget(pk=run.pk)).status == "idle"
    assert await end_graces() is None


async def test_a_grace_that_a_clock_that_stepped_back_would_make_longer_is_over(ada: User, host_for: StartHost) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())
    await decide(control.approve, first, ada, grace_s=LONG_S)
    await run.calls.filter(pk=first.pk).aupdate(undo_until=timezone.now() + timedelta(hours=1))

    with pytest.raises(control.DecisionRefused) as late:
        await undo(first, ada)
    with OnlyAsked() as host_asked:
        until_next = await end_graces()
        await decide(control.deny, second, ada)

    assert (late.value.code, until_next, host_asked.for_runs) == ("too_late", None, [run.pk])


async def test_a_run_whose_clock_stepped_back_in_the_last_grace_goes_on(ada: User, host_for: StartHost) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())
    await decide(control.deny, second, ada)
    await decide(control.approve, first, ada, grace_s=LONG_S)
    await run.calls.filter(pk=first.pk).aupdate(undo_until=timezone.now() + timedelta(hours=1))

    with OnlyAsked() as host_asked:
        await end_graces()

    assert host_asked.for_runs == [run.pk]


async def test_a_denied_call_beside_one_in_its_grace_waits_for_it(ada: User, host_for: StartHost) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())

    with OnlyAsked() as host_asked:
        await decide(control.approve, first, ada, grace_s=LONG_S)
        await decide(control.deny, second, ada)
        before = host_asked.for_runs[:]
        await let_pass(run)
        await end_graces()

    assert (before, host_asked.for_runs) == ([], [run.pk])


async def test_a_stop_in_the_grace_ends_the_run_and_the_call_never_runs(ada: User, host_for: StartHost) -> None:
    post = Post()
    host = host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (call,) = await parked(run)
    await decide(control.approve, call, ada, grace_s=LONG_S)

    stopped = await cancel(run, ada)
    await let_pass(run)
    await host.idle()
    with pytest.raises(control.DecisionRefused, match="stopped"):
        await undo(call, ada)

    assert stopped == "cancelled"
    assert (await Run.objects.aget(pk=run.pk)).status == "cancelled"
    assert ((await calls_of(run))[0].state, post.sent) == ("failed", [])
    assert await end_graces() is None


@pytest.mark.parametrize("on_expiry", ["deny", "approve"])
async def test_a_deadline_in_the_grace_decides_nothing_and_an_undo_leaves_time_to_decide(
    ada: User, host_for: StartHost, on_expiry: str
) -> None:
    config = {"approval_seconds": 3600, "on_approval_expiry": on_expiry}
    run, first, _ = await waits_for_two(ada, host_for, Post(), **config)
    await decide(control.approve, first, ada, grace_s=LONG_S)
    await run.calls.filter(pk=first.pk).aupdate(expires_at=timezone.now() - timedelta(seconds=1))

    expired = await sync_to_async(control.expire_approvals, thread_sensitive=False)()
    await undo(first, ada)
    expired_then = await sync_to_async(control.expire_approvals, thread_sensitive=False)()
    (call, _) = await calls_of(run)

    assert (expired, expired_then, call.state) == (0, 0, "awaiting_approval")
    assert call.expires_at is not None and call.expires_at > timezone.now() + timedelta(seconds=30)


async def test_two_who_press_undo_and_wait_for_the_end_leave_one_truth(ada: User, host_for: StartHost) -> None:
    post = Post()
    host = host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    runs = [run, *await run_again(run, ada, times=9)]
    calls = [(await parked(each))[0] for each in runs]
    await host.drain()

    with OnlyAsked() as host_asked:
        for call in calls:
            await decide(control.approve, call, ada, grace_s=0.05)
        undone = await asyncio.gather(*(undo(call, ada) for call in calls), end_graces(), return_exceptions=True)
        await asyncio.gather(*(let_pass(each) for each in runs))
        await end_graces()

    states = {each.pk: (await calls_of(each))[0].state async for each in Run.objects.all()}
    refused = [each for each in undone if isinstance(each, control.DecisionRefused)]
    asked_again = [run_id for run_id, state in states.items() if state == "awaiting_approval"]
    assert len(refused) == len(runs) - len(asked_again)
    assert set(host_asked.for_runs) == states.keys() - set(asked_again)


class ReadsTheDatabase(IdleHost):
    """A host that only sweeps."""

    def __init__(self) -> None:
        self.sweeps = 0

    async def read(self, work: Callable[[], Any]) -> Any:
        self.sweeps += work is control.end_graces
        return await sync_to_async(work, thread_sensitive=False)()


async def test_a_host_wakes_by_itself_at_the_end_of_a_grace(ada: User, host_for: StartHost) -> None:
    run, first, second = await waits_for_two(ada, host_for, Post())
    await decide(control.deny, second, ada)
    await decide(control.approve, first, ada, grace_s=0.3)
    host = ReadsTheDatabase()
    sweeping = asyncio.create_task(Sweeper(host, CrashTrials(), HostTimings(sweep_every_s=3600)).sweep_for_ever())

    row = await reached(run, lambda row: row.status == "idle")
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping

    assert row.owner is None
    assert host.sweeps <= 5


def test_a_grace_of_a_page_is_never_shorter_than_the_interval_of_the_sweeps() -> None:
    assert HostTimings().sweep_every_s <= control.GRACE_S


async def test_a_run_whose_host_is_gone_in_the_grace_goes_on_at_the_next_host(ada: User, host_for: StartHost) -> None:
    post = Post()
    run, first, second = await waits_for_two(ada, host_for, post)
    await decide(control.deny, second, ada)
    await decide(control.approve, first, ada, grace_s=0.2)

    host_for(says(post.letters("bob", "eve")))
    row = await ended(await reached(run, lambda row: row.waiting_for != "approval"))

    assert (row.status, post.sent) == ("completed", [("bob", 1)])
