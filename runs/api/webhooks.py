"""Endpoints of webhooks: list, make, change, pause, delete; their events, and sending one again.

Whatever changes one takes the scope `read` too: a webhook tells what that scope reads.
"""

from typing import Annotated, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.api.auth import caller_of, caller_that_reads, may_launch, may_read
from runs.api.cursors import LONGEST_NAME_CURSOR, name_cursor, name_place_of
from runs.api.errors import ApiError, invalid_fields, not_found
from runs.api.request_schemas import Text
from runs.api.serializers import answer
from runs.api.webhook_schemas import (
    NewWebhook,
    SecretOut,
    WebhookChange,
    WebhookEventListed,
    WebhookEventOut,
    WebhookEventPage,
    WebhookList,
    WebhookMade,
    WebhookOut,
    attempt_as_json,
    event_as_json,
    webhook_as_json,
)
from runs.engine import control
from runs.engine.control import WebhookRefused, WebhookSettings
from runs.models import Webhook, WebhookEvent

router = Router(tags=["Webhooks"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100
_CONFLICTS: Final = {"x-errors": [409]}
_NAMES: Final = {"event_types": "events", "is_for_all": "for_all"}
"""The fields of the API, by those of the control room where they differ."""


class EventQuery(Schema):
    """Query parameters of the list of events."""

    cursor: Annotated[Text, Field(max_length=LONGEST_NAME_CURSOR, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/webhooks", auth=may_read, response=WebhookList, operation_id="list_webhooks")
def list_webhooks(request: HttpRequest) -> HttpResponse:
    """List your webhooks, by name."""
    found = Webhook.objects.filter(user=caller_of(request).user)
    return answer({"items": [webhook_as_json(each) for each in found]})


@router.post(
    "/webhooks",
    auth=may_launch,
    response={201: WebhookMade},
    operation_id="create_webhook",
    openapi_extra={
        "x-example": '{"name": "Chat", "url": "https://example.org/hook", "events": ["run.failed", "run.needs_person"]}'
    },
)
def create_webhook(request: HttpRequest, body: NewWebhook) -> HttpResponse:
    """Make a webhook. The response has its secret, which is told only now. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    said = WebhookSettings(
        name=body.name,
        url=body.url,
        event_types=tuple(body.events),
        is_for_all=body.for_all,
        includes_answer=body.includes_answer,
    )
    try:
        webhook, secret = control.create_webhook(said, user=caller.user, by=caller.user)
    except WebhookRefused as refused:
        raise invalid_fields(refused.faults, _NAMES) from refused
    made = webhook_as_json(webhook) | {"secret": secret}
    return answer(made, 201, Location=f"/api/v1/webhooks/{webhook.pk}")


@router.get("/webhooks/{uuid:webhook_id}", auth=may_read, response=WebhookOut, operation_id="get_webhook")
def get_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Get one webhook."""
    return answer(webhook_as_json(_found(request, webhook_id)))


@router.patch(
    "/webhooks/{uuid:webhook_id}",
    auth=may_launch,
    response=WebhookOut,
    operation_id="change_webhook",
    openapi_extra={"x-example": '{"events": ["run.failed"]}'},
)
def change_webhook(request: HttpRequest, webhook_id: UUID, body: WebhookChange) -> HttpResponse:
    """Change what is sent of a webhook. Its secret and events stay. Takes the scope `read` too."""
    caller, webhook = caller_that_reads(request), _found(request, webhook_id)
    sent = {name: value for name, value in body.dict(exclude_unset=True).items() if value is not None}
    said = WebhookSettings(
        name=sent.get("name", webhook.name),
        url=sent.get("url", webhook.url),
        event_types=tuple(sent.get("events", webhook.event_types)),
        is_for_all=sent.get("for_all", webhook.is_for_all),
        includes_answer=sent.get("includes_answer", webhook.includes_answer),
    )
    try:
        return answer(webhook_as_json(control.change_webhook(webhook.pk, said, by=caller.user)))
    except WebhookRefused as refused:
        raise invalid_fields(refused.faults, _NAMES) from refused
    except Webhook.DoesNotExist as gone:
        raise not_found("webhook") from gone


@router.delete("/webhooks/{uuid:webhook_id}", auth=may_launch, response={204: None}, operation_id="delete_webhook")
def delete_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Delete a webhook with its events; what waits is not sent. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        control.delete_webhook(webhook_id, by=caller.user)
    except Webhook.DoesNotExist as gone:
        raise not_found("webhook") from gone
    return HttpResponse(status=204)


@router.post("/webhooks/{uuid:webhook_id}/pause", auth=may_launch, response=WebhookOut, operation_id="pause_webhook")
def pause_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Send nothing, and note nothing of what happens meanwhile; what waits is kept. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        return answer(webhook_as_json(control.pause_webhook(webhook_id, by=caller.user)))
    except Webhook.DoesNotExist as gone:
        raise not_found("webhook") from gone


@router.post("/webhooks/{uuid:webhook_id}/resume", auth=may_launch, response=WebhookOut, operation_id="resume_webhook")
def resume_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Activate a paused or disabled webhook. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        return answer(webhook_as_json(control.resume_webhook(webhook_id, by=caller.user)))
    except Webhook.DoesNotExist as gone:
        raise not_found("webhook") from gone


@router.post("/webhooks/{uuid:webhook_id}/secret", auth=may_launch, response=SecretOut, operation_id="rotate_secret")
def rotate_secret(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Replace the secret. The new one is told only now; the old one signs too for a day. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        return answer({"secret": control.rotate_secret(webhook_id, by=caller.user)})
    except Webhook.DoesNotExist as gone:
        raise not_found("webhook") from gone


@router.post(
    "/webhooks/{uuid:webhook_id}/test",
    auth=may_launch,
    response={201: WebhookEventListed},
    operation_id="test_webhook",
    openapi_extra=_CONFLICTS,
)
def try_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Send a test. 409 if the webhook is not active, or several tests wait. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        return answer(event_as_json(control.try_webhook(webhook_id, by=caller.user)), 201)
    except WebhookRefused as refused:
        raise _conflict(refused) from refused
    except Webhook.DoesNotExist as gone:
        raise not_found("webhook") from gone


@router.get(
    "/webhooks/{uuid:webhook_id}/events", auth=may_read, response=WebhookEventPage, operation_id="list_webhook_events"
)
def list_webhook_events(request: HttpRequest, webhook_id: UUID, asked: Query[EventQuery]) -> HttpResponse:
    """List the events of a webhook about runs that you may see, the latest first."""
    events = WebhookEvent.objects.visible_to(caller_of(request).user).filter(webhook=_found(request, webhook_id))
    if asked.cursor:
        events = events.filter(pk__lt=name_place_of(asked.cursor)[1])
    found = list(events.order_by("-pk").defer("body")[: asked.limit + 1])
    page = found[: asked.limit]
    following = name_cursor("", page[-1].pk) if len(found) > len(page) else None
    return answer({"items": [event_as_json(each) for each in page], "next": following})


@router.get(
    "/webhook-events/{uuid:event_id}", auth=may_read, response=WebhookEventOut, operation_id="get_webhook_event"
)
def get_webhook_event(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Get an event with what is sent, and every attempt."""
    event = WebhookEvent.objects.visible_to(caller_of(request).user).filter(uid=event_id).first()
    if event is None:
        raise not_found("event")
    log = [attempt_as_json(each) for each in event.log.order_by("number")]
    return answer(event_as_json(event) | {"body": event.body, "log": log})


@router.post(
    "/webhook-events/{uuid:event_id}/resend",
    auth=may_launch,
    response=WebhookEventListed,
    operation_id="resend_webhook_event",
    openapi_extra=_CONFLICTS,
)
def resend_webhook_event(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Send an event again, now and for a day, with its `webhook-id`. 409 while its webhook is not active, or the event
    is being sent. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    try:
        return answer(event_as_json(control.resend_event(event_id, by=caller.user)))
    except WebhookRefused as refused:
        raise _conflict(refused) from refused
    except (WebhookEvent.DoesNotExist, Webhook.DoesNotExist) as gone:
        raise not_found("event") from gone


def _found(request: HttpRequest, webhook_id: UUID) -> Webhook:
    webhook = Webhook.objects.filter(pk=webhook_id, user=caller_of(request).user).first()
    if webhook is None:
        raise not_found("webhook")
    return webhook


def _conflict(refused: WebhookRefused) -> ApiError:
    return ApiError(409, "conflict", str(refused))
