"""Alert rules: what is watched over a window of runs, the level it has reached, and every change of that level."""

import uuid
from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.agent_label import MAX_LABEL_CHARS
from runs.models.permissions import may_see_all

MAX_RULE_NAME_CHARS: Final = 80
MAX_MUTE_NOTE_CHARS: Final = 200
MOST_LEAST_RUNS: Final = 10_000
MOST_MARGIN_PERCENT: Final = 90
MOST_RECOVERY_COUNT: Final = 20


class AlertLevel(models.TextChoices):
    """The level of a rule, the worst one last. `no_data`: nothing can be said of the window."""

    NO_DATA = "no_data", pgettext_lazy("alert level", "No data")
    OK = "ok", pgettext_lazy("alert level", "OK")
    WARNING = "warning", pgettext_lazy("alert level", "Warning")
    ALERT = "alert", pgettext_lazy("alert level", "Alert")

    @property
    def rank(self) -> int:
        """The higher, the worse; 0 for `NO_DATA`."""
        return list(AlertLevel).index(self)


class AlertRuleQuerySet(models.QuerySet["AlertRule"]):
    """Queries on alert rules."""

    def visible_to(self, user: Any) -> Self:
        """A user's own ones, and with the permission to see everybody's runs those of others about everybody's runs."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self.filter(Q(user=user) | Q(is_for_all=True)) if may_see_all(user) else self.filter(user=user)

    def raised(self) -> Self:
        """Those in use that are at a warning or an alert."""
        return self.filter(is_active=True, level__in=[AlertLevel.WARNING, AlertLevel.ALERT])


class AlertRule(models.Model):
    """What is watched: one figure of the runs of a window, with the thresholds of a warning and of an alert."""

    class Metric(models.TextChoices):
        """The figure. The higher, the worse. `docs/alerts.md` has the formulas."""

        FAILURE_RATE = "failure_rate", gettext_lazy("Failure rate")
        COST = "cost", gettext_lazy("Cost")
        P95_DURATION = "p95_duration", gettext_lazy("Duration, 95th percentile")
        WAITING = "waiting", gettext_lazy("Waiting for a person")
        SPEND_TODAY = "spend_today", gettext_lazy("Spent today")

    class Window(models.IntegerChoices):
        """Seconds back from now. Few, so that many rules share one query."""

        MINUTES_5 = 300, gettext_lazy("5 minutes")
        MINUTES_15 = 900, gettext_lazy("15 minutes")
        HOUR = 3_600, gettext_lazy("1 hour")
        HOURS_6 = 21_600, gettext_lazy("6 hours")
        DAY = 86_400, gettext_lazy("24 hours")
        DAYS_7 = 604_800, gettext_lazy("7 days")
        DAYS_30 = 2_592_000, gettext_lazy("30 days")

    WINDOWED: Final = (Metric.FAILURE_RATE, Metric.COST, Metric.P95_DURATION)
    """Metrics of the runs that ended in the window; the others are of now, or of today."""
    NEEDS_RUNS: Final = (Metric.FAILURE_RATE, Metric.P95_DURATION)
    """Metrics that say nothing over few runs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="alert_rules",
        verbose_name=pgettext_lazy("field", "owner"),
        db_index=False,  # an index below begins with it
    )
    """Null for one of the command line, which is over everybody's runs."""
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_RULE_NAME_CHARS)
    is_for_all = models.BooleanField(pgettext_lazy("field", "everybody's runs"), default=False)
    """True: over everybody's runs; false: over the runs of `user`."""
    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_rules",
        verbose_name=pgettext_lazy("field", "agent"),
    )
    """Over the runs of this agent only; null for all. The rule goes with its agent: without, it would watch others."""
    label = models.CharField(pgettext_lazy("field", "label"), max_length=MAX_LABEL_CHARS, blank=True, default="")
    """Over the runs of the version only that this label of the agent points at; empty for all versions."""
    schedule = models.ForeignKey(
        "runs.Schedule",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_rules",
        verbose_name=pgettext_lazy("model", "schedule"),
    )
    """Over the runs of this schedule only; null for all. The rule goes with its schedule, as with its agent."""
    metric = models.CharField(pgettext_lazy("field", "metric"), max_length=12, choices=Metric)
    window_s = models.PositiveIntegerField(pgettext_lazy("field", "window"), choices=Window, default=Window.HOUR)
    """Not used by metrics that are not in `WINDOWED`."""
    time_zone = models.CharField(pgettext_lazy("field", "time zone"), max_length=64, default="UTC")
    """Where the day of `SPEND_TODAY` begins."""
    least_runs = models.PositiveIntegerField(
        pgettext_lazy("field", "least runs"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_LEAST_RUNS)],
    )
    """With fewer runs in the window a metric of `NEEDS_RUNS` has no value."""
    warning_at = models.DecimalField(
        pgettext_lazy("field", "warning at"), max_digits=14, decimal_places=4, null=True, blank=True
    )
    """From this value on it is a warning: percent, US dollars or seconds. Null for no warning."""
    alert_at = models.DecimalField(pgettext_lazy("field", "alert at"), max_digits=14, decimal_places=4)
    """From this value on it is an alert. Higher than `warning_at`."""
    margin_percent = models.PositiveSmallIntegerField(
        pgettext_lazy("field", "recovery margin"), default=10, validators=[MaxValueValidator(MOST_MARGIN_PERCENT)]
    )
    """A level is left only with a value that is lower than its threshold by this share of it."""
    recovery_count = models.PositiveSmallIntegerField(
        pgettext_lazy("field", "evaluations to recover"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RECOVERY_COUNT)],
    )
    """A level is left only after so many of such values in a row, and for `NO_DATA` after so many without a value."""
    is_active = models.BooleanField(pgettext_lazy("field", "in use"), default=True)
    """False: it is not evaluated, and keeps its history."""
    muted_until = models.DateTimeField(pgettext_lazy("field", "muted until"), null=True)
    """Nobody is told before; the history goes on. Null or past: it is not muted."""
    mute_note = models.CharField(max_length=MAX_MUTE_NOTE_CHARS, blank=True, default="")
    muted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    revision = models.PositiveIntegerField(default=0, editable=False)
    """Raised by each change of what it watches: an evaluation of an earlier revision is not stored."""

    level = models.CharField(
        pgettext_lazy("field", "level"), max_length=7, choices=AlertLevel, default=AlertLevel.NO_DATA, editable=False
    )
    level_since = models.DateTimeField(pgettext_lazy("field", "since"), null=True, editable=False)
    """When it entered that level; null before the first evaluation."""
    told_level = models.CharField(max_length=7, choices=AlertLevel, default=AlertLevel.OK, editable=False)
    """The level that people were last told of: the same is not told again after a time without data."""
    value = models.DecimalField(
        pgettext_lazy("field", "value"), max_digits=20, decimal_places=6, null=True, editable=False
    )
    """Of the last evaluation; null without one, and while it is unknown."""
    counts = models.JSONField(default=dict, editable=False)
    """The numbers behind `value`: fields of `Measure`."""
    blanks = models.PositiveSmallIntegerField(default=0, editable=False)
    """Evaluations without a value, in a row, up to `recovery_count`."""
    below_warning = models.PositiveSmallIntegerField(default=0, editable=False)
    """Evaluations in a row whose value is better than the warning by the margin, up to `recovery_count`."""
    below_alert = models.PositiveSmallIntegerField(default=0, editable=False)
    evaluated_at = models.DateTimeField(null=True, editable=False)
    """When the columns above were last changed by an evaluation; null before the first one."""
    changes_count = models.PositiveIntegerField(default=0, editable=False)
    """The number of its last `AlertEvent`."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)
    updated_at = models.DateTimeField(pgettext_lazy("field", "updated at"), auto_now=True)

    objects = AlertRuleQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "alert rule")
        verbose_name_plural = pgettext_lazy("model", "alert rules")
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["user", "name", "id"], name="alert_rule_of_user"),
            models.Index(
                fields=["level", "id"],
                name="alert_rule_raised",
                condition=Q(is_active=True, level__in=["warning", "alert"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="alert_rule_thresholds",
                condition=Q(alert_at__gt=0)
                & (Q(warning_at=None) | Q(warning_at__gt=0, warning_at__lt=models.F("alert_at"))),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("runs:alert-rule", args=[self.pk])

    @property
    def owner_name(self) -> str:
        """The name of its owner; empty for the command line. Reads `user`."""
        return self.user.get_username() if self.user is not None else ""

    @property
    def agent_name(self) -> str:
        """The name of its agent, with its label: `Clerk@production`; empty for all agents. Reads `agent`."""
        if self.agent is None:
            return ""
        return f"{self.agent.name}@{self.label}" if self.label else self.agent.name

    @property
    def is_windowed(self) -> bool:
        """True if it is over the runs that ended in `window_s`."""
        return self.metric in self.WINDOWED

    @property
    def is_raised(self) -> bool:
        """True at a warning or an alert, while it is in use."""
        return self.is_active and self.level in (AlertLevel.WARNING, AlertLevel.ALERT)

    def is_muted(self, now: datetime) -> bool:
        """True if nobody is told at `now`."""
        return self.muted_until is not None and self.muted_until > now


class AlertEvent(models.Model):
    """One change of a rule's level."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="events", db_index=False)
    number = models.PositiveIntegerField()
    """From 1 in each rule, without gaps: so a change is written once."""
    from_level = models.CharField(pgettext_lazy("field", "from"), max_length=7, choices=AlertLevel)
    to_level = models.CharField(pgettext_lazy("field", "to"), max_length=7, choices=AlertLevel)
    value = models.DecimalField(pgettext_lazy("field", "value"), max_digits=20, decimal_places=6, null=True)
    """Null if there was none."""
    reason = models.TextField(pgettext_lazy("field", "reason"))
    """The numbers in English: "12 of 40 runs failed (30 %).\""""
    reason_parts = models.JSONField(default=dict)
    """The parts of `reason`, as `said_in` has them."""
    was_muted = models.BooleanField(pgettext_lazy("field", "muted"), default=False)
    at = models.DateTimeField(pgettext_lazy("field", "at"))
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=pgettext_lazy("field", "acknowledged by"),
    )
    acknowledged_at = models.DateTimeField(pgettext_lazy("field", "acknowledged at"), null=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "alert event")
        verbose_name_plural = pgettext_lazy("model", "alert events")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="alert_event_once")]
        indexes = [models.Index(fields=["at"], name="alert_event_by_age")]

    def __str__(self) -> str:
        return f"{self.from_level} → {self.to_level}"


class AlertRound(models.Model):
    """The evaluation of all rules: one row, which the process has claimed that evaluates now."""

    ONLY: Final = 1
    """The primary key of the row."""

    epoch = models.PositiveBigIntegerField(default=0)
    """Raised by each claim: an evaluation with an older one is not stored."""
    claimed_until = models.DateTimeField(null=True)
    number = models.PositiveBigIntegerField(default=0)
    """Rounds so far. Rules with long windows have their turn in each tenth."""
    ended_at = models.DateTimeField(null=True)
    """The end of the last round; null before the first one."""
    due_at = models.DateTimeField(null=True)
    """When the next one begins; null for now."""
    early_at = models.DateTimeField(null=True)
    """From then on it begins when a run has ended; null for now."""

    class Meta:
        verbose_name = pgettext_lazy("model", "alert round")
        verbose_name_plural = pgettext_lazy("model", "alert rounds")

    def __str__(self) -> str:
        return f"{self.number}"
