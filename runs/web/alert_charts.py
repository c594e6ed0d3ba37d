"""The chart of an alert rule: its value over the last days, by the evaluation that raises it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext, ngettext

from runs.engine.alert_rules.advances import thresholds_of
from runs.engine.alert_rules.past_measures import PastPoint, PastTrial, past_trial
from runs.models import AlertLevel, AlertRule
from runs.web.alert_rows import AlertChart, value_text
from runs.web.home_charts import BAR_STEP, ChartBar

HEIGHT: Final = 64
POINTS_A_BAR: Final = 12
"""An hour."""
_TONES: Final = {AlertLevel.ALERT: "error", AlertLevel.WARNING: "you"}


def alert_chart(rule: AlertRule, now: datetime) -> AlertChart | None:
    """The chart of a rule, which need not be stored; None if the past of its metric is not known."""
    trial = past_trial(rule, thresholds_of(rule), now)
    if not trial.is_known:
        return None
    top = _top(rule, trial)
    hours = _hours(trial.points)
    bars = [bar for place, points in enumerate(hours) if (bar := _bar(place, points, top)) is not None]
    thresholds = [("warning", rule.warning_at), ("alert", rule.alert_at)]
    lines = [(name, _height(at, top)) for name, at in thresholds if at is not None]
    return AlertChart(
        bars=bars,
        width=max(1, len(hours) * BAR_STEP - 1),
        height=HEIGHT,
        lines=[(name, HEIGHT - height) for name, height in lines],
        about=_about(rule, trial),
        raised=_raised(trial),
        begins=trial.since,
    )


def _hours(points: Sequence[PastPoint]) -> list[Sequence[PastPoint]]:
    return [points[begin : begin + POINTS_A_BAR] for begin in range(0, len(points), POINTS_A_BAR)]


def _top(rule: AlertRule, trial: PastTrial) -> Decimal:
    """The value at the top of the chart: a little above the alert, or the highest value."""
    return max([rule.alert_at * Decimal("1.1"), *_values(trial.points)])


def _values(points: Sequence[PastPoint]) -> list[Decimal]:
    return [point.value for point in points if point.value is not None]


def _height(value: Decimal, top: Decimal) -> float:
    return round(HEIGHT * float(value / top), 1)


def _bar(place: int, points: Sequence[PastPoint], top: Decimal) -> ChartBar | None:
    values = _values(points)
    if not values:
        return None
    worst = max((point.level for point in points), key=lambda level: level.rank)
    height = max(0.5, _height(max(values), top))
    return ChartBar(place * BAR_STEP, HEIGHT - height, height, _TONES.get(worst, "run"))


def _about(rule: AlertRule, trial: PastTrial) -> str:
    values = _values(trial.points)
    if not values:
        return gettext("There was never enough to say something.")
    told = {"most": value_text(rule.metric, max(values)), "last": value_text(rule.metric, trial.points[-1].value)}
    return gettext("At most %(most)s; now %(last)s.") % told


def _raised(trial: PastTrial) -> str:
    days = max(1, round((trial.points[-1].at - trial.since).total_seconds() / 86_400))
    alerts = trial.raised(AlertLevel.ALERT)
    warnings = trial.raised(AlertLevel.WARNING)
    told = {
        "days": ngettext("the last day", "the last %(count)s days", days) % {"count": days},
        "alerts": ngettext("%(count)s alert", "%(count)s alerts", alerts) % {"count": alerts},
        "warnings": ngettext("%(count)s warning or alert", "%(count)s warnings or alerts", warnings)
        % {"count": warnings},
    }
    if warnings == alerts:
        return gettext("Over %(days)s this rule would have raised %(alerts)s.") % told
    return gettext("Over %(days)s this rule would have raised %(warnings)s, of which %(alerts)s.") % told
