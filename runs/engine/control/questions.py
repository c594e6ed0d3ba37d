"""Questions of tools: a person answers, and the call goes on; after the deadline it gets the default, or fails."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.agent import step_sentences
from runs.agent.errors import call_sentences as sentences
from runs.agent.json_data.stable_json import stable_json
from runs.agent.marked_words import words
from runs.agent.output_text import output_text
from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.steps import Decision, DecisionPayload
from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.person_questions import AnswerMisfit
from runs.agent.wording import Wording
from runs.engine.control.decision_log import DecisionRefused, add_result, check_run, go_on_if_decided
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of, place_of
from runs.engine.db_clock import database_now
from runs.engine.operations.known_secrets import known_secrets
from runs.models import Question, Run, Step, Surface, ToolCall
from runs.models.permissions import may_decide

MAX_EXPIRED_A_SWEEP = 500
SHOWN_CHARS = 2_000
"""Characters of an answer in the text of its step; the payload has the whole answer."""


_ANSWERED_SOMEWHERE: Final = words("%(who)s answered this %(ago)s ago.")
_ANSWERED: Final[dict[str, str]] = {
    Surface.PAGE: words("%(who)s answered this on the run's page %(ago)s ago."),
    Surface.INBOX: words("%(who)s answered this in the inbox %(ago)s ago."),
    Surface.API: words("%(who)s answered this over the API %(ago)s ago."),
    Surface.AGUI: words("%(who)s answered this over AG-UI %(ago)s ago."),
    Surface.MCP: words("%(who)s answered this over MCP %(ago)s ago."),
    Surface.TERMINAL: words("%(who)s answered this on the command line %(ago)s ago."),
    Surface.MAIL: words("%(who)s answered this by a link in a mail %(ago)s ago."),
    Surface.SLACK: words("%(who)s answered this in Slack %(ago)s ago."),
}


class AnswerRefused(DecisionRefused):
    """The question cannot be answered any more, and nothing was changed. `question` is its current row."""

    def __init__(self, code: str, message: Wording, question: Question) -> None:
        """`code`: not_waiting, already_decided, expired, stop_asked."""
        super().__init__(code, message, question.call)
        self.question = question


def answer(question_id: UUID | str, *, by: Any, answer: Any, surface: Surface) -> Question:
    """Answer a question. Returns it; its call runs again with the answer once nothing else in the run waits.

    `answer` is a text, one of the choices, or the object of the form. `by` None means the command line.
    Raises `AnswerMisfit` for an answer that does not fit the question or holds a secret; `AnswerRefused`;
    `PermissionDenied` if `by` may not decide about calls of this run; and `Question.DoesNotExist`.
    """
    with transaction.atomic():
        run, question = _locked(question_id)
        check_may(may_decide, by, run)
        _check_open(run, question)
        is_late = question.expires_at is not None and question.expires_at <= database_now()
        if is_late:
            _expire(run, question)
        else:
            _check_answer(question, answer)
            _close(question, Question.State.ANSWERED, answer, by=by, surface=surface)
            who, told = name_of(by), shown_answer(answer)
            _record(run, question, step_sentences.ANSWERED.made(name=who, message=told), by=who)
            question.call.run_again()
        go_on_if_decided(run)
    if is_late:
        too_late = Wording.paragraph(Wording("It was too late."), stands_of_question(question))
        raise AnswerRefused("expired", too_late, question)
    return question


def expire_questions() -> int:
    """Close the questions whose deadline has passed: with their default, or a failure of their call. Returns their
    number."""
    late = Question.objects.asking().filter(expires_at__lte=Now())
    ids = late.order_by("expires_at").values_list("call__run", flat=True)[:MAX_EXPIRED_A_SWEEP]
    return sum(_expire_in(run_id) for run_id in dict.fromkeys(ids))


def is_same_answer(question: Question, *, by: Any, answer: Any) -> bool:
    """True if `by` has given this answer already: a repeated request, which changes nothing and gets the response of
    the first."""
    is_theirs = question.state == Question.State.ANSWERED and question.answered_by == by
    return is_theirs and bool(question.answer == stable_json(answer))


def stands_of_question(question: Question) -> Wording:
    """A sentence on where the question stands: who answered it, where and how long ago."""
    match question.state:
        case Question.State.ANSWERED:
            said = _ANSWERED.get(question.surface, _ANSWERED_SOMEWHERE)
            return Wording(said, who=name_of(question.answered_by), ago=_ago(question))
        case Question.State.EXPIRED:
            return Wording("Nobody answered this in time.")
        case Question.State.OPEN:
            return Wording("This question waits for an answer.")
        case _:
            return Wording("This question was withdrawn.")


def shown_answer(answer: Any) -> str:
    """The answer as a text for people."""
    text = output_text(answer)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _locked(question_id: UUID | str) -> tuple[Run, Question]:
    run_id = Question.objects.values_list("call__run", flat=True).get(pk=question_id)
    run = Run.objects.select_for_update().get(pk=run_id)
    return run, Question.objects.select_related("call", "answered_by").get(pk=question_id)


def _check_open(run: Run, question: Question) -> None:
    if question.state != Question.State.OPEN:
        raise AnswerRefused("already_decided", stands_of_question(question), question)
    try:
        check_run(run, question.call)
    except DecisionRefused as refused:
        raise AnswerRefused(refused.code, refused.args[0], question) from refused
    if run.waiting_for not in Run.ASKING:
        early = Wording("Other calls of this turn are still running. It can be answered when they have ended.")
        raise AnswerRefused("not_waiting", early, question)


def _check_answer(question: Question, answer: Any) -> None:
    question.check_answer(answer)
    if Redactor(known_secrets()).value(answer) != answer:
        raise AnswerMisfit(Wording("There is a secret in the answer. Secrets are not stored, so it cannot be given."))


def _close(question: Question, state: Question.State, answer: Any, *, by: Any = None, surface: str = "") -> None:
    question.state, question.answer, question.surface = state, stable_json(answer), surface
    question.answered_by, question.answered_at = by, database_now()
    question.save(update_fields=["state", "answer", "surface", "answered_by", "answered_at"])


def _record(run: Run, question: Question, told: str, *, by: str | None) -> None:
    call = question.call
    given = ABSENT if question.answer is None else question.answer
    decision: Decision = "not_answered" if given is ABSENT else "answered"
    payload = DecisionPayload(
        decision=decision, by=by, reason="", question_id=str(question.pk), answer=given, surface=question.surface
    )
    add_step(run, Step.Kind.APPROVAL, told, payload, **place_of(call))


@transaction.atomic
def _expire_in(run_id: UUID) -> int:
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.cancel_requested_at is not None or run.waiting_for not in Run.ASKING:
        return 0
    late = list(Question.objects.asking().filter(call__run=run, expires_at__lte=Now()).select_related("call"))
    for question in late:
        _expire(run, question)
    if late:
        go_on_if_decided(run)
    return len(late)


def _expire(run: Run, question: Question) -> None:
    _close(question, Question.State.EXPIRED, question.default)
    if question.answer is not None:
        told = step_sentences.DEFAULT_TAKEN.made(message=shown_answer(question.answer))
        _record(run, question, told, by=None)
        question.call.run_again()
        return
    call = question.call
    call.state, call.ended_at = ToolCall.State.FAILED, database_now()
    call.save(update_fields=["state", "ended_at"])
    _record(run, question, step_sentences.NOT_ANSWERED.made(tool=call.tool_name), by=None)
    failed = {"severity": "warning", "recoverable": False, "suggested_action": sentences.ANSWER_LATER.made()}
    add_result(run, call, sentences.NOT_ANSWERED.made(), by=None, code="not_answered", **failed)


def _ago(question: Question) -> str:
    seconds = 0.0 if question.answered_at is None else (database_now() - question.answered_at).total_seconds()
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:g} {unit}"
    return f"{max(0.0, seconds):.0f} s"
