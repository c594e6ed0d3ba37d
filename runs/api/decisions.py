"""Endpoints that decide tool calls."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import call_told_to, caller_of, may_approve, surface_of
from runs.api.errors import ApiError, invalid
from runs.api.request_schemas import Approval, Denial, Settlement
from runs.api.response_schemas import CallOut
from runs.api.selectors import find_call
from runs.api.serializers import answer
from runs.engine import control
from runs.models import ToolCall

router = Router(tags=["Tool calls"])

_CONFLICTS = {"x-errors": [409]}


@router.post(
    "/calls/{uuid:call_id}/approve",
    auth=may_approve,
    response=CallOut,
    operation_id="approve_call",
    openapi_extra={**_CONFLICTS, "x-example": '{"arguments_hash": "…"}'},
)
def approve_call(request: HttpRequest, call_id: Path[UUID], body: Approval) -> HttpResponse:
    """Approve a call, with other arguments if you send some. 409 if it was decided before, or shows other arguments
    now."""
    call, user = find_call(request, call_id), caller_of(request).user
    return _decided(
        request,
        lambda: control.approve(
            call.pk,
            by=user,
            arguments_hash=body.arguments_hash,
            arguments=body.arguments,
            reason=body.reason,
            grace_s=body.grace_s,
            surface=surface_of(request),
        ),
    )


@router.post(
    "/calls/{uuid:call_id}/undo",
    auth=may_approve,
    response=CallOut,
    operation_id="undo_approval",
    openapi_extra=_CONFLICTS,
)
def undo_approval(request: HttpRequest, call_id: Path[UUID]) -> HttpResponse:
    """Take an approval back that was given with a grace. 409 after the grace, or if another person approved it."""
    call, user = find_call(request, call_id), caller_of(request).user
    return _decided(request, partial(control.undo_approval, call.pk, by=user))


@router.post(
    "/calls/{uuid:call_id}/deny",
    auth=may_approve,
    response=CallOut,
    operation_id="deny_call",
    openapi_extra={**_CONFLICTS, "x-example": '{"arguments_hash": "…", "reason": "Not today."}'},
)
def deny_call(request: HttpRequest, call_id: Path[UUID], body: Denial) -> HttpResponse:
    """Deny a call; the model is told why. 409 as for approving."""
    call, user = find_call(request, call_id), caller_of(request).user
    told: JsonObject = {"arguments_hash": body.arguments_hash, "reason": body.reason, "surface": surface_of(request)}
    deny = partial(control.deny, call.pk, by=user, **told)
    return _decided(request, deny)


@router.post(
    "/calls/{uuid:call_id}/settle",
    auth=may_approve,
    response=CallOut,
    operation_id="settle_call",
    openapi_extra={**_CONFLICTS, "x-example": '{"outcome": "happened"}'},
)
def settle_call(request: HttpRequest, call_id: Path[UUID], body: Settlement) -> HttpResponse:
    """Settle a call whose outcome is unknown. To stop its run instead, cancel it."""
    call, user = find_call(request, call_id), caller_of(request).user
    settle = partial(control.settle, call.pk, by=user, outcome=body.outcome, reason=body.reason)
    return _decided(request, settle)


def map_decision_errors(decide: Callable[[], ToolCall]) -> ToolCall:
    """The call as decided. Raises `ApiError` 409 or 422 if the decision was refused."""
    try:
        return decide()
    except control.DecisionRefused as refused:
        action = "Look at the call as it is now: GET /api/v1/calls."
        raise ApiError(409, refused.code, str(refused), action=action, recoverable=False) from refused
    except ValueError as fault:
        raise invalid(f"arguments: {fault}") from fault


def _decided(request: HttpRequest, decide: Callable[[], ToolCall]) -> HttpResponse:
    return answer(call_told_to(caller_of(request), map_decision_errors(decide)))
