"""Runs that nobody waits for are claimed in groups, after page requests, and none waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.admission_queue import GROUP, GROUP_BESIDE_REQUESTS, MOST_WAITING, AdmissionQueue
from runs.engine.hosting.host import RunHost
from runs.engine.queueing import local_host
from runs.engine.writing.request_priority import RequestPriority
from runs.models import Run
from tests.engine.conftest import SOON_S, ended, launch


class CrowdOfRequests(RequestPriority):
    """A process in which one page is asked for after the other, as long as `is_there`."""

    is_there = True

    def has_request(self) -> bool:
        return self.is_there


class ClaimedRuns:
    """Notes the groups that are claimed."""

    def __init__(self, expected: int) -> None:
        self.groups: list[list[UUID]] = []
        self.all_claimed = asyncio.Event()
        self._expected = expected

    def __contains__(self, run_id: UUID) -> bool:
        return any(run_id in group for group in self.groups)

    async def claim(self, run_ids: Iterable[UUID], limit_s: float) -> None:
        self.groups.append(list(run_ids))
        if sum(map(len, self.groups)) >= self._expected:
            self.all_claimed.set()


@asynccontextmanager
async def admitting(queue: AdmissionQueue) -> AsyncIterator[None]:
    """The queue at work."""
    task = asyncio.create_task(queue.admit_for_ever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def queue_for(
    runs: ClaimedRuns, priority: RequestPriority, on_room: Callable[[], None] = lambda: None, **timings: float
) -> AdmissionQueue:
    hosted: Any = runs  # Has what is used.
    return AdmissionQueue(hosted, on_room=on_room, timings=HostTimings(**timings), priority=priority)


async def test_a_crowd_is_claimed_in_groups_in_its_order() -> None:
    ids = [uuid4() for _ in range(GROUP + 2)]
    runs = ClaimedRuns(expected=len(ids))
    queue = queue_for(runs, RequestPriority())

    queue.add(ids)
    queue.add(ids[:1])  # Found by a sweep meanwhile.
    async with admitting(queue), asyncio.timeout(SOON_S):
        await runs.all_claimed.wait()

    assert runs.groups == [ids[:GROUP], ids[GROUP:]]


async def test_requests_without_end_make_the_groups_small_but_hold_none_up_for_longer_than_the_bound() -> None:
    ids = [uuid4() for _ in range(3 * GROUP_BESIDE_REQUESTS)]
    runs = ClaimedRuns(expected=len(ids))
    queue = queue_for(runs, CrowdOfRequests(), claims_step_back_s=0.05)
    began = asyncio.get_running_loop().time()

    queue.add(ids)
    async with admitting(queue), asyncio.timeout(SOON_S):
        await runs.all_claimed.wait()

    assert [len(group) for group in runs.groups] == [GROUP_BESIDE_REQUESTS] * 3
    assert asyncio.get_running_loop().time() - began >= 3 * 0.05


async def test_who_found_no_room_is_looked_for_again_once_half_of_the_others_are_claimed() -> None:
    runs = ClaimedRuns(expected=MOST_WAITING)
    looked: list[int] = []
    queue = queue_for(runs, RequestPriority(), lambda: looked.append(len(queue)))

    queue.add([uuid4() for _ in range(MOST_WAITING + 1)])
    async with admitting(queue), asyncio.timeout(SOON_S):
        await runs.all_claimed.wait()

    assert looked == [MOST_WAITING - GROUP * (MOST_WAITING // 2 // GROUP + 1)]


@pytest.mark.django_db(transaction=True)
async def test_a_run_that_a_person_launches_is_claimed_before_those_that_step_back(
    ada: User, host_for: Callable[..., RunHost]
) -> None:
    host = host_for(
        ScriptedModel(answers("Done.")), HostTimings(sweep_every_s=600, claims_step_back_s=600), capacity=50
    )
    host._admission._priority = crowd = CrowdOfRequests()
    local_host.set_host(None)
    launched = [await launch(ada) for _ in range(3)]
    local_host.set_host(host)

    host.submit_later([run.pk for run in launched])
    of_a_person = await ended(await launch(ada))
    waiting = [run async for run in Run.objects.filter(status="idle")]
    crowd.is_there = False
    for run in launched:
        await ended(run)

    assert of_a_person.status == "completed"
    assert {run.pk for run in waiting} == {run.pk for run in launched}


@pytest.mark.django_db(transaction=True)
async def test_a_host_is_not_idle_while_runs_wait_for_their_claims(ada: User, host_for: Callable[..., RunHost]) -> None:
    host = host_for(ScriptedModel(answers("Done.")), HostTimings(sweep_every_s=0.05, claims_step_back_s=0.3))
    host._admission._priority = CrowdOfRequests()
    local_host.set_host(None)
    run = await launch(ada)
    local_host.set_host(host)

    host.submit_later([run.pk])
    await host.idle()

    assert (await Run.objects.aget(pk=run.pk)).status == "completed"
