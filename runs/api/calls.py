"""Endpoints of tool calls."""

from typing import Annotated
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.api.auth import may_read
from runs.api.cursors import cursor_at, place_of
from runs.api.errors import invalid
from runs.api.pagination import page_of
from runs.api.request_schemas import CallStateFilter
from runs.api.response_schemas import CallPage
from runs.api.selectors import visible_runs
from runs.api.serializers import LONG_COLUMNS, call_as_json
from runs.models import ToolCall

router = Router(tags=["Tool calls"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100


class CallQuery(Schema):
    """Query parameters of the list of calls."""

    state: Annotated[CallStateFilter, Field(description="Only calls in this state.")] = ""
    run_id: Annotated[UUID | None, Field(description="Only calls of this run.")] = None
    waiting: Annotated[bool, Field(description="Only calls that wait for a person, as the inbox shows them.")] = False
    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/calls", auth=may_read, response=CallPage, operation_id="list_calls")
def list_calls(request: HttpRequest, asked: Query[CallQuery]) -> HttpResponse:
    """List tool calls, those of the newest run first; `waiting=true` is the inbox."""
    calls = ToolCall.objects.filter(run__in=visible_runs(request)).select_related("run", "decided_by")
    if asked.state:
        calls = calls.filter(state=asked.state)
    if asked.run_id is not None:
        calls = calls.filter(run=asked.run_id)
    if asked.waiting:
        calls = calls.filter(pk__in=ToolCall.objects.asking().values("pk"))
    if asked.cursor:
        calls = calls.filter(_after(asked.cursor))
    calls = calls.defer(*(f"run__{name}" for name in LONG_COLUMNS))
    in_order = calls.order_by("-run__created_at", "-run_id", "turn", "index", "position")
    page = page_of(in_order, call_as_json, limit=asked.limit)
    following = cursor_at(page.last.run.created_at, page.last.pk) if page.has_more else None
    return page.response(next=following)


def _after(cursor: str) -> Q:
    """The calls after the one in a cursor. Raises `ApiError` 422."""
    moment, call_id = place_of(cursor)
    last = ToolCall.objects.filter(pk=call_id).first()
    if last is None:
        raise invalid("cursor: The call it points to is gone. Begin with the first page.")
    later = Q(turn__gt=last.turn) | Q(turn=last.turn, index__gt=last.index)
    later |= Q(turn=last.turn, index=last.index, position__gt=last.position)
    older = Q(run__created_at__lt=moment) | Q(run__created_at=moment, run_id__lt=last.run_id)
    return older | (Q(run_id=last.run_id) & later)
