"""The next attempt of a row whose attempt failed."""

from datetime import datetime, timedelta
from random import Random

from runs.engine.outbound.retry_schedule import wait_after
from runs.models import NotificationDelivery, WebhookEvent


def plan_again(row: WebhookEvent | NotificationDelivery, asked_s: float | None, chance: Random, now: datetime) -> bool:
    """Plan the next attempt of a row, which is locked, and let go of it. False if it is to be given up. `asked_s` is
    how long the receiver asked to wait."""
    wait_s = wait_after(row.attempts - row.attempts_before, asked_s, chance)
    if wait_s is None or now + timedelta(seconds=wait_s) >= row.expires_at:
        return False
    row.due_at, row.claimed_until = now + timedelta(seconds=wait_s), None
    row.save(update_fields=["due_at", "claimed_until"])
    return True
