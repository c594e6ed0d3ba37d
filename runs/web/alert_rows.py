"""Alert rules and their history as pages show them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext, gettext_lazy

from runs.engine.alert_rules.measures import Measure, reason_of
from runs.languages import localized
from runs.live.rendering.formatting import counted_text, dollars, duration_text
from runs.live.rendering.stored_words import reason_words, wording_words
from runs.models import AlertEvent, AlertLevel, AlertRule
from runs.models.permissions import may_change_alert_rule
from runs.web.home_charts import ChartBar

TONES: Final = {
    AlertLevel.NO_DATA: ("circle-dashed", ""),
    AlertLevel.OK: ("circle-check", "ok"),
    AlertLevel.WARNING: ("triangle-alert", "you"),
    AlertLevel.ALERT: ("circle-x", "error"),
}
"""The icon and the tone of each level."""
GAUGE_WIDTH: Final = 100
_Metric: Final = AlertRule.Metric
_WATCHED: Final = {
    _Metric.FAILURE_RATE: gettext_lazy("Failed runs of %(window)s"),
    _Metric.COST: gettext_lazy("Cost of the runs of %(window)s"),
    _Metric.P95_DURATION: gettext_lazy("Time within which 95 %% of the runs of %(window)s ended"),
    _Metric.WAITING: gettext_lazy("Longest wait for a person"),
    _Metric.SPEND_TODAY: gettext_lazy("Spent today (%(zone)s)"),
}


def value_text(metric: str, value: Decimal | None) -> str:
    """A value of a metric with its unit; a dash for none."""
    if value is None:
        return "–"
    match metric:
        case _Metric.FAILURE_RATE:
            return gettext("%(n)s %%") % {"n": localized(f"{value:.1f}".removesuffix(".0"))}
        case _Metric.COST | _Metric.SPEND_TODAY:
            return dollars(value)
    return _span_text(float(value))


def _span_text(seconds: float) -> str:
    """A duration without parts that are nothing: `0 s`, `15 min`, `1 h`, `1 min 24 s`."""
    if not seconds:
        return gettext("%(n)s s") % {"n": 0}
    if seconds >= 3600 and not seconds % 3600:
        return gettext("%(n)s h") % {"n": counted_text(int(seconds // 3600))}
    if 60 <= seconds < 3600 and not seconds % 60:
        return gettext("%(n)s min") % {"n": int(seconds // 60)}
    return duration_text(seconds)


@dataclass(frozen=True, slots=True)
class LevelMark:
    """A level as a label with an icon."""

    level: AlertLevel

    @property
    def icon(self) -> str:
        """Of the level."""
        return TONES[self.level][0]

    @property
    def tone(self) -> str:
        """Of the level."""
        return TONES[self.level][1]

    @property
    def label(self) -> str:
        """The level in words."""
        return str(self.level.label)


class Gauge(NamedTuple):
    """A value against its thresholds, in `GAUGE_WIDTH` units."""

    value: float
    warning: float | None
    alert: float


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A rule in a list, and at the top of its page."""

    rule: AlertRule
    user: Any
    now: datetime

    @property
    def mark(self) -> LevelMark:
        """Its level."""
        return LevelMark(AlertLevel(self.rule.level))

    @property
    def watched(self) -> str:
        """What it watches, in words."""
        told = {"window": self.rule.get_window_s_display(), "zone": self.rule.time_zone}
        return str(_WATCHED[_Metric(self.rule.metric)]) % told

    @property
    def value(self) -> str:
        """Its value with its unit."""
        return value_text(self.rule.metric, self.rule.value)

    @property
    def thresholds(self) -> str:
        """Where its levels begin."""
        alert = gettext("alert from %(value)s") % {"value": value_text(self.rule.metric, self.rule.alert_at)}
        if self.rule.warning_at is None:
            return alert
        warning = gettext("warning from %(value)s") % {"value": value_text(self.rule.metric, self.rule.warning_at)}
        return gettext("%(warning)s, %(alert)s") % {"warning": warning, "alert": alert}

    @property
    def reason(self) -> str:
        """The numbers behind the value; empty before the first evaluation."""
        rule = self.rule
        if not rule.is_active or rule.evaluated_at is None:
            return ""
        reason = reason_of(rule.metric, Measure(rule.value, rule.counts), least_runs=rule.least_runs)
        return wording_words(reason.sentences)

    @property
    def gauge(self) -> Gauge | None:
        """The value against its thresholds; None without a value."""
        rule = self.rule
        if rule.value is None or not rule.is_active:
            return None
        whole = max(float(rule.alert_at) * 1.25, float(rule.value))
        warning = None if rule.warning_at is None else _share(rule.warning_at, whole)
        return Gauge(_share(rule.value, whole), warning, _share(rule.alert_at, whole))

    @property
    def is_muted(self) -> bool:
        """True if nobody is told of it now."""
        return self.rule.is_muted(self.now)

    @property
    def may_change(self) -> bool:
        """True if the user may change and delete it."""
        return may_change_alert_rule(self.user, self.rule)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Its settings, as name and value."""
        rule = self.rule
        everybody, own = gettext("everybody's runs"), gettext("runs of %(name)s") % {"name": rule.owner_name}
        told = [
            (gettext("Watches"), self.watched),
            (gettext("Runs"), everybody if rule.is_for_all else own),
            (gettext("Agent"), rule.agent_name or gettext("all agents")),
            *([(gettext("Schedule"), rule.schedule.name)] if rule.schedule is not None else []),
            (gettext("Thresholds"), self.thresholds),
        ]
        if rule.metric in AlertRule.NEEDS_RUNS:
            told.append((gettext("At least so many runs"), counted_text(rule.least_runs)))
        recovery = gettext("after %(count)s evaluations in a row that are %(margin)s %% better than the threshold")
        told.append((gettext("A level ends"), recovery % {"count": rule.recovery_count, "margin": rule.margin_percent}))
        return told


def _share(value: Decimal, whole: float) -> float:
    return round(GAUGE_WIDTH * float(value) / whole, 1)


@dataclass(frozen=True, slots=True)
class AlertEventRow:
    """One line of a history."""

    event: AlertEvent

    @property
    def mark(self) -> LevelMark:
        """The level that was entered."""
        return LevelMark(AlertLevel(self.event.to_level))

    @property
    def before(self) -> str:
        """The level before, in words."""
        return str(AlertLevel(self.event.from_level).label)

    @property
    def reason(self) -> str:
        """The numbers, in the active language."""
        return reason_words(self.event.reason, self.event.reason_parts)


@dataclass(frozen=True, slots=True)
class AlertChart:
    """The last days of a rule, hour by hour, each with its highest value."""

    bars: list[ChartBar]
    width: int
    height: int
    lines: list[tuple[str, float]]
    """The level and the height of each threshold, in units of the chart."""
    about: str
    """What it shows, in words."""
    raised: str
    """What the rule would have raised, in words."""
    begins: datetime
