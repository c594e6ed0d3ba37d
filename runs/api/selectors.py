"""Lookup of runs and calls for endpoints: a missing object and one the caller may not see give the same 404."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from runs.api.auth import caller_of
from runs.api.errors import forbidden, not_found
from runs.models import Question, Run, RunMessage, ToolCall
from runs.models.permissions import may_decide, may_steer, why_not
from runs.models.run_queries import RunQuerySet

ModelT = TypeVar("ModelT", bound=Model)
May = Callable[[Any, Run], bool]
"""Whether a person may do something with a run."""


def visible_runs(request: HttpRequest) -> RunQuerySet:
    """The runs the caller may see."""
    return Run.objects.visible_to(caller_of(request).user)


def find_run(request: HttpRequest, run_id: UUID, *, may: May | None = None) -> Run:
    """The run. Raises `ApiError` 404, and 403 if the caller may see it but `may` forbids the action."""
    run = visible_runs(request).filter(pk=run_id).first()
    if run is None:
        raise not_found("run")
    _check(request, run, may)
    return run


def find_question(request: HttpRequest, question_id: UUID, *, to_answer: bool = False) -> Question:
    """A question of a run that the caller sees. Raises `ApiError` 404, and 403 if they may not answer it although it is
    `to_answer`."""
    questions = Question.objects.select_related("call__run", "answered_by").filter(pk=question_id)
    return _of_a_run(request, questions, "question", run="call__run", may=may_decide if to_answer else None)


def find_message(request: HttpRequest, message_id: UUID) -> RunMessage:
    """A message that the caller may change. Raises `ApiError` 404, and 403 if they may only see its run."""
    messages = RunMessage.objects.select_related("run", "user").filter(pk=message_id)
    return _of_a_run(request, messages, "message", may=may_steer)


def find_call(request: HttpRequest, call_id: UUID) -> ToolCall:
    """A tool call the caller may decide about. Raises `ApiError` 404, and 403 if they may only see it."""
    calls = ToolCall.objects.select_related("decided_by", "run").filter(pk=call_id)
    return _of_a_run(request, calls, "call", may=may_decide)


def _of_a_run(request: HttpRequest, rows: QuerySet[ModelT], what: str, *, run: str = "run", may: May | None) -> ModelT:
    """The one of `rows` whose run the caller sees; `run` is the way to it. Raises as `find_run`."""
    row = rows.filter(**{f"{run}__in": visible_runs(request)}).first()
    if row is None:
        raise not_found(what)
    _check(request, attrgetter(run.replace("__", "."))(row), may)
    return row


def _check(request: HttpRequest, run: Run, may: May | None) -> None:
    user = caller_of(request).user
    if may is not None and not may(user, run):
        raise forbidden(why_not(may, user, run))
