"""The step: the durable row of one thought."""

from functools import cached_property
from typing import Final, Self

from django.db import models
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.payloads.kinds import Payload, read_payload
from runs.agent.unfinished_thought import why_unfinished
from runs.models.run import Run

FAILED_RESULTS: Final = models.Q(kind="tool_result") & ~models.Q(severity="") & ~models.Q(metadata__code="denied")
"""The results of calls that failed by themselves."""
SO_FAR: Final = models.Q(kind="note", metadata__note="so_far")
"""Answers that did not end their run, because a message was waiting."""
QUESTIONS: Final = models.Q(kind="approval", metadata__has_key="asks")
"""The steps that ask a person about a call."""


class StepQuerySet(models.QuerySet["Step"]):
    """Queries on steps by payload."""

    def notes(self, *notes: str) -> Self:
        """The notes of these kinds."""
        return self.filter(kind=Step.Kind.NOTE, metadata__note__in=notes)

    def decisions(self) -> Self:
        """Decisions about calls."""
        return self.filter(kind=Step.Kind.APPROVAL, metadata__has_key="decision")


class Step(models.Model):
    """One thought of a run, as it was shown. Append-only: sequences 1 to n without gaps."""

    class Kind(models.TextChoices):
        """The values are those of `ThoughtType`."""

        REASONING = "reasoning", gettext_lazy("Reasoning")
        TOOL_CALL = "tool_call", gettext_lazy("Tool call")
        TOOL_RESULT = "tool_result", gettext_lazy("Tool result")
        ANSWER = "answer", gettext_lazy("Answer")
        RETRY = "retry", gettext_lazy("Retry")
        RACE = "race", gettext_lazy("Race")
        ERROR = "error", gettext_lazy("Error")
        APPROVAL = "approval", gettext_lazy("Approval")
        MESSAGE = "message", gettext_lazy("Message")
        NOTE = "note", gettext_lazy("Note")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps", db_index=False)
    sequence = models.PositiveIntegerField(pgettext_lazy("field", "sequence"))
    epoch = models.PositiveIntegerField(pgettext_lazy("field", "epoch"))
    """The claim under which it was written; steps of the control room have the run's epoch at that moment."""
    turn = models.PositiveIntegerField(pgettext_lazy("field", "turn"), null=True)
    kind = models.CharField(pgettext_lazy("field", "kind"), max_length=12, choices=Kind)
    content = models.TextField(pgettext_lazy("field", "content"), blank=True)
    html = models.TextField(blank=True)
    """`content` rendered from Markdown, safe to show; empty for kinds that are shown as plain text."""
    tool_name = models.CharField(pgettext_lazy("field", "tool name"), max_length=128, blank=True, default="")
    call_id = models.UUIDField(pgettext_lazy("field", "call id"), null=True)
    tool_input = models.JSONField(null=True)
    tool_output = models.JSONField(null=True)
    attempt = models.PositiveSmallIntegerField(pgettext_lazy("field", "attempt"), null=True)
    max_attempts = models.PositiveSmallIntegerField(pgettext_lazy("field", "max attempts"), null=True)
    severity = models.CharField(
        pgettext_lazy("field", "severity"), max_length=8, choices=Run.Severity, blank=True, default=""
    )
    recoverable = models.BooleanField(pgettext_lazy("field", "recoverable"), null=True)
    suggested_action = models.TextField(pgettext_lazy("field", "suggested action"), blank=True, default="")
    provider = models.CharField(pgettext_lazy("field", "provider"), max_length=64, blank=True, default="")
    model = models.CharField(pgettext_lazy("field", "model"), max_length=128, blank=True, default="")
    lane = models.PositiveSmallIntegerField(pgettext_lazy("field", "lane"), null=True)
    tokens = models.PositiveBigIntegerField(pgettext_lazy("field", "tokens"), null=True)
    cost = models.DecimalField(pgettext_lazy("field", "cost"), max_digits=14, decimal_places=8, null=True)
    started_at = models.DateTimeField(pgettext_lazy("field", "started at"), null=True)
    ended_at = models.DateTimeField(pgettext_lazy("field", "ended at"), null=True)
    metadata = models.JSONField(default=dict)
    """The JSON of `payload`."""
    replay = models.JSONField(null=True)
    """Private to the engine: the data that replays this turn to its provider. Never shown or exported."""

    objects = StepQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "step")
        verbose_name_plural = pgettext_lazy("model", "steps")
        ordering = ["run", "sequence"]
        constraints = [models.UniqueConstraint(fields=["run", "sequence"], name="step_sequence")]

    def __str__(self) -> str:
        return f"{self.sequence}. {self.get_kind_display()}"

    @cached_property
    def payload(self) -> Payload:
        """The typed payload of its kind."""
        return read_payload(self.kind, self.metadata)

    @property
    def unfinished_why(self) -> str | None:
        """Why the reply in this step was not finished, in words; None for other steps."""
        return why_unfinished(self.payload)
