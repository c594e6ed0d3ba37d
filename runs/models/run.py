"""One task given to one agent, and who hosts it."""

import contextlib
import uuid
from datetime import datetime, timedelta
from typing import Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

FORCE_AFTER = timedelta(seconds=10)
"""How long a host has to stop a run by itself before a person may end it without the host."""


class RunQuerySet(models.QuerySet["Run"]):
    """Questions about runs that more than one room asks."""

    def visible_to(self, user: object) -> Self:
        """The runs `user` may see: their own, or all of them for staff. None for somebody signed out."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        if getattr(user, "is_staff", False):
            return self
        return self.filter(user=user)

    def mentioning(self, words: str) -> Self:
        """Runs with these words in their task or answer, and the run whose id they are."""
        found = Q(task__icontains=words) | Q(answer__icontains=words)
        with contextlib.suppress(ValueError):
            found |= Q(pk=uuid.UUID(words))
        return self.filter(found)

    def older_than(self, moment: datetime, run_id: uuid.UUID) -> Self:
        """Runs that come after this place in the order newest first."""
        # The first condition says nothing new, but lets the index start at the right place.
        return self.filter(Q(created_at__lt=moment) | Q(pk__lt=run_id), created_at__lte=moment)

    def unfinished(self) -> Self:
        """Runs something can still happen to."""
        return self.exclude(status__in=Run.FINAL)


class Run(models.Model):
    """One task given to one agent. **Hosted** = `owner` set; **parked** = waiting without an owner."""

    class Status(models.TextChoices):
        """Where the run stands; the values are those of `AgentStatus`."""

        IDLE = "idle", "Queued"
        THINKING = "thinking", "Thinking"
        EXECUTING = "executing", "Executing"
        WAITING = "waiting", "Waiting"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class WaitingFor(models.TextChoices):
        """What a waiting run waits for. Only a wait for a retry is hosted. `resume`: a person has paused it."""

        APPROVAL = "approval", "Approval"
        DECISION = "decision", "Decision"
        RETRY = "retry", "Retry"
        RESUME = "resume", "Paused"

    class Severity(models.TextChoices):
        """The values are those of `ErrorSeverity`."""

        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"
        CRITICAL = "critical", "Critical"

    WAITS: Final[dict[str, str]] = {
        WaitingFor.APPROVAL: "Needs approval",
        WaitingFor.DECISION: "Needs decision",
        WaitingFor.RETRY: "Waits to retry",
        WaitingFor.RESUME: "Paused",
    }
    """What is said of a waiting run, wherever it is listed or looked for."""
    FINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="runs")
    """The person who launched it; null for a run from the command line, which staff see."""
    agent = models.ForeignKey("runs.Agent", on_delete=models.SET_NULL, null=True, related_name="runs")
    config = models.JSONField(default=dict)
    """The agent's configuration when the run was launched (`Agent.snapshot`), with the launch form's changes."""
    task = models.TextField()
    rerun_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="reruns")
    continues = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="continuations")
    """The finished run this one follows up: its conversation is carried along."""
    priority = models.SmallIntegerField(default=0)
    """Queued runs of a higher priority are hosted first; the agent's when it was launched."""

    status = models.CharField(max_length=10, choices=Status, default=Status.IDLE)
    waiting_for = models.CharField(max_length=10, choices=WaitingFor, blank=True, default="")
    cancel_requested_at = models.DateTimeField(null=True)
    pause_requested_at = models.DateTimeField(null=True)
    """Somebody asked the host to pause it; cleared when it is parked."""

    epoch = models.PositiveIntegerField(default=0)
    """Raised by one at each claim. A write that carries an older one is refused."""
    owner = models.CharField(max_length=64, null=True)
    """The host that executes it; null when no host does."""
    lease_until = models.DateTimeField(null=True)
    next_sequence = models.PositiveIntegerField(default=1)
    """The sequence of the next step; steps 1 to one less than this are recorded."""
    crashes = models.PositiveSmallIntegerField(default=0)
    """Claims of the run while it was hosted, since its last new step."""
    active_ms = models.PositiveBigIntegerField(default=0)
    """Time hosted so far, in milliseconds."""

    answer = models.TextField(blank=True, default="")
    output = models.JSONField(null=True)
    error = models.JSONField(null=True)
    """The `AgentError` that ended it, as `AgentError.as_json` gives it."""
    severity = models.CharField(max_length=8, choices=Severity, blank=True, default="")
    """The severity of `error`; empty without one."""
    tokens_used = models.PositiveBigIntegerField(null=True)
    """Null until a provider reported some: unknown is not zero."""
    usage_is_estimated = models.BooleanField(default=False)
    """True if some of them were counted here, because a server reported none."""
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    """US dollars of the replies whose cost is known; null when none is."""
    cost_is_partial = models.BooleanField(default=False)
    """True if the cost of some reply is unknown: the run cost at least `cost`."""

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="run_by_user"),
            models.Index(fields=["-created_at", "-id"], name="run_by_creation"),
            models.Index(
                fields=["created_at"],
                name="run_unfinished",
                condition=Q(status__in=["idle", "thinking", "executing", "waiting"]),
            ),
            models.Index(fields=["-priority", "created_at"], name="run_queued", condition=Q(status="idle")),
            models.Index(fields=["user"], name="run_queued_by_user", condition=Q(status="idle")),
            models.Index(fields=["owner"], name="run_hosted", condition=Q(owner__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="run_is_hosted_or_not",
                condition=Q(owner__isnull=False, status__in=["thinking", "executing"], waiting_for="")
                | Q(owner__isnull=False, status="waiting", waiting_for="retry")
                | Q(
                    owner__isnull=True,
                    lease_until__isnull=True,
                    status="waiting",
                    waiting_for__in=["approval", "decision", "resume"],
                )
                | Q(
                    owner__isnull=True,
                    lease_until__isnull=True,
                    waiting_for="",
                    status__in=["idle", "completed", "failed", "cancelled"],
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task[:60]} ({self.get_status_display()})"

    def get_absolute_url(self) -> str:
        return reverse("runs:run", args=[self.pk])

    @property
    def stands(self) -> str:
        """Its status for people; of a waiting run what it waits for."""
        return self.WAITS.get(self.waiting_for) or self.get_status_display()

    @property
    def is_finished(self) -> bool:
        """True once nothing can follow."""
        return self.status in self.FINAL

    @property
    def last_sequence(self) -> int:
        """The sequence of the last recorded step; 0 without one."""
        return self.next_sequence - 1

    @property
    def steps_taken(self) -> int:
        """Recorded steps."""
        return self.last_sequence
