"""Rounds: every rule that has its turn is evaluated by one process, and what changes is stored once.

A process claims the round, reads all figures without a lock, and stores what has changed in one transaction with the
end of its claim. If it dies in between nothing is stored, and another one takes over when its claim has run out; if it
was only slow, its claim is not the newest any more, and it stores nothing.
"""

import copy
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from runs.engine.alert_rules.advances import STANDING_COLUMNS, advance, standing_of
from runs.engine.alert_rules.live_measures import measures_of
from runs.engine.alert_rules.measures import Measure, reason_of
from runs.engine.alert_rules.notices import tell
from runs.engine.db_clock import database_now
from runs.engine.operations import fault_points
from runs.engine.writing.sql_rows import SqlTable
from runs.models import AlertEvent, AlertRound, AlertRule

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=30)
"""Between two rounds."""
SOON: Final = timedelta(seconds=5)
"""Between two rounds while runs end, if they are quick."""
LONG_WINDOWS: Final = (AlertRule.Window.DAYS_7, AlertRule.Window.DAYS_30)
SLOW_ROUNDS: Final = 10
"""Rules with long windows have their turn in each tenth round: one run changes little there, and reading costs most."""
MOST_LOAD: Final = 0.005
"""The share of the time that rounds may take: after a slow one the next begins later."""
WAIT_S: Final = 0.2
"""Before a round that another process does is looked at again."""
CLAIMED_FOR: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ClaimedRound:
    """A round that this process does."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a round did."""

    evaluated: int = 0
    changed: int = 0
    """Rules whose level has changed."""


def next_round_at() -> datetime | None:
    """When the next round begins; None for now."""
    return AlertRound.objects.filter(pk=AlertRound.ONLY).values_list("due_at", flat=True).first()


def do_round(now: datetime, *, is_early: bool = False, is_whole: bool = False) -> RoundResult | None:
    """Do the round that is due at `now`; with `is_early` also before its time, some seconds after the last one; with
    `is_whole` for rules with long windows too, whether it is their turn or not.

    None if none is due, if another process does it, or if there is no rule in use.
    """
    if not _in_use().exists():
        return None
    claimed = claim_round(now, is_early=is_early)
    return None if claimed is None else finish_round(claimed, now, is_whole=is_whole)


def evaluate_now() -> RoundResult:
    """Evaluate all rules in use, whenever the next round is due. Waits for a round that is being done."""
    while _in_use().exists():
        AlertRound.objects.filter(pk=AlertRound.ONLY).update(due_at=None)
        if (done := do_round(database_now(), is_whole=True)) is not None:
            return done
        time.sleep(WAIT_S)
    return RoundResult()


def claim_round(now: datetime, *, is_early: bool = False) -> ClaimedRound | None:
    """Claim the round for this process. None if it is not due, or another process has it."""
    rows = AlertRound.objects.filter(pk=AlertRound.ONLY)
    # A time that lies further ahead than any that is written was written before the clock was set back.
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + CLAIMED_FOR)
    is_due = Q(due_at=None) | Q(due_at__lte=now) | Q(ended_at__gt=now)
    if is_early:
        is_due |= Q(early_at=None) | Q(early_at__lte=now)
    with transaction.atomic():
        if rows.filter(is_free & is_due).update(epoch=F("epoch") + 1, claimed_until=now + CLAIMED_FOR):
            return ClaimedRound(*rows.values_list("epoch", "number").get())
    if not rows.exists():
        AlertRound.objects.bulk_create([AlertRound(pk=AlertRound.ONLY)], ignore_conflicts=True)
        return claim_round(now, is_early=is_early)
    return None


def finish_round(claimed: ClaimedRound, now: datetime, *, is_whole: bool = False) -> RoundResult | None:
    """Evaluate the rules that have their turn, and store what has changed. None if the claim was lost meanwhile."""
    began = time.perf_counter()
    rules = list(_with_turn(0 if is_whole else claimed.number).select_related("user").order_by("pk"))
    measures = measures_of(rules, now)
    took = timedelta(seconds=time.perf_counter() - began)
    fault_points.crashpoint("alerts_measured")
    with transaction.atomic():
        ended = AlertRound.objects.filter(pk=AlertRound.ONLY, epoch=claimed.epoch).update(
            claimed_until=None,
            number=F("number") + 1,
            ended_at=now,
            due_at=now + max(EVERY, took / MOST_LOAD),
            early_at=now + max(SOON, took / MOST_LOAD),
        )
        if not ended:
            logger.warning("A round of alert rules took longer than its claim, and another process has done it.")
            return None
        changed = _store(rules, measures, now)
        fault_points.at_commit("alert_round")
    return RoundResult(len(rules), changed)


def _in_use() -> "QuerySet[AlertRule]":
    return AlertRule.objects.filter(Q(user=None) | Q(user__is_active=True), is_active=True)


def _with_turn(number: int) -> "QuerySet[AlertRule]":
    """The rules that are evaluated in a round, new ones always."""
    if number % SLOW_ROUNDS == 0:
        return _in_use()
    is_slow = Q(window_s__in=LONG_WINDOWS, metric__in=AlertRule.WINDOWED)
    return _in_use().filter(~is_slow | Q(evaluated_at=None))


def _store(rules: Iterable[AlertRule], measures: Mapping[UUID, Measure], now: datetime) -> int:
    """Store the evaluations. Returns how many levels have changed.

    Most of them change a shown value at most. The rows of the others are locked, and evaluated as they are then: a
    person may have muted or changed a rule since it was read.
    """
    moved, shown = [], []
    for rule in rules:
        measure, tried = measures[rule.pk], copy.copy(rule)
        advance(tried, measure, now)
        if rule.evaluated_at is None or standing_of(tried) != standing_of(rule):
            moved.append(rule)
        elif (measure.value, dict(measure.counts)) != (rule.value, rule.counts):
            shown.append((rule, measure))
    _store_values(shown, now)
    revisions = {rule.pk: rule.revision for rule in moved}
    locked = AlertRule.objects.select_for_update(of=("self",)).select_related("user", "agent")
    events = []
    for rule in locked.filter(pk__in=revisions, is_active=True).order_by("pk"):
        if rule.revision == revisions[rule.pk]:
            advanced = advance(rule, measures[rule.pk], now)
            rule.save(update_fields=STANDING_COLUMNS)
            if advanced.event is not None:
                events.append(advanced.event)
            if advanced.told is not None:
                tell(rule, advanced.told, reason_of(rule.metric, measures[rule.pk], least_runs=rule.least_runs))
    return len(AlertEvent.objects.bulk_create(events))


def _store_values(shown: Iterable[tuple[AlertRule, Measure]], now: datetime) -> None:
    """Store values behind which no level changes, by one statement for all, which the ORM does not offer."""
    table, parameters, statement = SqlTable(AlertRule), [], ""
    for rule, measure in shown:
        values = {"value": measure.value, "counts": dict(measure.counts), "evaluated_at": now}
        statement, of_rule = table.update(values, rule.pk)
        parameters.append([*of_rule, rule.revision])
    if parameters:
        with connection.cursor() as cursor:
            cursor.executemany(f"{statement} AND revision = %s", parameters)
