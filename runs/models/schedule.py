"""Schedules: runs that the clock launches."""

import uuid
from typing import Any, Final, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.permissions import may_see_all
from runs.recurrence.cron import MAX_WHEN_CHARS, Recurrence
from runs.recurrence.due_ticks import MOST_CAUGHT_UP, CatchUp, Timing

MAX_SCHEDULE_NAME_CHARS: Final = 80
MAX_NOTE_CHARS: Final = 200
MAX_JITTER_S: Final = 86_400
MOST_RUNS: Final = 1_000_000
MOST_FAILURES: Final = 100


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Queries on schedules."""

    def visible_to(self, user: Any) -> Self:
        """The schedules that `user` may see: their own, or all with the permission to see everybody's runs."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self if may_see_all(user) else self.filter(user=user)


class Schedule(models.Model):
    """Runs of one task or template, launched by the clock in the name of the schedule's owner."""

    class State(models.TextChoices):
        """active -> paused | stopped | ended. Only an active one has a next tick; the others become active again when a
        person resumes them."""

        ACTIVE = "active", pgettext_lazy("schedule", "Active")
        PAUSED = "paused", pgettext_lazy("schedule", "Paused")
        STOPPED = "stopped", pgettext_lazy("schedule", "Stopped after failures")
        ENDED = "ended", pgettext_lazy("schedule", "Ended")

    class Overlap(models.TextChoices):
        """What a tick does while an earlier run is at work; the values are those of `runs.recurrence.overlap`."""

        SKIP = "skip", gettext_lazy("Skip the new run")
        QUEUE = "queue", gettext_lazy("Start the new run when the earlier one has ended")
        STOP = "stop", gettext_lazy("Stop the earlier run")

    class CatchUp(models.TextChoices):
        """What becomes of missed ticks; the values are those of `runs.recurrence.due_ticks`."""

        NONE = "none", gettext_lazy("Leave them out")
        LATEST = "latest", gettext_lazy("Run once")
        ALL = "all", gettext_lazy("Run all of them, up to a limit")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="schedules",
        verbose_name=pgettext_lazy("field", "owner"),
        db_index=False,  # an index below begins with it
    )
    """Whose runs it launches; null for those of the command line."""
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_SCHEDULE_NAME_CHARS)
    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.SET_NULL,
        null=True,
        related_name="schedules",
        verbose_name=pgettext_lazy("field", "agent"),
    )
    """Null after its end: then each tick fails."""
    version = models.CharField(pgettext_lazy("field", "version"), max_length=30, blank=True, default="")
    """A label, or the number of a version; empty for the agent's current one."""
    template = models.ForeignKey(
        "runs.TaskTemplate",
        on_delete=models.SET_NULL,
        null=True,
        related_name="schedules",
        verbose_name=pgettext_lazy("field", "template"),
    )
    inputs = models.JSONField(null=True)
    """The values of the template's inputs by name; null for a schedule with a task of its own. With values and no
    template, the template is gone."""
    task = models.TextField(pgettext_lazy("field", "task"), blank=True, default="")
    """Empty with a template."""

    when = models.CharField(pgettext_lazy("field", "when"), max_length=MAX_WHEN_CHARS)
    """As a person has typed it: words, or cron."""
    cron = models.CharField(pgettext_lazy("field", "cron"), max_length=MAX_WHEN_CHARS)
    time_zone = models.CharField(pgettext_lazy("field", "time zone"), max_length=64)
    jitter_s = models.PositiveIntegerField(
        pgettext_lazy("field", "jitter"), default=0, validators=[MaxValueValidator(MAX_JITTER_S)]
    )
    """The most seconds that a tick is delayed by, each by its own."""
    overlap = models.CharField(pgettext_lazy("field", "overlap"), max_length=5, choices=Overlap, default=Overlap.SKIP)
    catch_up = models.CharField(
        pgettext_lazy("field", "missed runs"), max_length=6, choices=CatchUp, default=CatchUp.LATEST
    )
    most_caught_up = models.PositiveSmallIntegerField(
        pgettext_lazy("field", "most missed runs"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CAUGHT_UP)],
    )
    """With `CatchUp.ALL` the number of ticks that launch together."""
    ends_at = models.DateTimeField(pgettext_lazy("field", "ends at"), null=True, blank=True)
    max_runs = models.PositiveIntegerField(
        pgettext_lazy("field", "most runs"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RUNS)],
    )
    """It ends with that many runs launched by its ticks; null for no limit."""
    stop_after = models.PositiveSmallIntegerField(
        pgettext_lazy("field", "stop after failures"),
        null=True,
        blank=True,
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_FAILURES)],
    )
    """It stops after so many failures in a row; null for never."""

    state = models.CharField(pgettext_lazy("field", "state"), max_length=7, choices=State, default=State.ACTIVE)
    state_note = models.CharField(max_length=MAX_NOTE_CHARS, blank=True, default="")
    """Why it is paused, in the words of who paused it."""
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    state_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    """Null if no person did it."""
    next_tick_at = models.DateTimeField(pgettext_lazy("field", "next tick"), null=True, editable=False)
    """The first due time that nothing was done about yet; null unless it is active."""
    launch_at = models.DateTimeField(null=True, editable=False)
    """When that tick launches: `next_tick_at` with its jitter."""
    runs_launched = models.PositiveIntegerField(pgettext_lazy("field", "runs launched"), default=0, editable=False)
    """By its ticks, those by hand not counted."""
    failures = models.PositiveSmallIntegerField(pgettext_lazy("field", "failures in a row"), default=0, editable=False)
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)
    updated_at = models.DateTimeField(pgettext_lazy("field", "updated at"), auto_now=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "schedule")
        verbose_name_plural = pgettext_lazy("model", "schedules")
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["launch_at"], name="schedule_due", condition=Q(launch_at__isnull=False)),
            models.Index(fields=["name", "id"], name="schedule_by_name"),
            models.Index(fields=["user", "name", "id"], name="schedule_of_user"),
        ]
        constraints = [
            models.CheckConstraint(
                name="schedule_is_active_or_not",
                condition=Q(state="active", next_tick_at__isnull=False, launch_at__isnull=False)
                | Q(state__in=["paused", "stopped", "ended"], next_tick_at__isnull=True, launch_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("runs:schedule", args=[self.pk])

    @property
    def owner_name(self) -> str:
        """The name of its owner; empty for the command line. Reads `user`."""
        return self.user.get_username() if self.user is not None else ""

    @property
    def is_active(self) -> bool:
        """True if its ticks launch runs."""
        return self.state == self.State.ACTIVE

    @property
    def timing(self) -> Timing:
        """When it has ticks."""
        return Timing(
            recurrence=Recurrence(self.cron, self.time_zone),
            key=str(self.pk),
            jitter_s=self.jitter_s,
            ends_at=self.ends_at,
            catch_up=CatchUp(self.catch_up),
            most_caught_up=self.most_caught_up,
        )


class ScheduleTick(models.Model):
    """One due time of a schedule, or a stretch of missed ones, and what became of it; or a run that a person launched
    from the schedule."""

    class State(models.TextChoices):
        """waiting -> at work -> succeeded | failed | cancelled; or one of the others from the beginning."""

        WAITING = "waiting", pgettext_lazy("tick", "Waiting")
        AT_WORK = "at_work", pgettext_lazy("tick", "At work")
        SUCCEEDED = "succeeded", pgettext_lazy("tick", "Succeeded")
        FAILED = "failed", pgettext_lazy("tick", "Failed")
        CANCELLED = "cancelled", pgettext_lazy("tick", "Stopped")
        REFUSED = "refused", pgettext_lazy("tick", "Not launched")
        SKIPPED = "skipped", pgettext_lazy("tick", "Skipped")
        MISSED = "missed", pgettext_lazy("tick", "Missed")

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="ticks", db_index=False)
    due_at = models.DateTimeField(pgettext_lazy("field", "due at"))
    """Of missed ticks the first one; of a run launched by hand, the time of that."""
    state = models.CharField(pgettext_lazy("field", "state"), max_length=9, choices=State)
    run = models.OneToOneField(
        "runs.Run",
        on_delete=models.SET_NULL,
        null=True,
        related_name="tick",
        verbose_name=pgettext_lazy("model", "run"),
    )
    reason = models.TextField(pgettext_lazy("field", "reason"), blank=True, default="")
    """Why it launched no run, in English."""
    reason_parts = models.JSONField(default=dict)
    """The parts of `reason`, as `said_in` has them."""
    missed_until = models.DateTimeField(null=True)
    """Of missed ticks the last one."""
    missed_count = models.PositiveIntegerField(null=True)
    """How many were missed, counted up to `runs.recurrence.due_ticks.MOST_COUNTED`."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    """Who launched it by hand; null for a tick of the clock."""
    is_by_hand = models.BooleanField(default=False)
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), default=timezone.now)
    ended_at = models.DateTimeField(pgettext_lazy("field", "ended at"), null=True)
    """When the schedule took notice of the end of its run."""

    class Meta:
        verbose_name = pgettext_lazy("model", "tick of a schedule")
        verbose_name_plural = pgettext_lazy("model", "ticks of schedules")
        ordering = ["-due_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="one_tick_per_due_time")]
        indexes = [
            models.Index(fields=["schedule"], name="tick_waiting", condition=Q(state="waiting")),
            models.Index(fields=["run"], name="tick_at_work", condition=Q(state="at_work")),
        ]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M:%S} ({self.get_state_display()})"
