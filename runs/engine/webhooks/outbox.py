"""The outbox: an event is a row of the same transaction as the change of the run that it tells.

So none is lost with a process, and none tells of a change that was rolled back. The sender finds the rows by itself;
the wake-up of one in this process only saves it the wait.
"""

from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils import timezone

from runs.engine.db_clock import database_now
from runs.engine.outbound.retry_schedule import TRIED_FOR
from runs.engine.outbound.wake_up import WakeUp
from runs.engine.webhooks.event_body import run_body
from runs.models import Run, Webhook, WebhookEvent

WAKE_UP: Final = WakeUp()
_EventType: Final = Webhook.EventType


def types_of(run: Run) -> list[Webhook.EventType]:
    """What there is to tell of a run as it stands. Of a child run only that it needs a person: the rest is the business
    of the run that launched it."""
    if run.status == Run.Status.WAITING:
        return [_EventType.NEEDS_PERSON] if run.waiting_for in Run.ASKING else []
    if run.is_child:
        return []
    match run.status:
        case Run.Status.COMPLETED:
            return [_EventType.COMPLETED]
        case Run.Status.CANCELLED:
            return [_EventType.CANCELLED]
        case Run.Status.FAILED:
            has_reached_limit = str((run.error or {}).get("code", "")).startswith("limit_")
            return [_EventType.FAILED, *([_EventType.BUDGET_REACHED] if has_reached_limit else [])]
    return []


def note(run: Run) -> None:
    """Write an event for each webhook that is told how the run stands now. Call it in the transaction of the change,
    after it; the row of the run is locked."""
    types = types_of(run)
    if not types:
        return
    webhooks = Webhook.objects.told_of(run)
    now = timezone.now()
    events = [_event(each, run, kind, now) for each in webhooks for kind in types if kind in each.event_types]
    if events:
        due_at = database_now()
        for event in events:
            event.due_at, event.expires_at = due_at, due_at + TRIED_FOR
        # A change that is written twice, because its first commit was not confirmed, is told once.
        WebhookEvent.objects.bulk_create(events, ignore_conflicts=True)
        WAKE_UP.after_commit()


def note_of_user(user_id: int | None, kind: Webhook.EventType, body: str, *, sequence: int) -> None:
    """Write an event that is of no run for the webhooks of a person; with None, for those that are told of everybody's
    runs. Call it in the transaction of what it tells."""
    theirs = Q(is_for_all=True) if user_id is None else Q(user=user_id)
    webhooks = [each for each in Webhook.objects.active().filter(theirs) if kind in each.event_types]
    if not webhooks:
        return
    now, due_at = timezone.now(), database_now()
    about = {"type": kind.value, "sequence": sequence, "body": body, "created_at": now, "due_at": due_at}
    WebhookEvent.objects.bulk_create(
        WebhookEvent(webhook=each, expires_at=due_at + TRIED_FOR, **about) for each in webhooks
    )
    WAKE_UP.after_commit()


def _event(webhook: Webhook, run: Run, kind: Webhook.EventType, now: datetime) -> WebhookEvent:
    body = run_body(run, kind, now, includes_answer=webhook.includes_answer)
    return WebhookEvent(
        webhook=webhook, run=run, type=kind.value, sequence=run.last_sequence, body=body, created_at=now
    )
