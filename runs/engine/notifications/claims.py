"""Claims of deliveries: one process sends a delivery at a time, for a limited time by the database's clock.

An attempt whose process dies is repeated when its claim has run out: the service may have taken the message already,
and nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from runs.engine.notifications.channels import Sendable
from runs.engine.notifications.decidables import LinkSigner
from runs.engine.notifications.message_texts import message_of
from runs.engine.notifications.run_texts import ErrorWords
from runs.engine.notifications.storms import leaders
from runs.engine.operations import fault_points
from runs.engine.sealed_text import SealUnreadable, unseal
from runs.models import NotificationChannel, NotificationDelivery

CLAIMED_FOR: Final = timedelta(seconds=60)
"""Longer than an attempt can take, its record included."""
MOST_CHANNELS: Final = 500
"""Looked at in one search; the others have their turn in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this process sends now, and all that it needs for that."""

    delivery_id: int
    channel_id: UUID
    number: int
    """Of the attempt."""
    kind: str
    address: str | None
    """None if it cannot be read."""
    message: Sendable


def waiting_channels(now: datetime) -> Sequence[tuple[UUID, bool]]:
    """The active channels with a delivery to send now, and whether they fail at present. Those that have waited longest
    come first."""
    free = NotificationDelivery.objects.free(now).filter(channel=OuterRef("pk"))
    active = NotificationChannel.objects.filter(Exists(free), state=NotificationChannel.State.ACTIVE)
    ready = active.order_by(F("tried_at").asc(nulls_first=True), "pk")
    return [(pk, since is not None) for pk, since in ready.values_list("pk", "failing_since")[:MOST_CHANNELS]]


@transaction.atomic
def claim(
    channel_id: UUID, most: int, now: datetime, link: LinkSigner | None = None, error_words: ErrorWords = str
) -> list[ClaimedDelivery]:
    """Claim up to `most` deliveries of a channel, the oldest first; a storm of one rule becomes one of them.

    Deliveries whose day is over have failed then. Withdrawn are those about runs that the person may not see any more,
    or that do not wait any more.
    """
    # Its row is locked before its deliveries, as `record` does it. Its key stays free: who writes one does not wait.
    active = NotificationChannel.objects.filter(state=NotificationChannel.State.ACTIVE).select_related("user")
    channel = active.select_for_update(no_key=True, of=("self",)).filter(pk=channel_id).first()
    if channel is None:
        return []
    claimed = []
    for delivery in leaders(channel, most, now):
        if now >= delivery.expires_at:
            end(delivery, NotificationDelivery.State.FAILED)
        elif (message := message_of(delivery, channel, link, error_words)) is None:
            end(delivery, NotificationDelivery.State.WITHDRAWN)
        else:
            claimed.append(_claimed(channel, delivery, message, now))
    NotificationChannel.objects.filter(pk=channel.pk).update(tried_at=now)
    fault_points.at_commit("notification_claim")
    return claimed


def end(delivery: NotificationDelivery, state: NotificationDelivery.State) -> None:
    """Store the end of a delivery, whose row is locked."""
    delivery.state, delivery.ended_at, delivery.due_at, delivery.claimed_until = state, timezone.now(), None, None
    delivery.save(update_fields=["state", "ended_at", "due_at", "claimed_until"])


def _claimed(
    channel: NotificationChannel, delivery: NotificationDelivery, message: Sendable, now: datetime
) -> ClaimedDelivery:
    delivery.attempts += 1
    delivery.claimed_until, delivery.tried_at = now + CLAIMED_FOR, now
    delivery.save(update_fields=["attempts", "claimed_until", "tried_at"])
    return ClaimedDelivery(
        delivery_id=delivery.pk,
        channel_id=channel.pk,
        number=delivery.attempts,
        kind=channel.kind,
        address=_address(channel),
        message=message,
    )


def _address(channel: NotificationChannel) -> str | None:
    try:
        return unseal(channel.address)
    except SealUnreadable:
        return None
