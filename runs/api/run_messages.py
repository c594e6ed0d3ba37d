"""Endpoints of messages to a run in progress."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from runs.api.auth import caller_of, may_launch, may_read, message_told_to
from runs.api.errors import ApiError, invalid, too_large
from runs.api.launches import REPLAYED, idempotency_key
from runs.api.message_schemas import MessageOut, MessagePage
from runs.api.pagination import page_of
from runs.api.request_schemas import MessageEdit, MessageIn
from runs.api.selectors import find_message, find_run
from runs.api.serializers import answer, message_as_json
from runs.engine import control
from runs.models import RunMessage
from runs.models.permissions import may_steer

router = Router(tags=["Messages"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100
_CONFLICTS = {"x-errors": [409]}


class MessageQuery(Schema):
    """Query parameters of the list of messages."""

    cursor: Annotated[str, Field(pattern=r"^\d{0,9}$", description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/runs/{uuid:run_id}/messages", auth=may_read, response=MessagePage, operation_id="list_messages")
def list_messages(request: HttpRequest, run_id: Path[UUID], asked: Query[MessageQuery]) -> HttpResponse:
    """List the messages that people have sent to a run, in order, and where each stands."""
    messages = find_run(request, run_id).messages.select_related("run", "user").order_by("position")
    if asked.cursor:
        messages = messages.filter(position__gt=int(asked.cursor))
    page = page_of(messages, message_as_json, limit=asked.limit)
    return page.response(next=str(page.last.position) if page.has_more else None)


@router.post(
    "/runs/{uuid:run_id}/messages",
    auth=may_launch,
    response={201: MessageOut, 200: MessageOut},
    operation_id="send_message",
    openapi_extra={**_CONFLICTS, "x-example": '{"text": "Use metric units."}'},
)
def send_message(request: HttpRequest, run_id: Path[UUID], body: MessageIn) -> HttpResponse:
    """Send a message to a run in progress, which reads it before its next reply, never between a call and its result.
    With `interrupt`, the reply in progress ends for it. Takes an `Idempotency-Key` too. 409: the run has ended, is
    being stopped, or has 20 messages to read."""
    run, caller = find_run(request, run_id, may=may_steer), caller_of(request)
    key = idempotency_key(request)
    sent: list[bool] = []

    def send() -> RunMessage:
        message, is_new = control.send_message(
            run.pk, by=caller.user, text=body.text, interrupts=body.interrupt, key=key
        )
        sent.append(is_new)
        return message

    told = message_told_to(caller, map_message_errors(send))
    return answer(told, 201) if sent[0] else answer(told, 200, **{REPLAYED: "true"})


@router.patch(
    "/messages/{uuid:message_id}",
    auth=may_launch,
    response=MessageOut,
    operation_id="edit_message",
    openapi_extra={**_CONFLICTS, "x-example": '{"text": "Use metric units, please."}'},
)
def edit_message(request: HttpRequest, message_id: Path[UUID], body: MessageEdit) -> HttpResponse:
    """Change the text of a message that is not read yet. 409: it was read; the message says before which turn."""
    message, caller = find_message(request, message_id), caller_of(request)
    edited = map_message_errors(lambda: control.edit_message(message.pk, by=caller.user, text=body.text))
    return answer(message_told_to(caller, edited))


@router.delete(
    "/messages/{uuid:message_id}",
    auth=may_launch,
    response=MessageOut,
    operation_id="withdraw_message",
    openapi_extra=_CONFLICTS,
)
def withdraw_message(request: HttpRequest, message_id: Path[UUID]) -> HttpResponse:
    """Withdraw a message that is not read yet. 409: it was read. A second request changes nothing."""
    message, caller = find_message(request, message_id), caller_of(request)
    withdrawn = map_message_errors(lambda: control.withdraw_message(message.pk, by=caller.user))
    return answer(message_told_to(caller, withdrawn))


def map_message_errors(change: Callable[[], RunMessage]) -> RunMessage:
    """What `change` returns. Raises `ApiError` 409, 413 or 422 if it was refused."""
    try:
        return change()
    except control.MessageRefused as refused:
        match refused.code:
            case "empty":
                raise invalid(f"text: {refused}") from refused
            case "too_long":
                raise too_large(f"text: {refused}") from refused
            case "key_reused":
                code = "idempotency_key_reused"
            case code:
                pass
        action = "Look at the messages as they are now: GET /api/v1/runs/{run_id}/messages."
        raise ApiError(409, code, str(refused), action=action, recoverable=code == "too_many") from refused
