"""Claim queries: claiming a run, renewing its lease, and releasing a run that could not be worked on.

Scale-out: a claim is a lease by the database's clock, renewed together with all others of its host; any host may claim
a run whose lease has expired. SQLite has one host (guaranteed by a file lock), so no clock is needed: a hosted run
whose owner is not this boot is orphaned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from runs.engine.hosting.crash_trials import FIRST_TRIAL, MAX_CRASHES, TrialLimits, crashes_of, is_on_trial
from runs.engine.operations import fault_points
from runs.engine.writing.columns import Columns
from runs.engine.writing.writes import FROZE
from runs.models import Question, Run, Step, ToolCall
from runs.models.concurrency_limits import AtOnce, Places, limits_for

LEASE_S: float = settings.AGENTSITE_LEASE_S
"""How long a claim lasts without being renewed."""

MAX_LOST = 1000
"""How many runs that were lost before a sweep looks at."""

ClaimRefusal = Literal["gone", "locked", "on_trial", "no_place"]
"""Why a run was not claimed. "gone": nothing to claim any more. "locked": another transaction is changing it, or is
claiming another run of the same agent or person. "on_trial": it was lost twice, and this host may not try it yet or has
enough such runs. "no_place": its agent or person has the maximum of hosted runs."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run this host now owns, with what it needs to go on."""

    run: Run
    was_hosted: bool
    """True if its last host vanished without releasing it."""
    steps: tuple[Step, ...]
    calls: tuple[ToolCall, ...]
    answered: tuple[Question, ...]
    """The answered questions of calls that have no result yet, in order."""
    is_limited: bool
    """True if other runs may wait for its slot."""


def claimable(owner: str) -> QuerySet[Run]:
    """Runs `owner` may claim: idle runs, and those whose host is gone. Never a run `owner` holds itself."""
    orphaned = Q(owner__isnull=False) & ~Q(owner=owner)
    if settings.IS_SCALE_OUT:
        orphaned &= Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    # A stop was requested at the moment the host parked the run: without this line it would never end.
    parked_but_stopped = Q(status=Run.Status.WAITING, owner__isnull=True, cancel_requested_at__isnull=False)
    return Run.objects.filter(Q(status=Run.Status.IDLE) | orphaned | parked_but_stopped)


def claimable_ids(owner: str, limit: int, trials: TrialLimits) -> list[UUID]:
    """Ids of claimable runs that have a slot, at most `limit`: higher priorities first, then older runs.

    The runs whose trial can begin come first, and of these the ones that were lost most often.
    """
    found = claimable(owner).filter(status__in=["idle", "thinking", "executing", "waiting"])
    lost_before = Q(crashes__gte=1, cancel_requested_at__isnull=True)
    columns = found.only("pk", "owner", "status", "crashes")
    crashes = crashes_of(list(columns.filter(lost_before).order_by("-crashes", "created_at")[:MAX_LOST]))
    suspects = [run_id for run_id, times in crashes.items() if is_on_trial(times)]
    # Not by the column, which lacks the last loss.
    suspects.sort(key=crashes.__getitem__, reverse=True)
    on_trial = [run_id for run_id in suspects if crashes[run_id] <= trials.max_crashes]
    others = found.filter(~lost_before | Q(pk__in=crashes.keys() - set(suspects))) if crashes else found
    limit = max(0, limit)
    free = max(0, trials.at_once - _count_on_trial(owner)) if on_trial else 0
    return [*on_trial[:free], *_with_places(others.order_by("-priority", "created_at"), limit)][:limit]


def _with_places(queue: QuerySet[Run], limit: int) -> list[UUID]:
    """The first `limit` runs of the queue that have a slot under the concurrency limits."""
    places = Places()
    if not places.are_limited:
        return list(queue.values_list("pk", flat=True)[:limit])
    chosen: list[UUID] = []
    while True:
        # Agents and people without a slot are excluded in the next query, which finds the runs queued behind theirs.
        full = Q(places.full, owner__isnull=True, cancel_requested_at__isnull=True)
        open_to = queue.exclude(full).exclude(pk__in=chosen)
        rows = list(open_to.values_list("pk", "agent", "user", "owner", "cancel_requested_at")[: limit - len(chosen)])
        for run_id, agent, user, hosted_by, cancel_at in rows:
            # A run that is taken over has its slot already, and a run that is only to be stopped needs none.
            if hosted_by is not None or cancel_at is not None or places.take(agent, user):
                chosen.append(run_id)
        if not rows or len(chosen) >= limit:
            return chosen


def _may_try(owner: str, crashes: int, trials: TrialLimits) -> bool:
    return crashes <= trials.max_crashes and _count_on_trial(owner) < trials.at_once


def _count_on_trial(owner: str) -> int:
    return Run.objects.filter(owner=owner, crashes__gte=FIRST_TRIAL, crashes__lt=MAX_CRASHES).count()


def claim(run_id: UUID, owner: str, trials: TrialLimits) -> Claim | ClaimRefusal:
    """Make `owner` the host and raise the epoch by one, or return the refusal.

    A run that was lost twice in a row is on trial until it makes progress, and a host has few such runs at a time: if
    the process dies, the culprit is known, and runs that were only hosted beside it are not ended with it.
    One compare-and-set. Must run in a transaction.
    """
    # A host that was stopped inside a transaction keeps its rows locked for a while: other hosts skip them.
    locked = Run.objects.select_for_update(skip_locked=True, of=("self",))
    run = locked.annotate(agents_most=F("agent__max_runs_at_once")).filter(pk=run_id).first()
    if run is None:
        return "locked" if Run.objects.filter(pk=run_id).exists() else "gone"
    was_hosted = run.owner is not None
    crashes = crashes_of([run])[run_id] if was_hosted else run.crashes
    if is_on_trial(crashes) and run.cancel_requested_at is None and not _may_try(owner, crashes, trials):
        return "on_trial"
    limits = limits_for(run, run.agents_most)  # type: ignore[attr-defined]  # Annotated.
    if limits and run.cancel_requested_at is None and (refusal := _refused_by(limits, run)):
        return refusal
    changes: Columns = {
        "owner": owner,
        "epoch": run.epoch + 1,
        "status": Run.Status.THINKING,
        "waiting_for": "",
        "crashes": crashes,
        "lease_until": _lease_end(),
    }
    if run.started_at is None:
        changes["started_at"] = Now()
    if claimable(owner).filter(pk=run_id, epoch=run.epoch).update(**changes) != 1:
        return "gone"
    fault_points.at_commit("claim")
    run = _row(run_id)
    if run is None:
        return "gone"
    has_steps = run.next_sequence > 1
    steps = tuple(run.steps.order_by("sequence")) if has_steps else ()
    calls = tuple(run.calls.order_by("turn", "index", "position")) if has_steps else ()
    return Claim(run, was_hosted, steps, calls, _answered(calls), bool(limits))


def _answered(calls: Sequence[ToolCall]) -> tuple[Question, ...]:
    open_calls = [call.pk for call in calls if call.state in ToolCall.OPEN]
    if not open_calls:
        return ()
    return tuple(Question.objects.filter(call__in=open_calls, state__in=Question.CLOSED).order_by("call", "round"))


def _refused_by(limits: list[AtOnce], run: Run) -> ClaimRefusal | None:
    """Check the limits exactly across hosts: an advisory lock serializes the claims of one agent or person."""
    for limit in limits:
        if connection.vendor == "postgresql" and not _alone_with(limit):
            return "locked"
        if limit.others(run) >= limit.most:
            return "no_place"
    return None


def _alone_with(limit: AtOnce) -> bool:
    # Tried without waiting: two hosts that each hold one lock and wait for the other's would deadlock.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCKS[limit.of], limit.key % 2**31])
        return bool(cursor.fetchone()[0])


_LOCKS = {"agent": 416_001, "user": 416_002}
"""First keys of the advisory locks; arbitrary numbers that no other code locks."""


def _row(run_id: UUID, lock: str = "") -> Run | None:
    """The run. Plain SQL: the ORM takes longer to compile these two statements than the database to answer them."""
    statement = f"SELECT {_columns()} FROM runs_run WHERE id = %s{lock}"  # noqa: S608 - names of our own columns
    return next(iter(Run.objects.raw(statement, [run_id.hex])), None)


@cache
def _columns() -> str:
    """The columns a host needs of a run. Python shares the names of about 30 attributes between objects, the first that
    were set: with all columns, or with these last, each held run would take a further kilobyte."""
    unused = (
        *("answer", "output", "ended_at", "overrides", "rerun_of", "could_not", "depth"),
        *("interrupt_requested_at", "messages_changed_at", "template", "filled_inputs"),
    )
    return ", ".join(str(each.column) for each in Run._meta.concrete_fields if each.name not in unused)


def _lease_end() -> Any:
    return Now() + timedelta(seconds=LEASE_S) if settings.IS_SCALE_OUT else None


def release(run_id: UUID, owner: str, *, crashed: bool) -> bool:
    """Queue a run again that its host cannot work on. False if `owner` was no longer its host.

    `crashed` counts as a crash: a run that can never be stored would otherwise be retried, and its model asked, for
    ever. A noted freeze is cleared, because the host is alive.
    """
    mine = Run.objects.filter(pk=run_id, owner=owner)
    queued = {"status": Run.Status.IDLE, "waiting_for": "", "owner": None, "lease_until": None}
    return mine.update(**queued, crashes=F("crashes") % FROZE + int(crashed)) == 1


def note_freeze(run_id: UUID, owner: str, *, is_over: bool = False) -> None:
    """Note in the row that a run blocks the event loop of `owner`, in case that process dies; `is_over` clears the
    note."""
    held = Run.objects.filter(pk=run_id, owner=owner)
    if is_over:
        held.filter(crashes__gte=FROZE).update(crashes=F("crashes") - FROZE)
    else:
        held.filter(crashes__lt=FROZE).update(crashes=F("crashes") + FROZE)


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """What was requested from a run's host."""

    cancel: bool
    pause: bool
    has_messages: bool = False
    """Messages of people wait to be read."""
    interrupt: bool = False
    """One of them is to interrupt the reply in progress."""

    @property
    def messages(self) -> list[str]:
        """The requests as messages for the run's inbox."""
        asked = ["run.cancel"] * self.cancel + ["run.pause"] * self.pause
        return asked + ["run.hear"] * self.has_messages + ["run.interrupt"] * self.interrupt


def control_requests_of(owner: str) -> dict[UUID, ControlRequest]:
    """The requests to the runs of `owner`, by run id."""
    asked = Q(cancel_requested_at__isnull=False) | Q(pause_requested_at__isnull=False) | Q(queued_messages__gt=0)
    rows = Run.objects.unfinished().filter(asked, owner=owner)
    columns = ("cancel_requested_at", "pause_requested_at", "queued_messages", "interrupt_requested_at")
    return {
        run_id: ControlRequest(cancel_at is not None, pause_at is not None, queued > 0, interrupt_at is not None)
        for run_id, cancel_at, pause_at, queued, interrupt_at in rows.values_list("pk", *columns)
    }


_RENEW = """
WITH held AS (
    SELECT run.id FROM runs_run run
    JOIN unnest(%s::uuid[], %s::integer[]) AS mine (id, epoch) ON run.id = mine.id AND run.epoch = mine.epoch
    WHERE run.owner = %s ORDER BY run.id FOR NO KEY UPDATE OF run
)
UPDATE runs_run SET lease_until = statement_timestamp() + %s * interval '1 second' FROM held WHERE runs_run.id = held.id
RETURNING runs_run.id, cancel_requested_at IS NOT NULL, pause_requested_at IS NOT NULL, queued_messages > 0,
    interrupt_requested_at IS NOT NULL
"""
"""Rows are locked in the order of their ids, as the writer does, so that the two never deadlock."""


def renew(owner: str, held: Mapping[UUID, int]) -> dict[UUID, ControlRequest]:
    """Renew the leases of `owner`'s runs (run id to epoch), expired ones too if no other host took them. Postgres only.

    Returns the runs that `owner` still holds, with the requests to them; the others are lost.
    """
    if not held:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [list(held), list(held.values()), owner, LEASE_S])
        return {run_id: ControlRequest(*requests) for run_id, *requests in cursor.fetchall()}


def interrupt_is_asked(run_id: UUID) -> bool:
    """True if a message waits that is to interrupt the reply in progress."""
    return Run.objects.filter(pk=run_id, queued_messages__gt=0, interrupt_requested_at__isnull=False).exists()
