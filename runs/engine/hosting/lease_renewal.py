"""Lease renewal: one statement every few seconds renews all leases of a host. Scale-out only."""

import asyncio
import logging
import math
import time
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.hosting import claim_queries
from runs.engine.queueing.local_host import Host

logger = logging.getLogger(__name__)


class LeaseRenewer:
    """Renews the leases of one host and tells how far it can rely on them. Belongs to the host's loop.

    A host that was cut off, or suspended and woken, cannot know whether it still owns its runs. It may finish what is
    under way, because the epoch fences every write; it begins nothing new until a renewal has confirmed its leases.
    """

    def __init__(self, host: Host, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._host = host
        self._timings = timings
        self._kept_at: dict[UUID, tuple[int, float]] = {}
        """The runs the last renewal kept: epoch of the claim, and start of the renewal on the monotonic clock."""
        self._renewed = asyncio.Event()

    async def renew_for_ever(self) -> None:
        """Renew, deliver stop and pause requests, and tell the lost runs."""
        while True:
            began = time.monotonic()
            try:
                await self._renew()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Leases could not be renewed, trying again: %s", error)
            # From start to start: a slow renewal must not delay the next one.
            spent_s = time.monotonic() - began
            every_s = self._timings.renew_every_s
            await asyncio.sleep(max(every_s / 5, every_s - spent_s))

    async def _renew(self) -> None:
        began, epochs = time.monotonic(), dict(self._host.epochs())
        kept = await self._host.read(lambda: claim_queries.renew(self._host.id, epochs))
        # Per run: a renewal confirms neither the runs it lost nor those claimed after its start.
        self._kept_at = {run_id: (epochs[run_id], began) for run_id in kept}
        self._renewed.set()
        self._renewed = asyncio.Event()
        for run_id, asked in kept.items():
            for message in asked.messages:
                self._host.deliver(run_id, message)
        still_hosted = self._host.epochs()
        for run_id in epochs.keys() - kept.keys():
            if still_hosted.get(run_id) == epochs[run_id]:
                self._host.deliver(run_id, "run.lost")

    def lease(self, run_id: UUID, epoch: int, claimed_at: float) -> "Lease":
        """The lease of a run whose claim got `epoch` and began at `claimed_at` on the monotonic clock."""
        return Lease(self, run_id, epoch, claimed_at, sure_for_s=self._timings.sure_for_s)

    def kept_at(self, run_id: UUID, epoch: int) -> float:
        """When the last renewal that kept this claim began, on the monotonic clock; minus infinity if there was
        none."""
        kept_epoch, began = self._kept_at.get(run_id, (None, -math.inf))
        return began if kept_epoch == epoch else -math.inf

    async def next_renewal(self) -> None:
        """Wait for the end of the next renewal."""
        await self._renewed.wait()


class Lease:
    """One claim, and how long its host can rely on it."""

    def __init__(
        self, lease_renewer: LeaseRenewer, run_id: UUID, epoch: int, claimed_at: float, *, sure_for_s: float
    ) -> None:
        self._lease_renewer = lease_renewer
        self._run_id = run_id
        self._epoch = epoch
        self._claimed_at = claimed_at
        self._sure_for_s = sure_for_s

    async def until_sure(self) -> None:
        """Wait until the lease is confirmed. Never returns for a lost run: the host cancels it."""
        while not self._is_young():
            await self._lease_renewer.next_renewal()

    def _is_young(self) -> bool:
        last = max(self._claimed_at, self._lease_renewer.kept_at(self._run_id, self._epoch))
        return time.monotonic() - last <= self._sure_for_s
