"""Claiming runs for one host, and the state of each claim until its run has left."""

import asyncio
import logging
import time
from collections.abc import Collection
from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError

from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.hosting import claim_queries
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.hosting.lease_renewal import Lease, LeaseRenewer
from runs.engine.hosting.sweeper import Sweeper
from runs.engine.operations.metrics import CLAIMS, QUEUE_WAIT_S
from runs.engine.writing.commit_notifier import CommitNotifier
from runs.engine.writing.writer import Writer

logger = logging.getLogger(__name__)

CLAIM_TRIES = 20


class Claimer:
    """Claims runs for `owner`, and sweeps again when the end of a claim frees a slot. Belongs to the host's loop.

    `lease_renewer` is None where no other host can take runs over.
    """

    def __init__(
        self,
        owner: str,
        writer: Writer,
        *,
        notifier: CommitNotifier,
        sweeper: Sweeper,
        lease_renewer: LeaseRenewer | None,
        trials: CrashTrials,
        timings: HostTimings = DEFAULT_TIMINGS,
    ) -> None:
        self._owner = owner
        self._writer = writer
        self._notifier = notifier
        self._sweeper = sweeper
        self._lease_renewer = lease_renewer
        self._timings = timings
        self._abandoned: dict[UUID, bool] = {}
        """Runs to queue again, and whether work on them had begun: that counts as a crash."""
        self._limited: set[UUID] = set()
        """Runs whose slot other runs of the same agent or person may wait for."""
        self._trials = trials

    async def claim(self, run_id: UUID) -> tuple[claim_queries.Claim, Lease | None] | None:
        """Claim a run for this host. None if it cannot be claimed now, or the database is unreachable."""
        for _ in range(CLAIM_TRIES):
            began = time.monotonic()
            try:
                claim = await self._writer.do(partial(claim_queries.claim, run_id, self._owner, self._trials.limits))
            except (OperationalError, InterfaceError) as error:
                # The claim may be committed all the same: the answer to a commit can be lost.
                logger.warning("Run %s could not be claimed: %s", run_id, error)
                self._abandoned.setdefault(run_id, False)
                return None
            if claim != "locked":
                break
            await asyncio.sleep(self._timings.claim_again_after_s)
        if not isinstance(claim, claim_queries.Claim):
            return None
        _count(claim)
        if claim.is_limited:
            self._limited.add(run_id)
        # The status has changed, and the first step may come only after a whole model reply.
        self._notifier.note(run_id, claim.run.last_sequence)
        self._trials.begin(claim.run)
        if self._lease_renewer is None:
            return claim, None
        return claim, self._lease_renewer.lease(run_id, claim.run.epoch, began)

    def abandon(self, run_id: UUID) -> None:
        """Note a run that could not be stored or worked on; a sweep queues it again."""
        self._abandoned[run_id] = True

    async def release_abandoned(self, *, hosted: Collection[UUID]) -> None:
        """Queue the abandoned runs again, except those still hosted. Raises `DatabaseError`."""
        for run_id in self._abandoned.keys() - set(hosted):
            crashed = self._abandoned[run_id]
            await self._writer.do(partial(claim_queries.release, run_id, self._owner, crashed=crashed))
            del self._abandoned[run_id]

    def end(self, run_id: UUID) -> None:
        """Forget the claim, and sweep at once for runs that waited for its slot or for the end of its trial."""
        if run_id in self._limited:
            self._limited.discard(run_id)
            self._sweeper.soon()
        self.end_trial(run_id)

    def end_trial(self, run_id: UUID, *, is_progress: bool = False) -> None:
        """End the trial of a run, and sweep at once for the next runs that were lost twice."""
        if self._trials.end(run_id, is_progress=is_progress):
            self._sweeper.soon()


def _count(claim: claim_queries.Claim) -> None:
    """Count a claim, and observe the queue time of a new run."""
    how = "reclaimed" if claim.was_hosted else "first" if claim.run.epoch == 1 else "resumed"
    CLAIMS.labels(how).inc()
    if how == "first":
        QUEUE_WAIT_S.observe(max(0.0, time.time() - claim.run.created_at.timestamp()))
