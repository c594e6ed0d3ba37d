"""A host's hold on its runs where others may take them over: renewed every few seconds, all of them at once."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from runs.engine import lease
from runs.engine.lease import Asked

logger = logging.getLogger(__name__)


class Runs(Protocol):
    """What is asked of the host."""

    id: str

    async def read(self, work: Callable[[], dict[UUID, Asked]]) -> dict[UUID, Asked]:
        """Do database work outside the loop."""

    def epochs(self) -> Mapping[UUID, int]:
        """The runs hosted now, with the epochs of their claims."""

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Put a message into a run's inbox."""


class Leases:
    """Renews the leases of one host and says how sure it can be of them. Belongs to the host's loop.

    A host that was cut off, or stopped and woken again, cannot know what has become of its runs. It may end what is
    under way, because the epoch decides over every write; it begins nothing new until a renewal has said they are its.
    """

    def __init__(self, host: Runs) -> None:
        self._host = host
        self._kept_at: dict[UUID, tuple[int, float]] = {}
        """The runs the last renewal kept: the epochs of their claims, and when it began on the monotonic clock."""
        self._renewed = asyncio.Event()

    async def renew_for_ever(self) -> None:
        """Renew, pass on what was asked, and tell the runs that are lost."""
        while True:
            began = time.monotonic()
            try:
                await self._renew()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Leases could not be renewed, trying again: %s", error)
            # From beginning to beginning: a renewal that took long must not make the next one late.
            spent_s = time.monotonic() - began
            await asyncio.sleep(max(lease.RENEW_EVERY_S / 5, lease.RENEW_EVERY_S - spent_s))

    async def _renew(self) -> None:
        began, epochs = time.monotonic(), dict(self._host.epochs())
        kept = await self._host.read(lambda: lease.renew(self._host.id, epochs))
        # Of each run for itself: a renewal says nothing of those it lost, or began without.
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

    def hold(self, run_id: UUID, epoch: int, claimed_at: float) -> "Hold":
        """The hold on a run whose claim got `epoch` and began at `claimed_at` on the monotonic clock."""
        return Hold(self, run_id, epoch, claimed_at)

    def kept_at(self, run_id: UUID, epoch: int) -> float:
        """When the last renewal began that kept the run under this claim; minus infinity if there was none."""
        kept_epoch, began = self._kept_at.get(run_id, (None, -math.inf))
        return began if kept_epoch == epoch else -math.inf

    async def next_renewal(self) -> None:
        """Return at the end of the next renewal."""
        await self._renewed.wait()


class Hold:
    """One claim, as far as its host can know."""

    def __init__(self, leases: Leases, run_id: UUID, epoch: int, claimed_at: float) -> None:
        self._leases = leases
        self._run_id = run_id
        self._epoch = epoch
        self._claimed_at = claimed_at

    async def is_sure(self) -> None:
        """Return when something may begin. A run that is lost meanwhile is cancelled by its host: never, then."""
        while not self._is_young():
            await self._leases.next_renewal()

    def _is_young(self) -> bool:
        last = max(self._claimed_at, self._leases.kept_at(self._run_id, self._epoch))
        return time.monotonic() - last <= lease.SURE_FOR_S
