"""Webhooks: made, changed, paused, deleted by their owners; their events sent again; each in one transaction.

None as `by` is the command line, which may do everything. Another person's webhook is `Webhook.DoesNotExist`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from runs.agent.json_data.json_values import check_storable_text
from runs.agent.wording import Wording
from runs.engine.db_clock import database_now
from runs.engine.outbound.retry_schedule import TRIED_FOR
from runs.engine.sealed_text import seal
from runs.engine.webhooks.event_body import trial_body
from runs.engine.webhooks.outbox import WAKE_UP
from runs.engine.webhooks.receivers import UrlRefused, checked_url
from runs.engine.webhooks.signing import new_secret, replace_secret
from runs.models import Webhook, WebhookEvent
from runs.models.permissions import may_see_all

MOST_WEBHOOKS: Final = 20
"""Of one person: each is told of every run."""
MOST_TESTS: Final = 5
"""Tests of one webhook that wait to be sent."""
MOST_TESTS_AN_HOUR: Final = 60
"""Of one person's webhooks: anybody's address can be typed."""
MOST_ATTEMPTS: Final = 1000
"""Of one event, those by hand included."""
MAX_NAME_CHARS: Final = 80
DELETED_AT_ONCE: Final = 500
"""Events in one transaction."""


class WebhookRefused(ValueError):
    """Nothing is stored. `faults` has a `Wording` for each field, and those of none under the empty name."""

    def __init__(self, faults: dict[str, Wording]) -> None:
        super().__init__("\n".join(f"{name}: {words}" if name else words for name, words in faults.items()))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """What a person says of a webhook."""

    name: str
    url: str
    event_types: tuple[str, ...]
    is_for_all: bool = False
    """Of all runs, which takes the permission to see them."""
    includes_answer: bool = False


@transaction.atomic
def create_webhook(said: WebhookSettings, *, user: Any, by: Any) -> tuple[Webhook, str]:
    """A new webhook of `user`, and its secret, which can be read only now. Raises `WebhookRefused`."""
    get_user_model().objects.select_for_update().get(pk=user.pk)
    if Webhook.objects.filter(user=user).count() >= MOST_WEBHOOKS:
        raise WebhookRefused({"": Wording("You have %(most)s webhooks, and that is the limit.", most=MOST_WEBHOOKS)})
    secret = new_secret()
    webhook = Webhook(user=user, secret=seal(secret))
    _set(webhook, said, by=by)
    webhook.save(force_insert=True)
    return webhook, secret


@transaction.atomic
def change_webhook(webhook_id: UUID, said: WebhookSettings, *, by: Any) -> Webhook:
    """The webhook with these settings; its secret and its events stay. Raises `WebhookRefused`."""
    webhook = _locked(webhook_id, by)
    _set(webhook, said, by=by)
    webhook.save()
    return webhook


@transaction.atomic
def pause_webhook(webhook_id: UUID, *, by: Any) -> Webhook:
    """Send nothing, and note nothing of what happens meanwhile; what waits is kept. No effect on one that is not
    active."""
    webhook = _locked(webhook_id, by)
    if webhook.state == Webhook.State.ACTIVE:
        webhook.state = Webhook.State.PAUSED
        webhook.save(update_fields=["state"])
    return webhook


@transaction.atomic
def resume_webhook(webhook_id: UUID, *, by: Any) -> Webhook:
    """Let a paused or disabled webhook be told again of what happens from now on, and send what waits."""
    webhook = _locked(webhook_id, by)
    webhook.state, webhook.disabled_because, webhook.failing_since = Webhook.State.ACTIVE, "", None
    webhook.save(update_fields=["state", "disabled_because", "failing_since"])
    WAKE_UP.after_commit()
    return webhook


@transaction.atomic
def rotate_secret(webhook_id: UUID, *, by: Any) -> str:
    """A new secret, which can be read only now. Requests are signed with the old one too for a day."""
    webhook = _locked(webhook_id, by)
    secret = replace_secret(webhook, timezone.now())
    webhook.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return secret


def delete_webhook(webhook_id: UUID, *, by: Any) -> None:
    """Delete the webhook with its events, which are not sent any more."""
    pause_webhook(webhook_id, by=by)
    while _delete_events(webhook_id):
        pass
    with transaction.atomic():
        _locked(webhook_id, by).delete()


@transaction.atomic
def resend_event(uid: UUID, *, by: Any) -> WebhookEvent:
    """Send an event again, now and for a day, with its `webhook-id`. Raises `WebhookRefused` while its webhook is not
    active or the event is being sent, and `WebhookEvent.DoesNotExist`, also for one of a run that `by` may not see."""
    seen = WebhookEvent.objects.all() if by is None else WebhookEvent.objects.visible_to(by)
    webhook = _locked(seen.values_list("webhook_id", flat=True).get(uid=uid), by)
    _check_active(webhook)
    event = WebhookEvent.objects.select_for_update().get(uid=uid)
    now = database_now()
    if event.claimed_until is not None and event.claimed_until >= now:
        raise WebhookRefused({"": Wording("It is being sent right now.")})
    if event.attempts >= MOST_ATTEMPTS:
        raise WebhookRefused({"": Wording("It was tried %(most)s times, and that is the limit.", most=MOST_ATTEMPTS)})
    event.state, event.ended_at, event.claimed_until = WebhookEvent.State.PENDING, None, None
    event.due_at, event.expires_at, event.attempts_before = now, now + TRIED_FOR, event.attempts
    event.save()
    WAKE_UP.after_commit()
    return event


@transaction.atomic
def try_webhook(webhook_id: UUID, *, by: Any) -> WebhookEvent:
    """Send a test, which is about no run. Raises `WebhookRefused` while the webhook is not active or several wait."""
    webhook = _locked(webhook_id, by)
    _check_active(webhook)
    tests = WebhookEvent.objects.pending().filter(webhook=webhook, type=WebhookEvent.TEST)
    if tests.count() >= MOST_TESTS:
        raise WebhookRefused({"": Wording("%(most)s tests wait to be sent already.", most=MOST_TESTS)})
    now, due_at = timezone.now(), database_now()
    if by is not None:
        recent = WebhookEvent.objects.filter(webhook__user=webhook.user_id, type=WebhookEvent.TEST)
        if recent.filter(created_at__gt=now - timedelta(hours=1)).count() >= MOST_TESTS_AN_HOUR:
            words = Wording(
                "You have sent %(most)s tests within an hour, and that is the limit.", most=MOST_TESTS_AN_HOUR
            )
            raise WebhookRefused({"": words})
    event = WebhookEvent.objects.create(
        webhook=webhook,
        type=WebhookEvent.TEST,
        body=trial_body(webhook, now),
        due_at=due_at,
        expires_at=due_at + TRIED_FOR,
        created_at=now,
    )
    WAKE_UP.after_commit()
    return event


def _set(webhook: Webhook, said: WebhookSettings, *, by: Any) -> None:
    """Set the columns. Raises `WebhookRefused` with all faults."""
    faults: dict[str, Wording] = {}
    webhook.name, webhook.event_types = said.name.strip(), _known_types(said.event_types)
    webhook.is_for_all, webhook.includes_answer = said.is_for_all, said.includes_answer
    if (fault := _fault_of_name(webhook.name)) is not None:
        faults["name"] = fault
    try:
        webhook.url = checked_url(said.url)
    except UrlRefused as error:
        faults["url"] = error.args[0]
    if not webhook.event_types or len(webhook.event_types) < len(set(said.event_types)):
        faults["event_types"] = Wording("Choose at least one event.")
    if said.is_for_all and by is not None and not may_see_all(by):
        faults["is_for_all"] = Wording("Your account may not see everybody's runs.")
    if faults:
        raise WebhookRefused(faults)


def _fault_of_name(name: str) -> Wording | None:
    if not name:
        return Wording("Give it a name.")
    if len(name) > MAX_NAME_CHARS:
        return Wording("At most %(most)s characters.", most=MAX_NAME_CHARS)
    try:
        check_storable_text(name)
    except ValueError:
        return Wording("It has a character that cannot be stored.")
    return None


def _known_types(named: Iterable[str]) -> list[str]:
    named = set(named)
    return [each.value for each in Webhook.EventType if each.value in named]


def _locked(webhook_id: UUID, by: Any) -> Webhook:
    """The webhook, whose row is locked; its key stays free for new events."""
    webhooks = Webhook.objects.select_for_update(no_key=True)
    return webhooks.get(pk=webhook_id) if by is None else webhooks.get(pk=webhook_id, user=by)


def _check_active(webhook: Webhook) -> None:
    if webhook.state != Webhook.State.ACTIVE:
        raise WebhookRefused({"": Wording("The webhook is not active: nothing is sent.")})


@transaction.atomic
def _delete_events(webhook_id: UUID) -> bool:
    """Delete some events. False if none was left."""
    events = WebhookEvent.objects.filter(webhook=webhook_id).order_by()
    some = list(events.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    WebhookEvent.objects.filter(pk__in=some).delete()
    return bool(some)
