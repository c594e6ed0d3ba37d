"""What came of an attempt: recorded with what it means for the event and for its webhook."""

from datetime import datetime
from random import Random

from django.db import transaction

from runs.engine.operations import fault_points, metrics
from runs.engine.outbound.plans import plan_again
from runs.engine.outbound.retry_schedule import FAILING_FOR
from runs.engine.webhooks.claims import ClaimedEvent, end
from runs.engine.webhooks.request import GONE, Told
from runs.models import Webhook, WebhookAttempt, WebhookEvent


@transaction.atomic
def record(claimed: ClaimedEvent, told: Told, now: datetime, chance: Random) -> None:
    """Store the result of an attempt. `now` is by the database's clock.

    A success counts, however late it comes. A failure counts only while nobody has claimed the event since, or had it
    sent again; the log has it anyway.
    """
    # The webhook first: two results of one webhook would otherwise wait for each other when they disable it. Its key
    # stays free: who writes an event for it does not wait.
    webhook = Webhook.objects.select_for_update(no_key=True).filter(pk=claimed.webhook_id).first()
    event = WebhookEvent.objects.select_for_update().filter(pk=claimed.event_id).first()
    if webhook is None or event is None:
        return  # deleted meanwhile
    WebhookAttempt.objects.filter(event=event, number=claimed.number).update(
        outcome=told.outcome,
        status=told.status,
        response=told.response,
        is_cut=told.is_cut,
        duration_ms=told.duration_ms,
    )
    if told.is_delivered:
        _succeed(webhook, event)
    else:
        if event.state == WebhookEvent.State.PENDING and event.attempts == claimed.number:
            _plan(webhook, event, told, chance, now=now)
        _note_failure(webhook, event, told, now)
    fault_points.at_commit("webhook_record")
    metrics.WEBHOOK_ATTEMPTS.labels(told.outcome.value).inc()


def _succeed(webhook: Webhook, event: WebhookEvent) -> None:
    if event.state != WebhookEvent.State.DELIVERED:
        end(event, WebhookEvent.State.DELIVERED)
    if webhook.failing_since is not None:
        webhook.failing_since = None
        webhook.save(update_fields=["failing_since"])


def _note_failure(webhook: Webhook, event: WebhookEvent, told: Told, now: datetime) -> None:
    if webhook.failing_since is None:
        webhook.failing_since = now
        webhook.save(update_fields=["failing_since"])
    if webhook.state != Webhook.State.ACTIVE:
        return
    if told.outcome is WebhookAttempt.Outcome.SEALED:
        _disable(webhook, Webhook.Disabled.SEALED)
    elif told.status == GONE:
        _disable(webhook, Webhook.Disabled.GONE)
    elif event.state == WebhookEvent.State.FAILED and webhook.failing_since <= now - FAILING_FOR:
        _disable(webhook, Webhook.Disabled.FAILING)


def _plan(webhook: Webhook, event: WebhookEvent, told: Told, chance: Random, *, now: datetime) -> None:
    """Plan the next attempt, or give the event up."""
    if webhook.state == Webhook.State.DISABLED or not plan_again(event, told.retry_after_s, chance, now):
        end(event, WebhookEvent.State.FAILED)


def _disable(webhook: Webhook, why: Webhook.Disabled) -> None:
    """Disable the webhook, whose row is locked. What waited has failed: a person can have it sent again."""
    webhook.state, webhook.disabled_because = Webhook.State.DISABLED, why
    webhook.save(update_fields=["state", "disabled_because"])
    for event in WebhookEvent.objects.select_for_update().pending().filter(webhook=webhook, claimed_until=None):
        end(event, WebhookEvent.State.FAILED)
