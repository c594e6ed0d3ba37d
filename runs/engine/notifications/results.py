"""What came of an attempt: recorded with what it means for the delivery and for its channel."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from django.db import transaction

from runs.engine.notifications.claims import ClaimedDelivery, end
from runs.engine.operations import fault_points, metrics
from runs.engine.outbound.plans import plan_again
from runs.engine.outbound.retry_schedule import FAILING_FOR
from runs.models import NotificationChannel, NotificationDelivery

_State = NotificationDelivery.State
_Disabled = NotificationChannel.Disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What came of one attempt."""

    error: str = ""
    """What went wrong, readable and without secrets; empty if the service took the message."""
    disables: NotificationChannel.Disabled | None = None
    """Why the channel is of no use any more; None if it is."""
    retry_after_s: float | None = None
    reference: str = ""


@transaction.atomic
def record(claimed: ClaimedDelivery, result: AttemptResult, now: datetime, chance: Random) -> None:
    """Store the result of an attempt. `now` is by the database's clock.

    A success counts, however late it comes. A failure counts only while nobody has claimed the delivery since, or had
    it sent again.
    """
    channels = NotificationChannel.objects.select_for_update(no_key=True)
    channel = channels.filter(pk=claimed.channel_id).first()
    delivery = NotificationDelivery.objects.select_for_update().filter(pk=claimed.delivery_id).first()
    if channel is None or delivery is None:
        return  # deleted meanwhile
    channel.last_error = result.error
    if result.error:
        _note_failure(channel, delivery, claimed, result, now=now, chance=chance)
    else:
        channel.failing_since, channel.sent_at = None, now
        delivery.error, delivery.reference = "", result.reference
        end(delivery, _State.SENT)
    delivery.save(update_fields=["error", "reference"])
    channel.save(update_fields=["last_error", "failing_since", "sent_at", "state", "disabled_because"])
    fault_points.at_commit("notification_record")
    metrics.NOTIFICATIONS.labels(claimed.kind, "failed" if result.error else "sent").inc()


def _note_failure(
    channel: NotificationChannel,
    delivery: NotificationDelivery,
    claimed: ClaimedDelivery,
    result: AttemptResult,
    *,
    now: datetime,
    chance: Random,
) -> None:
    channel.failing_since = channel.failing_since or now
    if delivery.state == _State.PENDING and delivery.attempts == claimed.number:
        delivery.error = result.error
        if result.disables is not None or not plan_again(delivery, result.retry_after_s, chance, now):
            end(delivery, _State.FAILED)
    has_failed_for_long = delivery.state == _State.FAILED and channel.failing_since <= now - FAILING_FOR
    why = result.disables or (_Disabled.FAILING if has_failed_for_long else None)
    if why is not None and channel.state == NotificationChannel.State.ACTIVE:
        channel.state, channel.disabled_because = NotificationChannel.State.DISABLED, why
        waiting = NotificationDelivery.objects.pending().filter(channel=channel, claimed_until=None)
        waiting.update(state=_State.FAILED, ended_at=now, due_at=None)
