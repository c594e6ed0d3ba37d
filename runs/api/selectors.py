"""Lookup of runs and calls for endpoints: a missing object and one the caller may not see give the same 404."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from runs.api.auth import caller_of
from runs.api.errors import forbidden, not_found
from runs.models import Question, Run, RunMessage, ToolCall
from runs.models.permissions import may_decide, may_steer, why_not
from runs.models.run_queries import RunQuerySet


def visible_runs(request: HttpRequest) -> RunQuerySet:
    """The runs the caller may see."""
    return Run.objects.visible_to(caller_of(request).user)


def find_run(request: HttpRequest, run_id: UUID, *, may: Callable[[Any, Run], bool] | None = None) -> Run:
    """The run. Raises `ApiError` 404, and 403 if the caller may see it but `may` forbids the action."""
    run = visible_runs(request).filter(pk=run_id).first()
    if run is None:
        raise not_found("run")
    user = caller_of(request).user
    if may is not None and not may(user, run):
        raise forbidden(why_not(may, user, run))
    return run


def find_question(request: HttpRequest, question_id: UUID, *, to_answer: bool = False) -> Question:
    """A question of a run that the caller sees. Raises `ApiError` 404, and 403 if they may not answer it although it is
    `to_answer`."""
    questions = Question.objects.select_related("call__run", "answered_by")
    question = questions.filter(pk=question_id, call__run__in=visible_runs(request)).first()
    if question is None:
        raise not_found("question")
    user = caller_of(request).user
    if to_answer and not may_decide(user, question.call.run):
        raise forbidden(why_not(may_decide, user, question.call.run))
    return question


def find_message(request: HttpRequest, message_id: UUID) -> RunMessage:
    """A message that the caller may change. Raises `ApiError` 404, and 403 if they may only see its run."""
    messages = RunMessage.objects.select_related("run", "user")
    message = messages.filter(pk=message_id, run__in=visible_runs(request)).first()
    if message is None:
        raise not_found("message")
    user = caller_of(request).user
    if not may_steer(user, message.run):
        raise forbidden(why_not(may_steer, user, message.run))
    return message


def find_call(request: HttpRequest, call_id: UUID) -> ToolCall:
    """A tool call the caller may decide about. Raises `ApiError` 404, and 403 if they may only see it."""
    calls = ToolCall.objects.select_related("decided_by", "run")
    call = calls.filter(pk=call_id, run__in=visible_runs(request)).first()
    if call is None:
        raise not_found("call")
    user = caller_of(request).user
    if not may_decide(user, call.run):
        raise forbidden(why_not(may_decide, user, call.run))
    return call
