"""The run: one task given to one agent."""

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.covering_index import CoveringIndex
from runs.models.permissions import RUN_PERMISSIONS
from runs.models.run_queries import ErrorCode, RunQuerySet
from runs.models.setting_columns import ConfigField

FORCE_AFTER = timedelta(seconds=10)
"""How long a host has to stop a run by itself before a person may force its end."""


SUCCEEDED: Final = Q(status="completed", could_not=False)
"""Runs that did what was asked. A success rate is their share of all completed and failed runs: a run that could not do
it is completed, and no success."""
FREE: Final = Q(cost=None) & Q(config__models=["offline"])
"""Runs of the built-in model, which costs nothing."""
UNPRICED: Final = Q(cost_is_partial=True) | (Q(cost=None) & ~Q(config__models=["offline"]))
"""Runs whose cost is unknown, or known in part."""
COST_UNKNOWN: Final = Q(cost_is_partial=True) | Q(cost=None, tokens_used__gt=0)
"""The same without a look at the configuration: what has used no tokens has cost nothing."""


class Run(models.Model):
    """One task given to one agent. **Hosted** = `owner` set; **parked** = waiting without an owner."""

    class Status(models.TextChoices):
        """The status; the values are those of `AgentStatus`."""

        IDLE = "idle", gettext_lazy("Queued")
        THINKING = "thinking", gettext_lazy("Thinking")
        EXECUTING = "executing", gettext_lazy("Running")
        WAITING = "waiting", gettext_lazy("Waiting")
        COMPLETED = "completed", gettext_lazy("Completed")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Stopped")

    class WaitingFor(models.TextChoices):
        """What a waiting run waits for. Only a wait for a retry is hosted. `resume`: a person has paused it. `child`:
        the end of the runs that its calls have launched."""

        APPROVAL = "approval", gettext_lazy("Approval")
        DECISION = "decision", gettext_lazy("Decision")
        RETRY = "retry", gettext_lazy("Retry")
        RESUME = "resume", gettext_lazy("Paused")
        ANSWER = "answer", gettext_lazy("Answer")
        CHILD = "child", gettext_lazy("Child runs")

    class Severity(models.TextChoices):
        """The values are those of `ErrorSeverity`."""

        INFO = "info", gettext_lazy("Info")
        WARNING = "warning", gettext_lazy("Warning")
        ERROR = "error", gettext_lazy("Error")
        CRITICAL = "critical", gettext_lazy("Critical")

    WAITS: Final[dict[str, Promise]] = {
        WaitingFor.APPROVAL: gettext_lazy("Needs approval"),
        WaitingFor.DECISION: gettext_lazy("Outcome unknown"),
        WaitingFor.RETRY: gettext_lazy("Retrying"),
        WaitingFor.RESUME: gettext_lazy("Paused"),
        WaitingFor.ANSWER: gettext_lazy("Needs an answer"),
        WaitingFor.CHILD: gettext_lazy("Waits for child runs"),
    }
    """Labels of waiting runs, in lists and filters."""
    COULD_NOT: Final = gettext_lazy("Could not do it")
    """The label of a completed run with `could_not`."""
    ASKING = (WaitingFor.APPROVAL, WaitingFor.DECISION, WaitingFor.ANSWER)
    """Waits that end with a person's decision about a tool call, or answer to its question."""
    FINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="runs",
        verbose_name=pgettext_lazy("field", "user"),
    )
    """The person who launched it; null for a run from the command line."""
    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.SET_NULL,
        null=True,
        related_name="runs",
        verbose_name=pgettext_lazy("field", "agent"),
    )
    version = models.PositiveIntegerField(pgettext_lazy("field", "version"), null=True)
    """The number of the agent's version that `config` was taken from, also after the agent's end; null if it is of no
    version. `overrides`, limits shared with the run that launched it, and approval rules set at the launch come on
    top."""
    draft_base = models.PositiveIntegerField(pgettext_lazy("field", "draft of version"), null=True)
    """Of a run that tries a draft of its agent the number of the version that was changed, 0 if there was none; null
    for other runs. A draft has no `version`."""
    config = ConfigField(default=dict)
    """The agent's configuration at the launch (`Agent.snapshot`), with the launch form's changes."""
    overrides = models.JSONField(null=True)
    """The keys of `config` that people have set for this run, at its launch or a resume, and the values they asked for;
    those of a copied run included. Null for a run from before this was recorded."""
    task = models.TextField(pgettext_lazy("field", "task"))
    template = models.ForeignKey(
        "runs.TaskTemplate",
        on_delete=models.SET_NULL,
        null=True,
        related_name="runs",
        verbose_name=pgettext_lazy("field", "template"),
        db_index=False,  # few runs have one: see the index below
    )
    """The template that `task` was made of; null without one, and after its end."""
    filled_inputs = models.JSONField(null=True)
    """How the template was filled: `{"template": its name, "values": [{"name", "label", "type", "value"}, …]}`, of a
    file the id as `value` and its name as `file_name`. Null for a run without a template."""
    schedule = models.ForeignKey(
        "runs.Schedule",
        on_delete=models.SET_NULL,
        null=True,
        related_name="runs",
        verbose_name=pgettext_lazy("field", "schedule"),
        db_index=False,  # few runs have one: see the indexes below
    )
    """The schedule that launched it; null for other runs, and after its end."""
    trigger = models.ForeignKey(
        "runs.Trigger",
        on_delete=models.SET_NULL,
        null=True,
        related_name="runs",
        verbose_name=pgettext_lazy("field", "trigger"),
        db_index=False,  # few runs have one: see the index below
    )
    """The trigger whose `delivery` launched it; null for other runs, and after its end."""
    rerun_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="reruns",
        verbose_name=pgettext_lazy("field", "rerun of"),
    )
    continues = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="continuations",
        verbose_name=pgettext_lazy("field", "continues"),
    )
    """The finished run this one follows up, whose conversation it continues."""
    thread = models.UUIDField(null=True, editable=False)
    """Of a follow-up the id of the first run of its thread, also after that run was deleted. Of a first run its own id
    while the thread has a row (`Thread`). Null for other runs."""
    parent_call = models.OneToOneField(
        "runs.ToolCall",
        on_delete=models.CASCADE,
        null=True,
        related_name="child",
        verbose_name=pgettext_lazy("field", "called by"),
    )
    """The call that launched it and waits for it; null for a run that a person launched."""
    root = models.UUIDField(null=True, editable=False)
    """Of a child run the id of the first run of its tree; null for other runs."""
    depth = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    """How many runs of its tree are above it."""
    priority = models.SmallIntegerField(default=0)
    """The agent's priority at the launch: queued runs of a higher priority are hosted first."""

    status = models.CharField(pgettext_lazy("field", "status"), max_length=10, choices=Status, default=Status.IDLE)
    waiting_for = models.CharField(
        pgettext_lazy("field", "waiting for"), max_length=10, choices=WaitingFor, blank=True, default=""
    )
    cancel_requested_at = models.DateTimeField(pgettext_lazy("field", "cancel requested at"), null=True)
    pause_requested_at = models.DateTimeField(pgettext_lazy("field", "pause requested at"), null=True)
    """When a pause was requested from its host; null again once it is parked."""
    queued_messages = models.PositiveSmallIntegerField(
        pgettext_lazy("field", "queued messages"), default=0, db_default=0
    )
    """Messages of people that wait to be read (`RunMessage`): changed only together with them."""
    messages_changed_at = models.DateTimeField(null=True, editable=False)
    """When a message was last sent, changed or withdrawn; null if there never was one."""
    interrupt_requested_at = models.DateTimeField(pgettext_lazy("field", "interrupt requested at"), null=True)
    """When a message was sent that is to interrupt the reply in progress; null again once it is read."""

    epoch = models.PositiveIntegerField(pgettext_lazy("field", "epoch"), default=0)
    """Raised by one at each claim. A write with an older epoch is refused."""
    owner = models.CharField(pgettext_lazy("field", "owner"), max_length=64, null=True)
    """The host that executes it; null without one."""
    lease_until = models.DateTimeField(pgettext_lazy("field", "lease until"), null=True)
    next_sequence = models.PositiveIntegerField(default=1)
    """The sequence of the next step; all lower ones are recorded."""
    crashes = models.PositiveSmallIntegerField(pgettext_lazy("field", "crashes"), default=0)
    """Times that a host was lost with the run at work, since that last made progress."""
    active_ms = models.PositiveBigIntegerField(pgettext_lazy("field", "active ms"), default=0)
    """Time hosted so far, in milliseconds."""

    answer = models.TextField(pgettext_lazy("field", "answer"), blank=True, default="")
    output = models.JSONField(null=True)
    could_not = models.BooleanField(pgettext_lazy("field", "could not"), default=False, db_default=False)
    """Of a completed run: its answer says that the task, or a part of it, could not be done. Processes of an earlier
    version, which do not know the column, leave the value to the database."""
    error = models.JSONField(null=True)
    """The `AgentError` that ended it, as `AgentError.as_json` gives it."""
    severity = models.CharField(
        pgettext_lazy("field", "severity"), max_length=8, choices=Severity, blank=True, default=""
    )
    """The severity of `error`; empty without one."""
    tokens_used = models.PositiveBigIntegerField(null=True)
    """Null until a provider reported some: unknown is not zero."""
    usage_is_estimated = models.BooleanField(default=False)
    """True if some tokens are our own estimate, because a server reported none."""
    cost = models.DecimalField(pgettext_lazy("field", "cost"), max_digits=14, decimal_places=8, null=True)
    """US dollars of the replies whose cost is known; null if none is."""
    cost_is_partial = models.BooleanField(pgettext_lazy("field", "cost is partial"), default=False)
    """True if the cost of some reply is unknown: the run cost at least `cost`."""

    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), default=timezone.now)
    started_at = models.DateTimeField(pgettext_lazy("field", "started at"), null=True)
    ended_at = models.DateTimeField(pgettext_lazy("field", "ended at"), null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "run")
        verbose_name_plural = pgettext_lazy("model", "runs")
        ordering = ["-created_at", "-id"]
        permissions = RUN_PERMISSIONS
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
            models.Index(
                ErrorCode("error"),
                F("created_at").desc(),
                F("id").desc(),
                name="run_failed_by_code",
                condition=Q(status="failed"),
            ),
            models.Index(fields=["-created_at"], name="run_without_cost", condition=Q(cost=None)),
            models.Index(
                fields=["thread", "-created_at", "-id"],
                name="run_in_thread",
                condition=Q(thread__isnull=False),
            ),
            models.Index(
                fields=["-created_at", "-id"],
                name="run_follow_up",
                condition=Q(thread__isnull=False),
            ),
            models.Index(
                fields=["user", "-created_at", "-id"],
                name="run_follow_up_by_user",
                condition=Q(thread__isnull=False),
            ),
            models.Index(
                fields=["agent", "version", "-created_at", "-id"],
                name="run_by_version",
                condition=Q(version__isnull=False),
            ),
            models.Index(fields=["template"], name="run_of_template", condition=Q(template__isnull=False)),
            models.Index(
                fields=["schedule", "-created_at", "-id"],
                name="run_of_schedule",
                condition=Q(schedule__isnull=False),
            ),
            models.Index(
                fields=["schedule"],
                name="run_of_schedule_unfinished",
                condition=Q(schedule__isnull=False, status__in=["idle", "thinking", "executing", "waiting"]),
            ),
            models.Index(
                fields=["trigger", "-created_at", "-id"],
                name="run_of_trigger",
                condition=Q(trigger__isnull=False),
            ),
            CoveringIndex(
                fields=["ended_at"],
                covers=[
                    *("user", "agent", "status", "active_ms", "cost", "cost_is_partial", "tokens_used"),
                    *("version", "schedule"),
                ],
                name="run_by_end",
                condition=Q(ended_at__isnull=False),
            ),
            models.Index(fields=["root"], name="run_in_tree", condition=Q(root__isnull=False)),
            models.Index(
                fields=["root", "created_at"],
                name="run_child_unfinished",
                condition=Q(root__isnull=False, status__in=["idle", "thinking", "executing", "waiting"]),
            ),
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
                    waiting_for__in=["approval", "decision", "resume", "answer", "child"],
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
        return f"{self.task[:60]} ({self.stands})"

    def get_absolute_url(self) -> str:
        return reverse("runs:run", args=[self.pk])

    @property
    def stands(self) -> str:
        """The status as shown to people; for a waiting run, what it waits for."""
        if self.could_not:
            return str(self.COULD_NOT)
        return str(self.WAITS.get(self.waiting_for) or self.get_status_display())

    @property
    def is_finished(self) -> bool:
        """True once the status is final."""
        return self.status in self.FINAL

    @property
    def last_sequence(self) -> int:
        """The sequence of the last recorded step; 0 without one."""
        return self.next_sequence - 1

    @property
    def thread_id(self) -> uuid.UUID:
        """The thread it is in: the id of its first run, which is its own for a run that continues none."""
        return self.thread or self.pk

    @property
    def root_id(self) -> uuid.UUID:
        """The tree it is in: the id of its first run, which is its own for a run that a person launched."""
        return self.root or self.pk

    @property
    def is_draft(self) -> bool:
        """True if it was made with settings of an agent that were not saved."""
        return self.draft_base is not None

    @property
    def is_child(self) -> bool:
        """True if another run's call launched it."""
        return self.root is not None

    @property
    def steps_taken(self) -> int:
        """The number of recorded steps."""
        return self.last_sequence
