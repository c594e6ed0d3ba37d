"""Request and response schemas of notifications: channels, rules, what was told."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.request_schemas import StrictSchema, Text
from runs.api.response_schemas import Sent
from runs.engine.notifications.message_texts import path_of, title_of
from runs.models import Notification, NotificationChannel, NotificationDelivery, NotificationRule
from runs.models.as_json import as_utc
from runs.models.notification_rule import LONGEST_WAIT_S

CHANNEL_ID: Final = "5b1f0c7e-2d4a-4e6b-9c8d-7e6f5a4b3c2d"
NOTIFICATION_RULE_ID: Final = "7c2e1d8f-3e5b-4f7c-8d9e-8f706b5c4d3e"
NOTICE_ID: Final = "9d3f2e90-4f6c-4080-9eaf-90817c6d5e4f"
"""Ids for the examples."""

RuleEvent = Literal[
    "run.completed",
    "run.failed",
    "run.cancelled",
    "run.needs_person",
    "run.budget_reached",
    "schedule.stopped",
    "alert.raised",
    "alert.resolved",
]
ChannelState = Literal["active", "paused", "disabled"]
DisabledBecause = Literal["gone", "failing", "sealed"] | None
DeliveryState = Literal["pending", "sent", "failed", "withdrawn", "gathered"]

_Name = Annotated[Text, Field(min_length=1, max_length=80)]
_Address = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=2000,
        description="A mailbox, or an address of Apprise. It is stored sealed, and not told again.",
        examples=["ada@example.org"],
    ),
]
_Events = Annotated[list[RuleEvent], Field(min_length=1, max_length=10, description="Of what it tells.")]
_ForAll = Annotated[bool, Field(description="True: of everybody's runs, which takes the permission to see them.")]
_Wait = Annotated[
    int,
    Field(ge=0, le=LONGEST_WAIT_S, description="Seconds that a run has to wait for a person before that is told."),
]
_Channels = Annotated[list[str], Field(max_length=20, description="Ids of channels of yours.")]
_Uuid = {"format": "uuid"}


class NewChannel(StrictSchema):
    """A new channel."""

    kind: Literal["email", "apprise"]
    name: _Name
    address: _Address


class ChannelChange(StrictSchema):
    """Changes of a channel: only what is sent."""

    name: _Name | None = None
    address: _Address | None = None


class ChannelOut(Sent):
    """A channel, without its address where that is a secret."""

    id: Annotated[str, Field(json_schema_extra=_Uuid, examples=[CHANNEL_ID])]
    kind: Literal["email", "apprise", "web_push", "slack"]
    name: str
    address: Annotated[str, Field(description="The mailbox; of other kinds what is no secret.")]
    state: ChannelState
    disabled_because: DisabledBecause
    last_error: Annotated[str, Field(description="Of the last attempt; empty if it succeeded.")]
    sent_at: AwareDatetime | None
    created_at: AwareDatetime


class ChannelList(Sent):
    """Your channels, by name."""

    items: list[ChannelOut]


class NewRule(StrictSchema):
    """A new rule."""

    name: _Name
    events: _Events
    channels: _Channels = []
    for_all: _ForAll = False
    agent_id: Annotated[int | None, Field(description="Only of runs of this agent.")] = None
    waits_over_s: _Wait = 0
    in_page: Annotated[bool, Field(description="Tell on open pages too.")] = True
    active: bool = True


class RuleChange(StrictSchema):
    """Changes of a rule: only what is sent."""

    name: _Name | None = None
    events: _Events | None = None
    channels: _Channels | None = None
    for_all: _ForAll | None = None
    agent_id: int | None = None
    waits_over_s: _Wait | None = None
    in_page: bool | None = None
    active: bool | None = None


class RuleOut(Sent):
    """A rule."""

    id: Annotated[str, Field(json_schema_extra=_Uuid, examples=[NOTIFICATION_RULE_ID])]
    name: str
    events: list[RuleEvent]
    channels: list[str]
    for_all: bool
    agent_id: int | None
    waits_over_s: int
    in_page: bool
    active: bool
    created_at: AwareDatetime


class RuleList(Sent):
    """Your rules, by name."""

    items: list[RuleOut]


class NoticeListed(Sent):
    """A notification on its way by one channel."""

    id: Annotated[str, Field(json_schema_extra=_Uuid, examples=[NOTICE_ID])]
    channel_id: Annotated[str, Field(json_schema_extra=_Uuid)]
    state: Annotated[DeliveryState, Field(description="`gathered`: a summary tells it.")]
    attempts: Annotated[int, Field(ge=0)]
    gathers: Annotated[int, Field(ge=0, description="How many others it tells of, as their summary.")]
    next_attempt_at: Annotated[AwareDatetime | None, Field(description="Null unless it is `pending`.")]
    ended_at: AwareDatetime | None
    error: str


class NotificationOut(Sent):
    """What you were told."""

    id: Annotated[str, Field(json_schema_extra=_Uuid)]
    rule_id: Annotated[str | None, Field(description="Null for a test.", json_schema_extra=_Uuid)]
    event: RuleEvent | Literal["channel.test"]
    run_id: Annotated[str | None, Field(json_schema_extra=_Uuid)]
    title: str
    path: Annotated[str, Field(description="The page that shows more.")]
    due_at: AwareDatetime
    seen_at: AwareDatetime | None
    created_at: AwareDatetime
    deliveries: list[NoticeListed]


class NotificationPage(Sent):
    """What you were told, the latest first."""

    items: list[NotificationOut]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


def channel_as_json(channel: NotificationChannel) -> JsonObject:
    """The channel."""
    return {
        "id": str(channel.pk),
        "kind": channel.kind,
        "name": channel.name,
        "address": channel.shown_address,
        "state": channel.state,
        "disabled_because": channel.disabled_because or None,
        "last_error": channel.last_error,
        "sent_at": as_utc(channel.sent_at),
        "created_at": as_utc(channel.created_at),
    }


def notification_rule_as_json(rule: NotificationRule) -> JsonObject:
    """The rule. Its channels are read."""
    return {
        "id": str(rule.pk),
        "name": rule.name,
        "events": rule.events,
        "channels": [str(each.pk) for each in rule.channels.all()],
        "for_all": rule.is_for_all,
        "agent_id": rule.agent_id,
        "waits_over_s": rule.waits_over_s,
        "in_page": rule.in_page,
        "active": rule.is_active,
        "created_at": as_utc(rule.created_at),
    }


def notice_as_json(delivery: NotificationDelivery) -> JsonObject:
    """The delivery."""
    return {
        "id": str(delivery.uid),
        "channel_id": str(delivery.channel_id),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "gathers": delivery.gathers,
        "next_attempt_at": as_utc(delivery.due_at),
        "ended_at": as_utc(delivery.ended_at),
        "error": delivery.error,
    }


def notification_as_json(notification: Notification) -> JsonObject:
    """The notification with its deliveries, which are read."""
    return {
        "id": str(notification.pk),
        "rule_id": None if notification.rule_id is None else str(notification.rule_id),
        "event": notification.event,
        "run_id": None if notification.run_id is None else str(notification.run_id),
        "title": title_of(notification),
        "path": path_of(notification),
        "due_at": as_utc(notification.due_at),
        "seen_at": as_utc(notification.seen_at),
        "created_at": as_utc(notification.created_at),
        "deliveries": [notice_as_json(each) for each in notification.deliveries.all()],
    }
