"""Who hosts a run: claiming it, and letting go of one that could not be worked on.

SQLite has one host (a file lock says so), so no clock is needed: a hosted run whose owner is not this boot is orphaned.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from runs.models import Run, Step, ToolCall

MAX_CRASHES = 3
"""Times a run was lost with its host or could not be stored since its last new step. The third ends it: `poison`."""
MAX_CLAIMS_A_SWEEP = 500

_SUSPECT = Q(crashes__gte=2) | Q(crashes=1, owner__isnull=False)
"""Lost twice in a row, once this claim has counted. The first loss may be anybody's; the second is worth a trial."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run this host now owns, with what it needs to go on."""

    run: Run
    was_hosted: bool
    """True if its last host vanished without letting go."""
    steps: tuple[Step, ...]
    calls: tuple[ToolCall, ...]


def claimable(owner: str) -> QuerySet[Run]:
    """Runs `owner` may claim: idle ones, and those whose host is gone. Never one it holds itself."""
    orphaned = Q(owner__isnull=False) & ~Q(owner=owner)
    # Somebody asked for a stop in the moment its host parked it: nobody else would ever end it.
    parked_but_stopped = Q(status=Run.Status.WAITING, owner__isnull=True, cancel_requested_at__isnull=False)
    return Run.objects.filter(Q(status=Run.Status.IDLE) | orphaned | parked_but_stopped)


def claimable_ids(owner: str, limit: int) -> list[UUID]:
    """The oldest claimable runs, at most `limit`; the one longest suspected before them, if its trial can begin."""
    found = claimable(owner).filter(status__in=["idle", "thinking", "executing", "waiting"])
    suspects = found.filter(_SUSPECT, cancel_requested_at__isnull=True).order_by("-crashes", "created_at")
    others = found.exclude(_SUSPECT, cancel_requested_at__isnull=True).order_by("created_at")
    limit = max(0, min(limit, MAX_CLAIMS_A_SWEEP))
    on_trial = [] if _has_one_on_trial(owner) else list(suspects.values_list("pk", flat=True)[:1])
    return [*on_trial, *others.values_list("pk", flat=True)[:limit]][:limit]


def _has_one_on_trial(owner: str) -> bool:
    return Run.objects.filter(owner=owner, crashes__gte=2).exists()


def cancel_asked_ids(owner: str) -> list[UUID]:
    """The runs of `owner` somebody has asked to stop."""
    asked = Run.objects.unfinished().filter(owner=owner, cancel_requested_at__isnull=False)
    return list(asked.values_list("pk", flat=True))


def claim(run_id: UUID, owner: str) -> Claim | None:
    """Make `owner` the host and raise the epoch by one; None if another was first, or there is nothing to claim.

    A run that was lost twice in a row is on trial until its next step, and a host has one such run at a time: whoever
    kills the process then is known, and runs that were only hosted beside it are not ended with it.

    One compare-and-set. Must run in a transaction.
    """
    run = Run.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        return None
    was_hosted = run.owner is not None
    is_suspect = run.crashes + was_hosted >= 2 and run.cancel_requested_at is None
    if is_suspect and _has_one_on_trial(owner):
        return None
    changes: dict[str, Any] = {
        "owner": owner,
        "epoch": F("epoch") + 1,
        "status": Run.Status.THINKING,
        "waiting_for": "",
        "crashes": F("crashes") + (1 if was_hosted else 0),
    }
    if run.started_at is None:
        changes["started_at"] = Now()
    if claimable(owner).filter(pk=run_id).update(**changes) != 1:
        return None
    run.refresh_from_db()
    has_steps = run.next_sequence > 1
    steps = tuple(run.steps.order_by("sequence")) if has_steps else ()
    calls = tuple(run.calls.order_by("turn", "index")) if has_steps else ()
    return Claim(run, was_hosted, steps, calls)


def release(run_id: UUID, owner: str) -> bool:
    """Queue a run again that its host cannot work on. False if it was no longer the host's.

    It counts as a crash: what can never be stored would otherwise be tried for ever, and its model asked each time.
    """
    mine = Run.objects.filter(pk=run_id, owner=owner)
    queued = {"status": Run.Status.IDLE, "waiting_for": "", "owner": None, "lease_until": None}
    return mine.update(**queued, crashes=F("crashes") + 1) == 1
