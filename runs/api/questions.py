"""Endpoints of questions to people."""

from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from runs.agent.tools.person_questions import AnswerMisfit
from runs.api.auth import caller_of, may_approve, may_read, question_told_to, surface_of
from runs.api.cursors import cursor_at, place_of
from runs.api.errors import ApiError, invalid
from runs.api.pagination import page_of
from runs.api.request_schemas import AnswerIn, QuestionStateFilter
from runs.api.response_schemas import QuestionOut, QuestionPage
from runs.api.selectors import find_question, visible_runs
from runs.api.serializers import LONG_COLUMNS, answer, question_as_json
from runs.engine import control
from runs.models import Question, Surface

router = Router(tags=["Questions"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100


class QuestionQuery(Schema):
    """Query parameters of the list of questions."""

    state: Annotated[QuestionStateFilter, Field(description="Only questions in this state.")] = ""
    run_id: Annotated[UUID | None, Field(description="Only questions of this run.")] = None
    waiting: Annotated[bool, Field(description="Only questions that a person can answer now.")] = False
    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/questions", auth=may_read, response=QuestionPage, operation_id="list_questions")
def list_questions(request: HttpRequest, asked: Query[QuestionQuery]) -> HttpResponse:
    """List what agents have asked people, newest first; `waiting=true` is what waits."""
    questions = Question.objects.filter(call__run__in=visible_runs(request)).select_related("call__run", "answered_by")
    questions = questions.defer(*(f"call__run__{name}" for name in LONG_COLUMNS))
    if asked.state:
        questions = questions.filter(state=asked.state)
    if asked.run_id is not None:
        questions = questions.filter(call__run=asked.run_id)
    if asked.waiting:
        questions = questions.filter(pk__in=Question.objects.asking().values("pk"))
    if asked.cursor:
        moment, question_id = place_of(asked.cursor)
        questions = questions.filter(Q(asked_at__lt=moment) | Q(asked_at=moment, pk__lt=question_id))
    page = page_of(questions.order_by("-asked_at", "-pk"), question_as_json, limit=asked.limit)
    return page.response(next=cursor_at(page.last.asked_at, page.last.pk) if page.has_more else None)


@router.get("/questions/{uuid:question_id}", auth=may_read, response=QuestionOut, operation_id="get_question")
def get_question(request: HttpRequest, question_id: Path[UUID]) -> HttpResponse:
    """A question, and its answer if there is one."""
    return answer(question_as_json(find_question(request, question_id)))


@router.post(
    "/questions/{uuid:question_id}/answer",
    auth=may_approve,
    response=QuestionOut,
    operation_id="answer_question",
    openapi_extra={"x-errors": [409], "x-example": '{"answer": "blue"}'},
)
def answer_question(request: HttpRequest, question_id: Path[UUID], body: AnswerIn) -> HttpResponse:
    """Answer a question: its run goes on. The first answer counts; 409 says who gave it. Sent again, the same answer
    gets the same response."""
    question, caller = find_question(request, question_id, to_answer=True), caller_of(request)
    given = answered(question, by=caller.user, value=body.answer, surface=surface_of(request))
    return answer(question_told_to(caller, given))


def answered(question: Question, *, by: Any, value: Any, surface: Surface) -> Question:
    """The answered question; the one that `by` has answered the same before. Raises `ApiError` 409 and 422."""
    try:
        return control.answer(question.pk, by=by, answer=value, surface=surface)
    except control.AnswerRefused as refused:
        if control.is_same_answer(refused.question, by=by, answer=value):
            return refused.question
        action = "Look at the question as it is now: GET /api/v1/questions/{question_id}."
        raise ApiError(409, refused.code, str(refused), action=action, recoverable=False) from refused
    except AnswerMisfit as misfit:
        raise invalid(str(misfit)) from misfit
