"""Decisions at the same moment as other decisions, or a stop."""

import asyncio
import os
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.providers.scripted import ScriptedModel
from runs.engine import control
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.host import RunHost
from runs.models import Run
from tests.engine.conftest import ended, reached
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

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]

RACES = 200 if os.environ.get("CANCEL_FUZZ") == "all" else 20
"""Approvals against stops. All of them take half a minute: `CANCEL_FUZZ=all`, or `make chaos`."""


@pytest.fixture
def grace(ada: User) -> User:
    """A colleague, who decides about everybody's calls."""
    return decider("grace")


async def test_two_people_who_decide_the_last_calls_at_once_wake_the_run_once(
    ada: User, grace: User, host_for: StartHost
) -> None:
    post = Post()
    host = host_for(says(post.letters("bob", "eve")))
    run = await launch_asking(ada)
    runs = [run, *(await run_again(run, ada, times=24))]
    pairs = [await parked(run) for run in runs]
    await host.drain()

    with OnlyAsked() as host_asked:
        for first, second in pairs:
            await asyncio.gather(decide(control.approve, first, ada), decide(control.approve, second, grace))

    assert host_asked.for_runs == [run.pk for run in runs]
    assert {run.status async for run in Run.objects.all()} == {"idle"}


async def test_no_approval_is_used_after_a_stop_was_recorded_whatever_comes_first(
    ada: User, host_for: StartHost
) -> None:
    post = Post()
    host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    runs = [run, *(await run_again(run, ada, times=RACES - 1))]
    waves = [runs[start : start + 10] for start in range(0, len(runs), 10)]

    async def race(run: Run, head_start: int) -> None:
        (call,) = await parked(run)
        deciding = asyncio.ensure_future(decide(control.approve, call, ada))
        for _ in range(head_start):
            await asyncio.sleep(0)
        await asyncio.gather(deciding, cancel(run, ada), return_exceptions=True)

    for head_start, wave in enumerate(waves):
        await asyncio.gather(*(race(run, head_start) for run in wave))

    started = 0
    for run in runs:
        row = await ended(run)
        (call,) = await calls_of(run)
        assert row.status in ("completed", "cancelled")
        if call.started_at is not None and row.cancel_requested_at is not None:
            assert call.started_at <= row.cancel_requested_at
        started += call.started_at is not None
    assert started == len(post.sent)


async def test_a_call_does_not_start_once_a_stop_is_recorded_even_if_its_host_has_not_heard_of_it(
    ada: User, host_for: StartHost
) -> None:
    post, asked = Post(), asyncio.Event()
    model = ScriptedModel(post.letters("bob"), pause=asked)
    host = host_for(model, timings=HostTimings(sweep_every_s=1e9))
    await host.idle()
    run = await launch_asking(ada, approval="never")
    await reached(run, lambda _: bool(model.requests))

    await Run.objects.filter(pk=run.pk).aupdate(cancel_requested_at=timezone.now())
    asked.set()
    row = await ended(run)

    assert (row.status, post.sent) == ("cancelled", [])
    assert [call.state for call in await calls_of(run)] == ["failed"]
