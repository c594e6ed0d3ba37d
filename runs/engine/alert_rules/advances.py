"""A rule after one more evaluation: its columns, the event if its level has changed, and whether people are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runs.agent.wording import said_in
from runs.engine.alert_rules.levels import Standing, Thresholds, standing_after
from runs.engine.alert_rules.measures import Measure, reason_of
from runs.models import AlertEvent, AlertRule
from runs.models.alert import AlertLevel

STANDING_COLUMNS: Final = (
    *("level", "level_since", "told_level", "value", "counts", "blanks", "below_warning", "below_alert"),
    *("evaluated_at", "changes_count"),
)
"""What an evaluation changes."""
_DECIDING: Final = ("level", "told_level", "blanks", "below_warning", "below_alert")


@dataclass(frozen=True, slots=True)
class Advance:
    """What came of an evaluation, beside the columns of the rule."""

    event: AlertEvent | None = None
    """Not stored yet; None if the level has stayed."""
    told: AlertLevel | None = None
    """The level that people are told of now; None if they are told nothing."""


def thresholds_of(rule: AlertRule) -> Thresholds:
    """The rule's thresholds."""
    return Thresholds(
        alert_at=rule.alert_at,
        warning_at=rule.warning_at,
        margin_percent=rule.margin_percent,
        recovery_count=rule.recovery_count,
    )


def advance(rule: AlertRule, measure: Measure, now: datetime) -> Advance:
    """Change the columns of the rule by an evaluation; nothing is stored."""
    before = Standing(
        level=AlertLevel(rule.level),
        blanks=rule.blanks,
        below_warning=rule.below_warning,
        below_alert=rule.below_alert,
    )
    after = standing_after(before, measure.value, thresholds_of(rule))
    rule.value, rule.counts, rule.evaluated_at = measure.value, dict(measure.counts), now
    rule.blanks, rule.below_warning, rule.below_alert = after.blanks, after.below_warning, after.below_alert
    rule.level_since = rule.level_since or now
    event = None
    if after.level is not before.level:
        event = enter_level(rule, after.level, now, reason_of(rule.metric, measure, least_runs=rule.least_runs))
    return Advance(event, _told(rule, now))


def enter_level(rule: AlertRule, level: AlertLevel, now: datetime, reason: str) -> AlertEvent:
    """Let the rule enter another level. Returns the event of it, which is not stored yet."""
    rule.changes_count += 1
    event = AlertEvent(
        rule=rule,
        number=rule.changes_count,
        from_level=rule.level,
        to_level=level,
        value=rule.value,
        reason=str(reason),
        reason_parts=said_in(reason),
        was_muted=rule.is_muted(now),
        at=now,
    )
    rule.level, rule.level_since = level, now
    return event


def standing_of(rule: AlertRule) -> tuple[object, ...]:
    """What decides of the next evaluation: an evaluation that leaves it changes the shown value only."""
    return tuple(getattr(rule, name) for name in _DECIDING)


def _told(rule: AlertRule, now: datetime) -> AlertLevel | None:
    """What people are told now. A level that was reached while the rule was muted is told afterwards, if it lasts."""
    level, told = AlertLevel(rule.level), AlertLevel(rule.told_level)
    if level is AlertLevel.NO_DATA or level is told:
        return None
    if level.rank > told.rank and rule.is_muted(now):
        return None
    rule.told_level = level
    is_told = level.rank > told.rank or (level is AlertLevel.OK and not rule.is_muted(now))
    return level if is_told else None
