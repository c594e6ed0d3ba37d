"""Tool calls, and the decisions about them."""

from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.api.answers import answer, call_as_json
from runs.api.auth import may_read
from runs.api.cursors import cursor_at, place_of
from runs.api.errors import invalid
from runs.api.finding import visible_runs
from runs.api.schemas import CallPage
from runs.api.taken import CallStateFilter
from runs.models import ToolCall

router = Router(tags=["Tool calls"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100


class CallQuery(Schema):
    """Which calls, and where to go on."""

    state: Annotated[CallStateFilter, Field(description="Only calls in this state.")] = ""
    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/calls", auth=may_read, response=CallPage, operation_id="list_calls")
def list_calls(request: HttpRequest, asked: Query[CallQuery]) -> HttpResponse:
    """List tool calls, those of the newest run first; `state=awaiting_approval` is the inbox."""
    calls = ToolCall.objects.filter(run__in=visible_runs(request)).select_related("run", "decided_by")
    if asked.state:
        calls = calls.filter(state=asked.state)
    if asked.cursor:
        calls = calls.filter(_after(asked.cursor))
    page = list(calls.order_by("-run__created_at", "-run_id", "turn", "index")[: asked.limit + 1])
    more, page = len(page) > asked.limit, page[: asked.limit]
    following = cursor_at(page[-1].run.created_at, page[-1].pk) if more else None
    return answer({"items": [call_as_json(call) for call in page], "next": following})


def _after(cursor: str) -> Q:
    """The calls that come after the one a cursor names. Raises `ApiError` 422."""
    moment, call_id = place_of(cursor)
    last = ToolCall.objects.filter(pk=call_id).first()
    if last is None:
        raise invalid("cursor: The call it points to is gone. Begin with the first page.")
    later = Q(turn__gt=last.turn) | Q(turn=last.turn, index__gt=last.index)
    older = Q(run__created_at__lt=moment) | Q(run__created_at=moment, run_id__lt=last.run_id)
    return older | (Q(run_id=last.run_id) & later)
