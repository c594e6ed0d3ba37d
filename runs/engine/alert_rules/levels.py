"""The level of a rule after one more value: it rises at once, and falls only when the value stays clearly better.

Nothing here reads a clock or a database.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from runs.models.alert import AlertLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where levels begin, and what it takes to leave them."""

    alert_at: Decimal
    warning_at: Decimal | None = None
    """Lower than `alert_at`; None for no warning."""
    margin_percent: int = 10
    """A value is better than a threshold by the margin if it is lower than the threshold less this share of it."""
    recovery_count: int = 2
    """Values in a row that leave a level, or that are missing until there are no data."""

    def entered_at(self, value: Decimal) -> AlertLevel:
        """The level whose threshold the value has reached."""
        if value >= self.alert_at:
            return AlertLevel.ALERT
        if self.warning_at is not None and value >= self.warning_at:
            return AlertLevel.WARNING
        return AlertLevel.OK

    def is_below(self, threshold: Decimal, value: Decimal) -> bool:
        """True if the value is better than the threshold by the margin."""
        return value * 100 < threshold * (100 - self.margin_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A level, and the values in a row that speak against it."""

    level: AlertLevel = AlertLevel.NO_DATA
    blanks: int = 0
    """Missing values in a row, up to `recovery_count`."""
    below_warning: int = 0
    below_alert: int = 0
    """Values in a row that are better than the threshold by the margin, while the level is at it or above."""


def standing_after(before: Standing, value: Decimal | None, thresholds: Thresholds) -> Standing:
    """The standing after an evaluation. `value` is None if nothing can be said."""
    if value is None:
        return _after_blank(before, thresholds)
    entered = thresholds.entered_at(value)
    if entered.rank >= before.level.rank:
        return Standing(level=entered)  # Only what speaks against a level is counted.
    counted = _counted(before, value, thresholds)
    held = before.level
    if held is AlertLevel.ALERT and counted.below_alert >= thresholds.recovery_count:
        held = AlertLevel.WARNING
    if held is AlertLevel.WARNING and counted.below_warning >= thresholds.recovery_count:
        held = AlertLevel.OK
    if held is AlertLevel.OK:
        return Standing(level=held)
    if held is AlertLevel.WARNING:
        counted = replace(counted, below_alert=0)
    return replace(counted, level=held)


def _after_blank(before: Standing, thresholds: Thresholds) -> Standing:
    blanks = min(before.blanks + 1, thresholds.recovery_count)
    is_gone = before.level is AlertLevel.NO_DATA or blanks >= thresholds.recovery_count
    return Standing(level=AlertLevel.NO_DATA if is_gone else before.level, blanks=blanks)


def _counted(before: Standing, value: Decimal, thresholds: Thresholds) -> Standing:
    """With the counts of values in a row. Without a warning, its threshold is that of the alert."""
    most = thresholds.recovery_count
    warning_at = thresholds.warning_at if thresholds.warning_at is not None else thresholds.alert_at
    is_below_warning = thresholds.is_below(warning_at, value)
    is_below_alert = thresholds.is_below(thresholds.alert_at, value)
    return Standing(
        level=before.level,
        below_warning=min(before.below_warning + 1, most) if is_below_warning else 0,
        below_alert=min(before.below_alert + 1, most) if is_below_alert else 0,
    )
