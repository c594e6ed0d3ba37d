"""The tool call: its arguments, effect, state and decision."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.call_ids import call_id
from runs.agent.tool_calls.call_states import CALL_STATES
from runs.models.run import Run
from runs.models.surface import Surface

LONGEST_GRACE: Final = timedelta(seconds=61)
"""No grace is given for longer than a minute: a later end was written before the clock stepped back, and counts as
over."""


def is_in_grace() -> Q:
    """The calls whose approval can be undone by the database's clock."""
    return Q(undo_until__gt=Now(), undo_until__lte=Now() + LONGEST_GRACE)


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    """Queries on tool calls."""

    def undecided(self) -> "ToolCallQuerySet":
        """Calls of unknown outcome in the last turn of their run. The model was told about those of earlier turns.

        A decision about the outcome changes the state; an earlier approval says nothing about the outcome.
        """
        later = ToolCall.objects.filter(run=OuterRef("run"), turn__gt=OuterRef("turn"))
        return self.filter(~Exists(later), state=ToolCall.State.UNKNOWN)

    def asking(self) -> "ToolCallQuerySet":
        """Calls that wait for a person: for an approval, for an answer, or for a decision about their outcome.

        The calls of a turn may wait for several of these at once; what their run waits for is the first. Nobody is
        asked about a run that stops.
        """
        undecided = ToolCall.objects.undecided().values("pk")
        asks = Q(state__in=[ToolCall.State.AWAITING_APPROVAL, ToolCall.State.AWAITING_ANSWER])
        asks |= Q(state=ToolCall.State.UNKNOWN, pk__in=undecided)
        waiting = {"run__status": Run.Status.WAITING, "run__waiting_for__in": Run.ASKING}
        return self.filter(asks, run__cancel_requested_at__isnull=True, **waiting)


class ToolCall(models.Model):
    """One call a model asked for. What recovery may do with it depends on its `state` and its `effect`."""

    class State(models.TextChoices):
        """proposed -> awaiting_approval -> approved | denied -> started -> succeeded | failed | unknown.

        A started call that asks a person is awaiting_answer, one with a child run is awaiting_child; both are proposed
        or approved again when that has come.
        """

        PROPOSED = "proposed", gettext_lazy(CALL_STATES["proposed"].label)
        AWAITING_APPROVAL = "awaiting_approval", gettext_lazy(CALL_STATES["awaiting_approval"].label)
        AWAITING_ANSWER = "awaiting_answer", gettext_lazy(CALL_STATES["awaiting_answer"].label)
        AWAITING_CHILD = "awaiting_child", gettext_lazy(CALL_STATES["awaiting_child"].label)
        APPROVED = "approved", gettext_lazy(CALL_STATES["approved"].label)
        DENIED = "denied", gettext_lazy(CALL_STATES["denied"].label)
        STARTED = "started", gettext_lazy(CALL_STATES["started"].label)
        SUCCEEDED = "succeeded", gettext_lazy(CALL_STATES["succeeded"].label)
        FAILED = "failed", gettext_lazy(CALL_STATES["failed"].label)
        UNKNOWN = "unknown", gettext_lazy(CALL_STATES["unknown"].label)

    class Effect(models.TextChoices):
        """What running it twice would do."""

        PURE = "pure", gettext_lazy("Pure")
        READ = "read", gettext_lazy("Reads")
        IDEMPOTENT = "idempotent", gettext_lazy("Idempotent")
        UNSAFE = "unsafe", gettext_lazy("Unsafe")

    OPEN = (
        *(State.PROPOSED, State.AWAITING_APPROVAL, State.AWAITING_ANSWER, State.AWAITING_CHILD),
        *(State.APPROVED, State.STARTED),
    )
    """States without a result. A call of unknown outcome may have one: that its outcome is unknown."""

    call_id = models.UUIDField(primary_key=True, editable=False)
    """uuid5 of run, turn and index, or of parent and position: the same call has the same id whenever its turn or its
    script is replayed."""
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="calls", db_index=False)
    turn = models.PositiveIntegerField(pgettext_lazy("field", "turn"))
    index = models.PositiveSmallIntegerField(pgettext_lazy("field", "index"))
    position = models.PositiveIntegerField(pgettext_lazy("field", "position"), default=0, db_default=0)
    """0 for a call of the reply. A call that such a call makes has its turn and index, and its place among those, from
    1."""
    tool_name = models.CharField(pgettext_lazy("field", "tool name"), max_length=128)
    arguments = models.JSONField()
    arguments_hash = models.CharField(pgettext_lazy("field", "arguments hash"), max_length=64)
    """SHA-256 of the arguments as canonical JSON, in hexadecimal. An approval is bound to it."""
    effect = models.CharField(pgettext_lazy("field", "effect"), max_length=10, choices=Effect, default=Effect.UNSAFE)
    state = models.CharField(pgettext_lazy("field", "state"), max_length=17, choices=State, default=State.PROPOSED)
    epoch = models.PositiveIntegerField(pgettext_lazy("field", "epoch"))
    """The claim under which its state was last written."""
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, verbose_name=pgettext_lazy("field", "decided by")
    )
    decided_at = models.DateTimeField(pgettext_lazy("field", "decided at"), null=True)
    expires_at = models.DateTimeField(pgettext_lazy("field", "expires at"), null=True)
    """The deadline after which the agent's `on_approval_expiry` decides; null for never."""
    undo_until = models.DateTimeField(null=True)
    """Of an approved call: it does not run before, and until then the approval can be undone. Null without or after
    such a grace."""
    proposed_arguments = models.JSONField(null=True)
    """The model's arguments, if a person approved the call with others; null otherwise."""
    decision_reason = models.TextField(pgettext_lazy("field", "decision reason"), blank=True, default="")
    """The reason of the decision. The model is told why a call was denied."""
    surface = models.CharField(
        pgettext_lazy("field", "decided"), max_length=8, choices=Surface, blank=True, default="", db_default=""
    )
    """Where it was decided; empty for the deadline, and for decisions of earlier versions."""
    started_at = models.DateTimeField(pgettext_lazy("field", "started at"), null=True)
    ended_at = models.DateTimeField(pgettext_lazy("field", "ended at"), null=True)

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "tool call")
        verbose_name_plural = pgettext_lazy("model", "tool calls")
        ordering = ["run", "turn", "index", "position"]
        constraints = [models.UniqueConstraint(fields=["run", "turn", "index", "position"], name="tool_call_place")]
        indexes = [
            models.Index(fields=["expires_at"], name="tool_call_awaiting", condition=Q(state="awaiting_approval")),
            models.Index(fields=["run"], name="tool_call_awaiting_child", condition=Q(state="awaiting_child")),
            models.Index(fields=["undo_until"], name="tool_call_grace", condition=Q(undo_until__isnull=False)),
            models.Index(
                fields=["decided_at", "call_id"], name="tool_call_decided", condition=Q(decided_at__isnull=False)
            ),
            # All that the statistics of tools read, so that they read no rows. A call is in it from its end.
            models.Index(
                fields=["tool_name", "ended_at", "state", "started_at"],
                name="tool_call_ended",
                condition=Q(ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} ({self.get_state_display()})"

    @property
    def parent_id(self) -> str:
        """The id of the call that made it; empty for a call of the reply."""
        return call_id(self.run_id, self.turn, self.index) if self.position else ""

    def run_again(self) -> None:
        """Let the call run again: as an approved one, if it was. Saves it."""
        self.state = self.State.PROPOSED if self.decided_at is None else self.State.APPROVED
        self.started_at = None
        self.save(update_fields=["state", "started_at"])

    @property
    def is_approved(self) -> bool:
        """True if it may run: approved by a person, or by the agent's rule after the deadline."""
        return self.decided_at is not None and self.state in (self.State.APPROVED, self.State.STARTED)
