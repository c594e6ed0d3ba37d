"""The question: what a tool call asks a person, and the answer."""

from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.tools.person_questions import GivenAnswer, PersonQuestion, checked_answer
from runs.models.run import Run
from runs.models.surface import Surface
from runs.models.tool_call import ToolCall


class QuestionQuerySet(models.QuerySet["Question"]):
    """Queries on questions."""

    def asking(self) -> "QuestionQuerySet":
        """Open questions whose run waits for a person. While other calls of its turn run, a question is not asked
        yet, and none is asked for a run that stops."""
        waiting = {"call__run__status": Run.Status.WAITING, "call__run__waiting_for__in": Run.ASKING}
        return self.filter(state=Question.State.OPEN, call__run__cancel_requested_at__isnull=True, **waiting)

    def withdraw(self) -> int:
        """Withdraw the open ones, because their calls have ended without an answer. Returns their number."""
        return self.filter(state=Question.State.OPEN).update(state=Question.State.WITHDRAWN)


class Question(models.Model):
    """A question of a tool call to a person. A call may ask several times, one question after the other."""

    class State(models.TextChoices):
        """open -> answered | expired | withdrawn. Expired: the deadline has passed, and the default is the answer if
        there is one. Withdrawn: the run was stopped."""

        OPEN = "open", gettext_lazy("Open")
        ANSWERED = "answered", gettext_lazy("Answered")
        EXPIRED = "expired", gettext_lazy("Not answered in time")
        WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")

    class Kind(models.TextChoices):
        """What the answer is; the values are those of `QuestionKind`."""

        TEXT = "text", gettext_lazy("Text")
        CHOICE = "choice", gettext_lazy("Choice")
        FORM = "form", gettext_lazy("Form")

    CLOSED: Final = (State.ANSWERED, State.EXPIRED)
    """States with which the call goes on."""

    id = models.UUIDField(primary_key=True, editable=False)
    """uuid5 of call and round: the same question has the same id whenever its call is replayed."""
    call = models.ForeignKey(ToolCall, on_delete=models.CASCADE, related_name="questions", db_index=False)
    round = models.PositiveSmallIntegerField(pgettext_lazy("field", "round"))
    """Which question of the call it is, from 1."""
    kind = models.CharField(pgettext_lazy("field", "kind"), max_length=6, choices=Kind)
    text = models.TextField(pgettext_lazy("field", "question"))
    choices = models.JSONField(default=list)
    """The answers to choose from; empty for other kinds."""
    schema = models.JSONField(null=True)
    """The JSON Schema of a form's answer; null for other kinds."""
    default = models.JSONField(null=True)
    """The answer if nobody answers in time; null without one, which no answer is."""
    resume_state = models.JSONField(null=True)
    """What the tool gets back with the answer. Never shown."""
    asked_at = models.DateTimeField(pgettext_lazy("field", "asked at"))
    expires_at = models.DateTimeField(pgettext_lazy("field", "expires at"), null=True)
    """The deadline; null for never."""
    state = models.CharField(pgettext_lazy("field", "state"), max_length=9, choices=State, default=State.OPEN)
    answer = models.JSONField(null=True)
    """The answer: a text, a choice, the object of a form; of an expired one the default. Null without an answer."""
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="answers",
        verbose_name=pgettext_lazy("field", "answered by"),
    )
    """Null for an answer on the command line, and for the default."""
    answered_at = models.DateTimeField(pgettext_lazy("field", "answered at"), null=True)
    """When it was answered or expired."""
    surface = models.CharField(
        pgettext_lazy("field", "answered"), max_length=8, choices=Surface, blank=True, default=""
    )
    """Where it was answered; empty for the deadline."""

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "question")
        verbose_name_plural = pgettext_lazy("model", "questions")
        ordering = ["asked_at", "id"]
        constraints = [models.UniqueConstraint(fields=["call", "round"], name="question_round")]
        indexes = [
            models.Index(fields=["asked_at", "id"], name="question_open", condition=Q(state="open")),
            models.Index(
                fields=["expires_at"], name="question_deadline", condition=Q(state="open", expires_at__isnull=False)
            ),
            models.Index(
                fields=["answered_at", "id"], name="question_answered", condition=Q(answered_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text[:60]} ({self.get_state_display()})"

    def check_answer(self, answer: Any) -> None:
        """Raise `AnswerMisfit` for an answer that does not fit the question."""
        checked_answer(answer, choices=self.choices, form=self.schema)

    def answer_schema(self) -> dict[str, Any]:
        """The JSON Schema of an object whose `answer` is the answer: a text, a choice or the form's object."""
        return answer_schema_of(self.kind, self.choices, self.schema)

    def given_answer(self) -> GivenAnswer:
        """The answer as the call gets it."""
        return GivenAnswer(self.answer, self.resume_state, is_default=self.state == self.State.EXPIRED)


def answer_schema_of(kind: str, choices: list[str], schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON Schema of an object whose `answer` is the answer to such a question."""
    match kind:
        case Question.Kind.FORM:
            answer = schema or {"type": "object"}
        case Question.Kind.CHOICE:
            answer = {"type": "string", "enum": list(choices)}
        case _:
            answer = {"type": "string", "minLength": 1}
    return {"type": "object", "properties": {"answer": answer}, "required": ["answer"]}


def question_columns(question: PersonQuestion) -> dict[str, Any]:
    """The columns of a new row that say what is asked."""
    return {
        "kind": question.kind,
        "text": question.text,
        "choices": list(question.choices),
        "schema": question.form,
        "default": question.default,
    }
