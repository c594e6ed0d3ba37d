"""Endpoints of deliveries: the log of a trigger, and replays."""

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.api.auth import caller_of, may_launch, may_read
from runs.api.errors import ApiError, forbidden, not_found
from runs.api.pagination import page_of
from runs.api.serializers import answer
from runs.api.trigger_schemas import DeliveryOut, DeliveryPage, delivery_as_json, whole_delivery
from runs.api.triggers import found_trigger
from runs.engine import control
from runs.engine.control import ReplayRefused
from runs.models import Delivery
from runs.models import permissions as may

router = Router(tags=["Triggers"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100


class DeliveryQuery(Schema):
    """Query parameters of the log."""

    state: Annotated[
        Literal["launched", "filtered", "unmapped", "refused", "paused", "answered"] | None,
        Field(description="Only deliveries in this state."),
    ] = None
    cursor: Annotated[str, Field(pattern="^[0-9]{0,18}$", description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get(
    "/triggers/{uuidstr:trigger_id}/deliveries",
    auth=may_read,
    response=DeliveryPage,
    operation_id="list_deliveries",
)
def list_deliveries(request: HttpRequest, trigger_id: str, asked: Query[DeliveryQuery]) -> HttpResponse:
    """List the deliveries to one of your triggers, newest first, without their payloads."""
    found = found_trigger(request, trigger_id).deliveries.select_related("replay_of").order_by("-pk")
    found = found.defer("payload", "headers", "replay_of__payload", "replay_of__headers")
    if asked.state is not None:
        found = found.filter(state=asked.state)
    if asked.cursor:
        found = found.filter(pk__lt=int(asked.cursor))
    page = page_of(found, delivery_as_json, limit=asked.limit)
    return page.response(next=str(page.last.pk) if page.has_more else None)


@router.get("/deliveries/{uuidstr:delivery_id}", auth=may_read, response=DeliveryOut, operation_id="get_delivery")
def get_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """Get one delivery with its payload."""
    return answer(whole_delivery(_found(request, delivery_id)))


@router.post(
    "/deliveries/{uuidstr:delivery_id}/replay",
    auth=may_launch,
    response={201: DeliveryOut},
    operation_id="replay_delivery",
)
def replay_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """Make a new delivery of this one, with the trigger as it is now, also while it is paused. 409 if its payload is no
    longer kept."""
    user = caller_of(request).user
    delivery = _found(request, delivery_id)
    if not may.may_launch(user):
        raise forbidden(str(may.NOT_LAUNCHED))
    try:
        replayed = control.replay(delivery.uid, by=user)
    except ReplayRefused as refused:
        raise ApiError(409, "not_replayed", str(refused), action="Have it sent again by its sender.") from refused
    return answer(whole_delivery(replayed), 201, Location=f"/api/v1/deliveries/{replayed.uid}")


def _found(request: HttpRequest, delivery_id: str) -> Delivery:
    seen = Delivery.objects.visible_to(caller_of(request).user).select_related("replay_of")
    delivery = seen.filter(uid=UUID(delivery_id)).first()
    if delivery is None:
        raise not_found("delivery")
    return delivery
