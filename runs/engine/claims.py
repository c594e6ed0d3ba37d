"""Claiming runs for one host, and what is remembered of a claim until its run has left."""

import asyncio
import logging
import time
from collections.abc import Collection
from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError

from runs.engine import lease, metrics
from runs.engine.bell import Bell
from runs.engine.leases import Hold, Leases
from runs.engine.sweep import Sweep
from runs.engine.writer import Writer

logger = logging.getLogger(__name__)

CLAIM_TRIES = 20
CLAIM_AGAIN_AFTER_S = 0.05
"""A row somebody is changing in this moment is free in a moment; what takes longer is left to the sweep."""


class Claims:
    """Claims runs for `owner`, and sweeps again when the end of a claim lets others go on. Belongs to the host's loop.

    `leases` is None where no other host may take runs over.
    """

    def __init__(self, owner: str, writer: Writer, *, bell: Bell, sweep: Sweep, leases: Leases | None) -> None:
        self._owner = owner
        self._writer = writer
        self._bell = bell
        self._sweep = sweep
        self._leases = leases
        self._abandoned: dict[UUID, bool] = {}
        """Runs to queue again, and whether they were worked on: what cannot be stored counts as a crash."""
        self._limited: set[UUID] = set()
        """Runs whose place others of the same agent or person may wait for."""
        self._on_trial: UUID | None = None

    async def claim(self, run_id: UUID) -> tuple[lease.Claim, Hold | None] | None:
        """Claim a run for this host. None if it is not to be had now, or the database is away."""
        for _ in range(CLAIM_TRIES):
            began = time.monotonic()
            try:
                claim = await self._writer.do(lambda: lease.claim(run_id, self._owner))
            except (OperationalError, InterfaceError) as error:
                # It may have been made all the same, by a commit whose answer was lost.
                logger.warning("Run %s could not be claimed: %s", run_id, error)
                self._abandoned.setdefault(run_id, False)
                return None
            if claim != "locked":
                break
            await asyncio.sleep(CLAIM_AGAIN_AFTER_S)
        if not isinstance(claim, lease.Claim):
            return None
        metrics.note_claim(claim)
        if claim.is_limited:
            self._limited.add(run_id)
        # Its status has changed, and its first step may take a model's whole reply to come.
        self._bell.note(run_id, claim.run.last_sequence)
        if claim.run.crashes >= 2:
            self._on_trial = run_id
        if self._leases is None:
            return claim, None
        return claim, self._leases.hold(run_id, claim.run.epoch, began)

    def abandon(self, run_id: UUID) -> None:
        """Remember a run that could not be stored or worked on, so that a sweep queues it again."""
        self._abandoned[run_id] = True

    async def release_abandoned(self, *, hosted: Collection[UUID]) -> None:
        """Queue the runs again that were abandoned, but for those still hosted. Raises `DatabaseError`."""
        for run_id in self._abandoned.keys() - set(hosted):
            crashed = self._abandoned[run_id]
            await self._writer.do(partial(lease.release, run_id, self._owner, crashed=crashed))
            del self._abandoned[run_id]

    def end(self, run_id: UUID) -> None:
        """The run is hosted here no more: whoever waited for its place, or for the end of its trial, is looked for."""
        if run_id in self._limited:
            self._limited.discard(run_id)
            self._sweep.soon()
        self.end_trial(run_id)

    def end_trial(self, run_id: UUID) -> None:
        """Let the next run that was lost twice be claimed at once, and not only by the next sweep."""
        if run_id == self._on_trial:
            self._on_trial = None
            self._sweep.soon()
