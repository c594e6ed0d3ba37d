"""Request and response schemas of webhooks."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.request_schemas import StrictSchema, Text
from runs.api.response_schemas import Sent
from runs.models import Webhook, WebhookAttempt, WebhookEvent
from runs.models.as_json import as_utc

WEBHOOK_ID: Final = "8f0c2b1a-6d3e-4c57-9b20-1f2e3d4c5b6a"
EVENT_ID: Final = "3a1b9d52-0c4e-4b6f-8d7a-5e6f70819203"
"""Ids for the examples."""

EventType = Literal[
    "run.completed",
    "run.failed",
    "run.cancelled",
    "run.needs_person",
    "run.budget_reached",
    "alert.raised",
    "alert.resolved",
]
WebhookState = Literal["active", "paused", "disabled"]
EventState = Literal["pending", "delivered", "failed", "withdrawn"]
Outcome = Literal[
    "open", "delivered", "refused", "redirect", "timeout", "connection", "tls", "broken", "address", "sealed"
]

_Name = Annotated[Text, Field(min_length=1, max_length=80)]
_Url = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=2000,
        description="Of the public internet over https, or of a host that the site's settings name.",
        examples=["https://example.org/hook"],
    ),
]
_Events = Annotated[list[EventType], Field(min_length=1, max_length=10, description="What it is told.")]
_ForAll = Annotated[
    bool, Field(description="True: of everybody's runs, which takes the permission to see them; false: of yours.")
]
_WithAnswer = Annotated[bool, Field(description="Send the answer too, up to 8,000 characters.")]


class NewWebhook(StrictSchema):
    """A new webhook."""

    name: _Name
    url: _Url
    events: _Events
    for_all: _ForAll = False
    includes_answer: _WithAnswer = False


class WebhookChange(StrictSchema):
    """Changes of a webhook: only what is sent."""

    name: _Name | None = None
    url: _Url | None = None
    events: _Events | None = None
    for_all: _ForAll | None = None
    includes_answer: _WithAnswer | None = None


class WebhookOut(Sent):
    """A webhook."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[WEBHOOK_ID])]
    name: str
    url: str
    events: list[EventType]
    for_all: bool
    includes_answer: bool
    state: WebhookState
    disabled_because: Annotated[
        Literal["gone", "failing", "sealed"] | None,
        Field(description="`gone`: 410; `failing`: for days; `sealed`: its secret cannot be read."),
    ]
    failing_since: Annotated[AwareDatetime | None, Field(description="Null if the last attempt succeeded.")]
    created_at: AwareDatetime


class WebhookMade(WebhookOut):
    """A webhook and its secret, which is told only now."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class SecretOut(Sent):
    """A new secret, which is told only now."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class WebhookList(Sent):
    """Your webhooks, by name."""

    items: list[WebhookOut]


class WebhookEventListed(Sent):
    """An event in a list."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[EVENT_ID])]
    message_id: Annotated[str, Field(description="The header `webhook-id`.")]
    webhook_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[WEBHOOK_ID])]
    run_id: Annotated[
        str | None, Field(description="Null for a test and for an alert.", json_schema_extra={"format": "uuid"})
    ]
    type: Annotated[EventType | Literal["webhook.test"], Field()]
    state: EventState
    attempts: Annotated[int, Field(ge=0)]
    next_attempt_at: Annotated[AwareDatetime | None, Field(description="Null unless it is `pending`.")]
    created_at: AwareDatetime
    ended_at: AwareDatetime | None


class WebhookEventPage(Sent):
    """Events of a webhook, the latest first."""

    items: list[WebhookEventListed]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class WebhookAttemptOut(Sent):
    """A request that told the event."""

    number: Annotated[int, Field(ge=1)]
    started_at: AwareDatetime
    outcome: Annotated[Outcome, Field(description="`open`: it is under way, or its process ended before it was known.")]
    status: Annotated[int | None, Field(description="Of HTTP; null without a response.")]
    duration_ms: Annotated[int | None, Field(ge=0)]
    response: Annotated[str, Field(description="Its beginning, or what went wrong.")]
    response_is_cut: bool


class WebhookEventOut(WebhookEventListed):
    """An event with what is sent and every attempt."""

    body: Annotated[str, Field(description="The JSON that is sent, as a text: the signature is of these bytes.")]
    log: list[WebhookAttemptOut]


def webhook_as_json(webhook: Webhook) -> JsonObject:
    """The webhook, without its secret."""
    return {
        "id": str(webhook.pk),
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.event_types,
        "for_all": webhook.is_for_all,
        "includes_answer": webhook.includes_answer,
        "state": webhook.state,
        "disabled_because": webhook.disabled_because or None,
        "failing_since": as_utc(webhook.failing_since),
        "created_at": as_utc(webhook.created_at),
    }


def event_as_json(event: WebhookEvent) -> JsonObject:
    """The event as a list shows it."""
    return {
        "id": str(event.uid),
        "message_id": event.message_id,
        "webhook_id": str(event.webhook_id),
        "run_id": None if event.run_id is None else str(event.run_id),
        "type": event.type,
        "state": event.state,
        "attempts": event.attempts,
        "next_attempt_at": as_utc(event.due_at),
        "created_at": as_utc(event.created_at),
        "ended_at": as_utc(event.ended_at),
    }


def attempt_as_json(attempt: WebhookAttempt) -> JsonObject:
    """The attempt."""
    return {
        "number": attempt.number,
        "started_at": as_utc(attempt.started_at),
        "outcome": attempt.outcome,
        "status": attempt.status,
        "duration_ms": attempt.duration_ms,
        "response": attempt.response,
        "response_is_cut": attempt.is_cut,
    }
