"""What a host may begin, depending on its leases."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from runs.engine.host_timings import HostTimings
from runs.engine.hosting.claim_queries import ControlRequest
from runs.engine.hosting.lease_renewal import LeaseRenewer
from tests.engine.hosts import IdleHost

RUN = uuid4()
LONG_AGO_S = 10_000.0


class Host(IdleHost):
    """Hosts one run, and gets the renewals that the test defines."""

    id = "host-1"

    def __init__(self, *, knows: Mapping[UUID, int], keeps: set[UUID]) -> None:
        self.knows = knows
        self.keeps = keeps
        self.lost: list[UUID] = []
        self.renewals = 0

    async def read(self, work: Callable[[], Any]) -> Any:
        self.renewals += 1
        return {run: ControlRequest(cancel=False, pause=False) for run in self.keeps}

    def epochs(self) -> Mapping[UUID, int]:
        return self.knows

    def deliver(self, run_id: UUID, message_type: str) -> None:
        assert message_type == "run.lost"
        self.lost.append(run_id)


@asynccontextmanager
async def renewing(host: Host) -> AsyncIterator["asyncio.Task[None]"]:
    """A waiter for the lease of a run that was claimed long ago, while its host renews."""
    renewer = LeaseRenewer(host, HostTimings(renew_every_s=0.01))
    lease = renewer.lease(RUN, 1, time.monotonic() - LONG_AGO_S)
    begins = asyncio.create_task(lease.until_sure())
    renews = asyncio.create_task(renewer.renew_for_ever())
    try:
        yield begins
    finally:
        begins.cancel()
        renews.cancel()
        await asyncio.gather(begins, renews, return_exceptions=True)


async def a_few_renewals(host: Host) -> None:
    """Wait for some further renewals."""
    wanted = host.renewals + 3
    async with asyncio.timeout(10):
        while host.renewals < wanted:  # noqa: ASYNC110 - another task renews
            await asyncio.sleep(0.001)


async def test_a_run_that_was_kept_may_begin_something():
    host = Host(knows={RUN: 1}, keeps={RUN})

    async with renewing(host) as begins, asyncio.timeout(10):
        await begins


async def test_the_renewal_that_loses_a_run_does_not_let_it_begin_anything():
    host = Host(knows={RUN: 1}, keeps=set())

    async with renewing(host) as begins:
        await a_few_renewals(host)

        assert host.lost
        assert not begins.done()


async def test_a_renewal_of_others_says_nothing_about_a_run():
    other = uuid4()
    host = Host(knows={other: 1}, keeps={other})

    async with renewing(host) as begins:
        await a_few_renewals(host)

        assert not begins.done()


async def test_a_renewal_of_a_later_claim_says_nothing_about_an_earlier_one():
    host = Host(knows={RUN: 2}, keeps={RUN})

    async with renewing(host) as begins:
        await a_few_renewals(host)

        assert not begins.done()
