"""Claims of events: one process sends an event at a time, for a limited time by the database's clock.

An attempt whose process dies is repeated when its claim has run out, with the same `webhook-id`: the receiver may have
taken it already, and nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from runs.engine.operations import fault_points
from runs.engine.sealed_text import SealUnreadable
from runs.engine.webhooks.signing import signing_secrets
from runs.models import Webhook, WebhookAttempt, WebhookEvent
from runs.models.permissions import may_see_all

CLAIMED_FOR: Final = timedelta(seconds=60)
"""Longer than an attempt can take, its record included."""
MOST_WEBHOOKS: Final = 500
"""Looked at in one search; the others have their turn in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEvent:
    """An event that this process sends now, and all that it needs for that."""

    event_id: int
    webhook_id: UUID
    number: int
    """Of the attempt."""
    url: str
    message_id: str
    body: str
    signing: tuple[str, ...]
    """The secrets that sign; empty if they cannot be read."""


def waiting_webhooks(now: datetime) -> Sequence[tuple[UUID, bool]]:
    """The active webhooks with an event to send now, and whether they fail at present. Those that have waited longest
    come first."""
    free = WebhookEvent.objects.free(now).filter(webhook=OuterRef("pk"))
    ready = Webhook.objects.active().filter(Exists(free)).order_by(F("tried_at").asc(nulls_first=True), "pk")
    return [(pk, since is not None) for pk, since in ready.values_list("pk", "failing_since")[:MOST_WEBHOOKS]]


@transaction.atomic
def claim(webhook_id: UUID, most: int, now: datetime) -> list[ClaimedEvent]:
    """Claim up to `most` events of a webhook, the oldest first. Of a run one at a time, in order.

    Events whose day is over have failed then, and those about runs that the owner may not see any more are withdrawn.
    """
    # Its row is locked before its events, as `record` does it. Its key stays free: who writes an event does not wait.
    active = Webhook.objects.active().select_related("user").select_for_update(no_key=True, of=("self",))
    webhook = active.filter(pk=webhook_id).first()
    if webhook is None:
        return []
    found = WebhookEvent.objects.filter(webhook=webhook).free(now).in_order(now).select_related("run")
    events = list(found.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk")[:most])
    signing = _signing(webhook, now)
    sees_all = may_see_all(webhook.user)
    claimed = []
    for event in events:
        if now >= event.expires_at:
            end(event, WebhookEvent.State.FAILED)
        elif not _may_be_told(webhook, event, sees_all=sees_all):
            end(event, WebhookEvent.State.WITHDRAWN)
        else:
            claimed.append(_claimed(webhook, event, signing, now))
    if events:
        Webhook.objects.filter(pk=webhook.pk).update(tried_at=now)
        fault_points.at_commit("webhook_claim")
    return claimed


def end(event: WebhookEvent, state: WebhookEvent.State) -> None:
    """Store the end of an event, whose row is locked."""
    event.state, event.ended_at, event.due_at, event.claimed_until = state, timezone.now(), None, None
    event.save(update_fields=["state", "ended_at", "due_at", "claimed_until"])


def _claimed(webhook: Webhook, event: WebhookEvent, signing: tuple[str, ...], now: datetime) -> ClaimedEvent:
    event.attempts += 1
    event.claimed_until = now + CLAIMED_FOR
    event.save(update_fields=["attempts", "claimed_until"])
    WebhookAttempt.objects.create(event=event, number=event.attempts, started_at=timezone.now())
    return ClaimedEvent(
        event_id=event.pk,
        webhook_id=webhook.pk,
        number=event.attempts,
        url=webhook.url,
        message_id=event.message_id,
        body=event.body,
        signing=signing,
    )


def _signing(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    try:
        return tuple(signing_secrets(webhook, now))
    except SealUnreadable:
        return ()


def _may_be_told(webhook: Webhook, event: WebhookEvent, *, sees_all: bool) -> bool:
    owner: Any = webhook.user
    if not owner.is_active:
        return False
    if event.run is None:
        return sees_all or not event.is_about_everybody
    return event.run.user_id == owner.pk or (webhook.is_for_all and sees_all)
