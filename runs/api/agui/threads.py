"""AG-UI threads: finds or launches the run of a request. The runs of a thread follow each other up."""

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction

from runs.agent.json_data.json_types import JsonObject
from runs.api.agui.run_input import Resume, ResumePayload, RunAgentInput
from runs.api.auth import Caller, check_scope
from runs.api.decisions import map_decision_errors
from runs.api.errors import ApiError, forbidden, invalid
from runs.api.launches import check_task, find_agent, launch_once, overrides_of
from runs.api.questions import answered
from runs.api.run_messages import map_message_errors
from runs.engine import control
from runs.models import ApiToken, IdempotencyKey, Question, Run, Surface, ToolCall
from runs.models.permissions import may_decide, may_steer, why_not


@dataclass(frozen=True, slots=True)
class AttachedRun:
    """The run to stream, and whether this request launched it."""

    run: Run
    is_new: bool


def attach(caller: Caller, asked: RunAgentInput) -> AttachedRun:
    """The run of this request: launched now, or found by its thread and run id. Raises `ApiError`."""
    key, message = key_of(asked.threadId, asked.runId), asked.asked_for()
    if (known := _known(caller, key)) is not None:
        return known
    last = last_run_of(caller.user, asked.threadId)
    if asked.resume and last is not None:
        return _resumed(caller, asked.resume, key, last)
    if message is None:
        if last is None:
            raise invalid("messages: The last one says what to do, so it has to be of the role user.")
        return AttachedRun(last, is_new=False)
    check_scope(caller, ApiToken.Scope.LAUNCH)
    task = check_task(message, name="messages")
    if last is not None and not last.is_finished and (steered := _steered(caller, asked, key, task, last)) is not None:
        return steered
    return _launched(caller, asked, key, task, last)


def _steered(caller: Caller, asked: RunAgentInput, key: str, text: str, run: Run) -> AttachedRun | None:
    """The same run, after the message was sent to it; None if it has ended meanwhile. Raises `ApiError`."""
    if not may_steer(caller.user, run):
        raise forbidden(why_not(may_steer, caller.user, run))
    interrupts = asked.forwardedProps is not None and asked.forwardedProps.interrupt
    send = partial(control.send_message, run.pk, by=caller.user, text=text, interrupts=interrupts, key=key)
    try:
        with transaction.atomic():
            map_message_errors(lambda: send()[0])
            about = {"run": run, "body_hash": sha256(text.encode()).hexdigest()}
            IdempotencyKey.objects.get_or_create(user=caller.user, key=key, defaults=about)
    except ApiError as refused:
        if refused.code == "run_ended":
            return None
        raise
    return AttachedRun(run, is_new=False)


def _resumed(caller: Caller, answers: list[Resume], key: str, run: Run) -> AttachedRun:
    """The same run, after all answers were applied, or none. Raises `ApiError`."""
    check_scope(caller, ApiToken.Scope.APPROVE)
    try:
        with transaction.atomic():
            _answer_all(caller, answers, run)
            about = {"run": run, "body_hash": "resume"}
            IdempotencyKey.objects.get_or_create(user=caller.user, key=key, defaults=about)
    except ApiError:
        # The same request was sent twice at once, and the other one committed first.
        if (known := _known(caller, key)) is None:
            raise
        return known
    return AttachedRun(run, is_new=False)


def _known(caller: Caller, key: str) -> AttachedRun | None:
    used = IdempotencyKey.objects.select_related("run").filter(user=caller.user, key=key).first()
    return None if used is None else AttachedRun(used.run, is_new=False)


def _answer_all(caller: Caller, answers: list[Resume], run: Run) -> None:
    if not may_decide(caller.user, run):
        raise forbidden(why_not(may_decide, caller.user, run))
    for each in answers:
        asking_id, _, shown = each.interruptId.partition(":")
        question, call = _asking(run, asking_id)
        if question is not None:
            _answer_question(caller, question, each)
        elif call is not None:
            map_decision_errors(partial(_answer, caller, call, each, shown))
        else:
            raise invalid(f"resume: {each.interruptId!r} is no interrupt of this thread's last run.")


def _asking(run: Run, asking_id: str) -> tuple[Question | None, ToolCall | None]:
    """The question of the run with that id, or the call."""
    try:
        known = UUID(asking_id)
    except ValueError:
        return None, None
    return Question.objects.filter(call__run=run, pk=known).first(), run.calls.filter(pk=known).first()


def _answer_question(caller: Caller, question: Question, given: Resume) -> None:
    """Give the client's answer; `cancelled` stops the run. Raises `ApiError` 422 without an answer."""
    if given.status == "cancelled":
        check_scope(caller, ApiToken.Scope.LAUNCH)  # The scope for stopping a run.
        control.cancel(question.call.run_id, by=caller.user)
        return
    if given.payload is None or given.payload.answer is None:
        raise invalid("resume: payload.answer has to be the answer to the question.")
    answered(question, by=caller.user, value=given.payload.answer, surface=Surface.AGUI)


def _answer(caller: Caller, call: ToolCall, answer: Resume, shown: str) -> ToolCall:
    """Apply the client's answer to a call. `shown` is the hash of the arguments in the interrupt.

    Raises `ApiError` 422 for an incomplete answer: nothing is guessed about a call that may run only once.
    """
    user, said = caller.user, answer.payload or ResumePayload()
    reason = said.reason or ""
    if call.state == ToolCall.State.UNKNOWN:
        if answer.status == "cancelled":
            check_scope(caller, ApiToken.Scope.LAUNCH)  # The scope for stopping a run.
            control.cancel(call.run_id, by=user)
            return call
        if said.outcome is None:
            raise invalid("resume: payload.outcome has to say what became of the call: happened or run_again.")
        return control.settle(call.pk, by=user, outcome=said.outcome, reason=reason)
    reason = reason[:2000]
    if answer.status == "cancelled" or said.approved is False:
        return control.deny(call.pk, by=user, arguments_hash=shown, reason=reason, surface=Surface.AGUI)
    if said.approved is None:
        raise invalid("resume: payload.approved has to say whether the call may run: true or false.")
    about: JsonObject = {
        "arguments_hash": shown,
        "arguments": said.arguments,
        "reason": reason,
        "surface": Surface.AGUI,
    }
    return control.approve(call.pk, by=user, **about)


def _launched(caller: Caller, asked: RunAgentInput, key: str, message: str, last: Run | None) -> AttachedRun:
    wishes = asked.forwardedProps
    agent, version = find_agent(wishes.agent if wishes else None)
    overrides = overrides_of(wishes.overrides if wishes else None, caller)

    def launch() -> Run:
        if last is None:
            return control.launch(user=caller.user, task=message, agent=agent, version=version, overrides=overrides)
        try:
            return control.continue_run(last.pk, by=caller.user, message=message, overrides=overrides)
        except control.NotFinished as refused:
            raise ApiError(409, "not_finished", str(refused)) from refused

    run, is_new = launch_once(caller.user, key, sha256(message.encode()).hexdigest(), launch)
    return AttachedRun(run, is_new)


def last_run_of(user: Any, thread_id: str) -> Run | None:
    """The newest run of a user's thread; None without one."""
    first = f"{_thread_key(thread_id)}:"
    # A range instead of a prefix, so that the database can use the text index.
    keys = IdempotencyKey.objects.select_related("run").filter(user=user, key__gte=first, key__lt=first[:-1] + ";")
    newest = keys.order_by("-created_at", "-pk").first()
    return newest.run if newest is not None else None


def key_of(thread_id: str, run_id: str) -> str:
    """The idempotency key of a thread's run."""
    return f"{_thread_key(thread_id)}:{_short(run_id)}"


def _thread_key(thread_id: str) -> str:
    return f"agui:{_short(thread_id)}"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:40]
