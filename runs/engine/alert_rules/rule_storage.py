"""Alert rules as people make and change them: each is checked as a whole, and changed in one transaction.

None as `by` is the command line, which may do everything. A rule that `by` may not see is `AlertRule.DoesNotExist`;
one that they see and do not own they may only mute and acknowledge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction

from runs.agent.json_data.json_values import check_storable_text
from runs.agent.wording import Wording
from runs.engine.alert_rules.advances import enter_level
from runs.engine.db_clock import database_now
from runs.models import Agent, AlertEvent, AlertLevel, AlertRule, Schedule
from runs.models.alert import (
    MAX_MUTE_NOTE_CHARS,
    MAX_RULE_NAME_CHARS,
    MOST_LEAST_RUNS,
    MOST_MARGIN_PERCENT,
    MOST_RECOVERY_COUNT,
)
from runs.models.permissions import NOT_YOUR_RULE, may_change_alert_rule, may_see_all
from runs.recurrence.cron import RecurrenceRefused, checked_zone

MOST_RULES: Final = 100
"""Of one person."""
LONGEST_MUTE: Final = timedelta(days=30)
MOST_THRESHOLD: Final = Decimal(1_000_000_000)
MOST_PERCENT: Final = Decimal(100)
_BOUNDS: Final = {
    "least_runs": (1, MOST_LEAST_RUNS),
    "margin_percent": (0, MOST_MARGIN_PERCENT),
    "recovery_count": (1, MOST_RECOVERY_COUNT),
}
_WATCHED: Final = ("is_for_all", "agent_id", "label", "schedule_id", "metric", "window_s", "time_zone", "least_runs")
"""What a rule watches: after a change of it the level is found anew."""
_COLUMNS: Final = (
    *("metric", "window_s", "agent", "label", "schedule"),
    *("is_for_all", "is_active", "alert_at", "warning_at"),
)
"""Set as they are said, like those of `_BOUNDS`."""


class AlertRuleRefused(ValueError):
    """Nothing is stored. `faults` has a `Wording` for each field, and those of none under the empty name."""

    def __init__(self, faults: dict[str, Wording]) -> None:
        super().__init__("\n".join(f"{name}: {words}" if name else words for name, words in faults.items()))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRuleValues:
    """What a person says of a rule."""

    name: str
    metric: str
    alert_at: Decimal
    """Percent, US dollars or seconds."""
    warning_at: Decimal | None = None
    window_s: int = AlertRule.Window.HOUR
    time_zone: str = "UTC"
    agent: Agent | None = None
    label: str = ""
    """Of the agent; empty for all its versions."""
    schedule: Schedule | None = None
    is_for_all: bool = False
    least_runs: int = 5
    margin_percent: int = 10
    recovery_count: int = 2
    is_active: bool = True


def checked_rule(values: AlertRuleValues, *, user: Any, by: Any) -> AlertRule:
    """A rule of `user` with these values, which is not stored; None is the command line, whose rules are over
    everybody's runs. Raises `AlertRuleRefused` with all faults."""
    rule = AlertRule(user=user)
    _set(rule, values, by=by)
    return rule


@transaction.atomic
def create_rule(values: AlertRuleValues, *, user: Any, by: Any) -> AlertRule:
    """A new rule of `user`. The next round evaluates it. Raises `AlertRuleRefused`."""
    if user is not None:
        get_user_model().objects.select_for_update().get(pk=user.pk)
    if AlertRule.objects.filter(user=user).count() >= MOST_RULES:
        raise AlertRuleRefused({"": Wording("You have %(most)s alert rules, and that is the limit.", most=MOST_RULES)})
    rule = checked_rule(values, user=user, by=by)
    rule.save(force_insert=True)
    return rule


@transaction.atomic
def change_rule(rule_id: UUID, values: AlertRuleValues, *, by: Any) -> AlertRule:
    """The rule with these values. If it watches something else now, or is in use again, its level is found anew.

    Raises `AlertRuleRefused`, `AlertRule.DoesNotExist`, and `PermissionDenied` for another person's.
    """
    rule = _locked(rule_id, by, owns=True)
    before = [getattr(rule, name) for name in _WATCHED]
    was_active = rule.is_active
    _set(rule, values, by=by)
    rule.revision += 1
    rule.blanks = rule.below_warning = rule.below_alert = 0
    if before != [getattr(rule, name) for name in _WATCHED]:
        _begin_anew(rule, Wording("The rule watches something else now."))
    elif was_active and not rule.is_active:
        _begin_anew(rule, Wording("The rule was put out of use."))
    rule.save()
    return rule


@transaction.atomic
def delete_rule(rule_id: UUID, *, by: Any) -> None:
    """Delete the rule with its history. Raises `AlertRule.DoesNotExist` and `PermissionDenied`."""
    _locked(rule_id, by, owns=True).delete()


def mute_rule(rule_id: UUID, until: datetime, *, by: Any, note: str = "") -> AlertRule:
    """Tell nobody of the rule before `until`, with a note why; a rule that is muted gets the new time and note.

    Raises `AlertRuleRefused` for a time that is past or over `LONGEST_MUTE` ahead, or a long note.
    """
    now, note = database_now(), " ".join(note.split())
    faults: dict[str, Wording] = {}
    if not now < until <= now + LONGEST_MUTE:
        faults["until"] = Wording("A time in the next %(days)s days.", days=LONGEST_MUTE.days)
    if (fault := _fault_of_text(note, MAX_MUTE_NOTE_CHARS)) is not None:
        faults["note"] = fault
    if faults:
        raise AlertRuleRefused(faults)
    return _changed(rule_id, by, lambda rule: _mute(rule, until, note, by))


def unmute_rule(rule_id: UUID, *, by: Any) -> AlertRule:
    """Tell people of the rule again, also of a level that it has reached meanwhile."""
    return _changed(rule_id, by, lambda rule: _mute(rule, None, "", None))


@transaction.atomic
def acknowledge(rule_id: UUID, *, by: Any) -> AlertEvent:
    """Note that a person has seen that the rule is raised; the first one stays noted.

    Raises `AlertRuleRefused` for a rule that is not raised.
    """
    rule = _locked(rule_id, by, owns=False)
    event = rule.events.order_by("-number").first()
    if event is None or not rule.is_raised:
        raise AlertRuleRefused({"": Wording("The rule is not raised: there is nothing to acknowledge.")})
    if event.acknowledged_at is None:
        event.acknowledged_by, event.acknowledged_at = by, database_now()
        event.save(update_fields=["acknowledged_by", "acknowledged_at"])
    return event


def _mute(rule: AlertRule, until: datetime | None, note: str, by: Any) -> None:
    rule.muted_until, rule.mute_note, rule.muted_by = until, note, by


@transaction.atomic
def _changed(rule_id: UUID, by: Any, work: Callable[[AlertRule], None]) -> AlertRule:
    rule = _locked(rule_id, by, owns=False)
    work(rule)
    rule.save(update_fields=["muted_until", "mute_note", "muted_by"])
    return rule


def _locked(rule_id: UUID, by: Any, *, owns: bool) -> AlertRule:
    """The rule, whose row is locked."""
    seen = AlertRule.objects.all() if by is None else AlertRule.objects.visible_to(by)
    rule = seen.select_for_update(of=("self",)).select_related("user", "agent").get(pk=rule_id)
    if owns and not may_change_alert_rule(by, rule):
        raise PermissionDenied(NOT_YOUR_RULE)
    return rule


def _begin_anew(rule: AlertRule, reason: Wording) -> None:
    """Let the next evaluation find the level as that of a new rule."""
    rule.value, rule.counts, rule.evaluated_at, rule.told_level = None, {}, None, AlertLevel.OK
    if rule.level != AlertLevel.NO_DATA:
        enter_level(rule, AlertLevel.NO_DATA, database_now(), reason).save()


def _set(rule: AlertRule, values: AlertRuleValues, *, by: Any) -> None:
    """Set the columns. Raises `AlertRuleRefused` with all faults."""
    faults = dict(_faults_of(values))
    rule.name = " ".join(values.name.split())
    if not rule.name:
        faults["name"] = Wording("Give it a name.")
    elif (fault := _fault_of_text(rule.name, MAX_RULE_NAME_CHARS)) is not None:
        faults["name"] = fault
    try:
        rule.time_zone = checked_zone(values.time_zone)
    except RecurrenceRefused as refused:
        faults["time_zone"] = refused.args[0]
    if values.is_for_all and by is not None and not may_see_all(by):
        faults["is_for_all"] = Wording("Your account may not see everybody's runs.")
    faults.update(_faults_of_filters(rule, values, by=by))
    if faults:
        raise AlertRuleRefused(faults)
    for name in (*_COLUMNS, *_BOUNDS):
        setattr(rule, name, getattr(values, name))
    rule.is_for_all |= rule.user is None


def _faults_of(values: AlertRuleValues) -> Iterator[tuple[str, Wording]]:
    for name, choices in (("metric", AlertRule.Metric), ("window_s", AlertRule.Window)):
        if getattr(values, name) not in choices.values:
            yield name, Wording("One of %(choices)s.", choices=", ".join(map(str, choices.values)))
    for name, (least, most) in _BOUNDS.items():
        if not least <= getattr(values, name) <= most:
            yield name, Wording("A whole number from %(least)s to %(most)s.", least=least, most=most)
    most_value = MOST_PERCENT if values.metric == AlertRule.Metric.FAILURE_RATE else MOST_THRESHOLD
    for name in ("alert_at", "warning_at"):
        threshold = getattr(values, name)
        if threshold is not None and not (threshold.is_finite() and Decimal("0.0001") <= threshold <= most_value):
            yield name, Wording("A number above 0, up to %(most)s.", most=int(most_value))
            return
    if values.warning_at is not None and values.warning_at >= values.alert_at:
        yield "warning_at", Wording("It must be lower than the threshold of the alert.")


def _faults_of_filters(rule: AlertRule, values: AlertRuleValues, *, by: Any) -> Iterator[tuple[str, Wording]]:
    """Of the label and the schedule. A label that the rule has already may be gone for a while."""
    agent, label, schedule = values.agent, values.label, values.schedule
    if agent is None:
        if label:
            yield "label", Wording("A label is one of an agent: choose the agent too.")
    elif label and (agent.pk, label) != (rule.agent_id, rule.label) and not agent.labels.filter(name=label).exists():
        yield "label", Wording("%(agent)s has no label %(label)s.", agent=agent.name, label=repr(label))
    if schedule is None:
        return
    is_kept = by is None or schedule.pk == rule.schedule_id
    if not is_kept and not Schedule.objects.visible_to(by).filter(pk=schedule.pk).exists():
        yield "schedule", Wording("There is no such schedule, or it is not yours.")
    elif rule.user is not None and not values.is_for_all and schedule.user_id != rule.user.pk:
        yield "schedule", Wording("Its runs are another person's: watch everybody's runs.")


def _fault_of_text(text: str, most: int) -> Wording | None:
    if len(text) > most:
        return Wording("At most %(most)s characters.", most=most)
    try:
        check_storable_text(text)
    except ValueError:
        return Wording("It has a character that cannot be stored.")
    return None
