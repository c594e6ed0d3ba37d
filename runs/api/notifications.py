"""Endpoints of notifications: channels, rules, what was told, and sending it again.

Whatever changes something takes the scope `read` too: a notification tells what that scope reads. Where a channel leads
takes the scope `approve` as well: its messages can have links that decide.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.api.auth import caller_of, caller_that_reads, check_scope, may_launch, may_read
from runs.api.cursors import LONGEST_NAME_CURSOR, cursor_at, place_of
from runs.api.errors import ApiError, invalid, invalid_fields, not_found
from runs.api.notification_schemas import (
    ChannelChange,
    ChannelList,
    ChannelOut,
    NewChannel,
    NewRule,
    NoticeListed,
    NotificationPage,
    RuleChange,
    RuleList,
    RuleOut,
    channel_as_json,
    notice_as_json,
    notification_as_json,
    notification_rule_as_json,
)
from runs.api.request_schemas import Text
from runs.api.serializers import answer
from runs.engine.control import notification_channels as channels
from runs.engine.control import notification_rules as rules
from runs.engine.control.notification_channels import NotificationRefused
from runs.engine.control.notification_rules import RuleSettings
from runs.models import Agent, ApiToken, Notification, NotificationChannel, NotificationDelivery, NotificationRule

router = Router(tags=["Notifications"])

T = TypeVar("T")

PAGE_LENGTH, LONGEST_PAGE = 50, 100
_CONFLICTS: Final = {"x-errors": [409]}
_NAMES: Final = {"is_for_all": "for_all"}
_GONE: Final = (
    NotificationChannel.DoesNotExist,
    NotificationRule.DoesNotExist,
    NotificationDelivery.DoesNotExist,
)


class NotificationQuery(Schema):
    """Query parameters of the list of notifications."""

    cursor: Annotated[Text, Field(max_length=LONGEST_NAME_CURSOR, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/notification-channels", auth=may_read, response=ChannelList, operation_id="list_channels")
def list_channels(request: HttpRequest) -> HttpResponse:
    """List your channels, by name."""
    found = NotificationChannel.objects.filter(user=caller_of(request).user)
    return answer({"items": [channel_as_json(each) for each in found]})


@router.post(
    "/notification-channels",
    auth=may_launch,
    response={201: ChannelOut},
    operation_id="create_channel",
    openapi_extra={"x-example": '{"kind": "email", "name": "Mail", "address": "ada@example.org"}'},
)
def create_channel(request: HttpRequest, body: NewChannel) -> HttpResponse:
    """Make a channel. Takes the scopes `read` and `approve` too: its messages can have links that decide."""
    caller = caller_that_reads(request)
    check_scope(caller, ApiToken.Scope.APPROVE)
    made = _mapped(
        lambda: channels.create_channel(kind=body.kind, name=body.name, address=body.address, user=caller.user)
    )
    return answer(channel_as_json(made), 201, Location=f"/api/v1/notification-channels/{made.pk}")


@router.get("/notification-channels/{uuid:channel_id}", auth=may_read, response=ChannelOut, operation_id="get_channel")
def get_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Get one channel."""
    return answer(channel_as_json(_channel(request, channel_id)))


@router.patch(
    "/notification-channels/{uuid:channel_id}",
    auth=may_launch,
    response=ChannelOut,
    operation_id="change_channel",
    openapi_extra={"x-example": '{"name": "Mail at work"}'},
)
def change_channel(request: HttpRequest, channel_id: UUID, body: ChannelChange) -> HttpResponse:
    """Change what is sent of a channel. Another address activates a disabled one. Takes the scope `read` too, and for
    an address `approve`: its messages can have links that decide."""
    caller, channel = caller_that_reads(request), _channel(request, channel_id)
    if body.address:
        check_scope(caller, ApiToken.Scope.APPROVE)
    name, address = body.name or channel.name, body.address or ""
    return answer(
        channel_as_json(
            _mapped(lambda: channels.change_channel(channel_id, name=name, address=address, by=caller.user))
        )
    )


@router.delete(
    "/notification-channels/{uuid:channel_id}",
    auth=may_launch,
    response={204: None},
    operation_id="delete_channel",
)
def delete_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Delete a channel with its log; what waits is not sent. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    _mapped(lambda: channels.delete_channel(channel_id, by=caller.user))
    return HttpResponse(status=204)


@router.post(
    "/notification-channels/{uuid:channel_id}/pause",
    auth=may_launch,
    response=ChannelOut,
    operation_id="pause_channel",
)
def pause_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Send nothing, and note nothing of what happens meanwhile; what waits is kept. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    return answer(channel_as_json(_mapped(lambda: channels.pause_channel(channel_id, by=caller.user))))


@router.post(
    "/notification-channels/{uuid:channel_id}/resume",
    auth=may_launch,
    response=ChannelOut,
    operation_id="resume_channel",
)
def resume_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Activate a paused or disabled channel. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    return answer(channel_as_json(_mapped(lambda: channels.resume_channel(channel_id, by=caller.user))))


@router.post(
    "/notification-channels/{uuid:channel_id}/test",
    auth=may_launch,
    response={201: NoticeListed},
    operation_id="test_channel",
    openapi_extra=_CONFLICTS,
)
def try_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Send a test. 409 if the channel is not active, or several tests wait. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    sent = _mapped(lambda: channels.try_channel(channel_id, by=caller.user), status=409)
    return answer(notice_as_json(sent), 201)


@router.get("/notification-rules", auth=may_read, response=RuleList, operation_id="list_notification_rules")
def list_rules(request: HttpRequest) -> HttpResponse:
    """List your rules, by name."""
    found = NotificationRule.objects.visible_to(caller_of(request).user).prefetch_related("channels")
    return answer({"items": [notification_rule_as_json(each) for each in found]})


@router.post(
    "/notification-rules",
    auth=may_launch,
    response={201: RuleOut},
    operation_id="create_notification_rule",
    openapi_extra={
        "x-example": '{"name": "What waits for me", "events": ["run.needs_person"], "waits_over_s": 300}',
    },
)
def create_rule(request: HttpRequest, body: NewRule) -> HttpResponse:
    """Make a rule. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    made = _mapped(lambda: rules.create_rule(_settings(body.dict()), user=caller.user))
    return answer(notification_rule_as_json(made), 201, Location=f"/api/v1/notification-rules/{made.pk}")


@router.get(
    "/notification-rules/{uuid:notification_rule_id}",
    auth=may_read,
    response=RuleOut,
    operation_id="get_notification_rule",
)
def get_rule(request: HttpRequest, notification_rule_id: UUID) -> HttpResponse:
    """Get one rule."""
    return answer(notification_rule_as_json(_rule(request, notification_rule_id)))


@router.patch(
    "/notification-rules/{uuid:notification_rule_id}",
    auth=may_launch,
    response=RuleOut,
    operation_id="change_notification_rule",
    openapi_extra={"x-example": '{"active": false}'},
)
def change_rule(request: HttpRequest, notification_rule_id: UUID, body: RuleChange) -> HttpResponse:
    """Change what is sent of a rule; `agent_id` null is every agent. Takes the scope `read` too."""
    caller, rule = caller_that_reads(request), _rule(request, notification_rule_id)
    sent = {k: v for k, v in body.dict(exclude_unset=True).items() if v is not None or k == "agent_id"}
    said = _settings(notification_rule_as_json(rule) | sent)
    return answer(notification_rule_as_json(_mapped(lambda: rules.change_rule(rule.pk, said, by=caller.user))))


@router.delete(
    "/notification-rules/{uuid:notification_rule_id}",
    auth=may_launch,
    response={204: None},
    operation_id="delete_notification_rule",
)
def delete_rule(request: HttpRequest, notification_rule_id: UUID) -> HttpResponse:
    """Delete a rule with what it noted. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    _mapped(lambda: rules.delete_rule(notification_rule_id, by=caller.user))
    return HttpResponse(status=204)


@router.get("/notifications", auth=may_read, response=NotificationPage, operation_id="list_notifications")
def list_notifications(request: HttpRequest, asked: Query[NotificationQuery]) -> HttpResponse:
    """List what you were told, about runs that you may see, the latest first."""
    found = Notification.objects.visible_to(caller_of(request).user)
    if asked.cursor:
        moment, row_id = place_of(asked.cursor)
        found = found.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=row_id))
    rows = found.select_related("run__schedule", "run__user").prefetch_related("deliveries")
    page = list(rows.order_by("-created_at", "-pk")[: asked.limit + 1])
    items = page[: asked.limit]
    following = cursor_at(items[-1].created_at, items[-1].pk) if len(page) > len(items) else None
    return answer({"items": [notification_as_json(each) for each in items], "next": following})


@router.post(
    "/notification-deliveries/{uuid:notice_id}/resend",
    auth=may_launch,
    response=NoticeListed,
    operation_id="resend_notification",
    openapi_extra=_CONFLICTS,
)
def resend(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Send a delivery again, now and for a day. 409 while its channel is not active, or it is being sent. Takes the
    scope `read` too."""
    caller = caller_that_reads(request)
    return answer(notice_as_json(_mapped(lambda: channels.resend_delivery(notice_id, by=caller.user), status=409)))


def _settings(told: dict[str, Any]) -> RuleSettings:
    agent = None
    if told["agent_id"] is not None:
        agent = Agent.objects.in_use().filter(pk=told["agent_id"]).first()
        if agent is None:
            raise invalid("agent_id: There is no such agent.", fields={"agent_id": "There is no such agent."})
    try:
        ids = tuple(UUID(each) for each in told["channels"])
    except ValueError as error:
        raise invalid("channels: Ids are expected.", fields={"channels": "Ids are expected."}) from error
    return RuleSettings(
        name=told["name"],
        events=tuple(told["events"]),
        channels=ids,
        is_for_all=told["for_all"],
        agent=agent,
        waits_over_s=told["waits_over_s"],
        in_page=told["in_page"],
        is_active=told["active"],
    )


def _channel(request: HttpRequest, channel_id: UUID) -> NotificationChannel:
    return _mapped(lambda: NotificationChannel.objects.get(pk=channel_id, user=caller_of(request).user))


def _rule(request: HttpRequest, rule_id: UUID) -> NotificationRule:
    return _mapped(lambda: NotificationRule.objects.get(pk=rule_id, user=caller_of(request).user))


def _mapped(work: Callable[[], T], *, status: int = 422) -> T:
    """What `work` returns. A refusal is a 422 or, with `status`, a 409; what is somebody else's a 404."""
    try:
        return work()
    except NotificationRefused as refused:
        if status == 409:
            raise ApiError(409, "conflict", str(refused)) from refused
        raise invalid_fields(refused.faults, _NAMES) from refused
    except _GONE as gone:
        raise not_found("notification") from gone
