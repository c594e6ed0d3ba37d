"""`manage.py webhooks`."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from runs.engine import control
from runs.engine.control.webhooks import WebhookSettings
from runs.models import Webhook, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def webhook(transactional_db: None) -> Webhook:
    """Ada's, with a secret in its address."""
    ada = User.objects.create_user("ada")
    said = WebhookSettings(name="Chat\nroom", url="https://chat.example/hook?key=hidden", event_types=("run.failed",))
    return control.create_webhook(said, user=ada, by=ada)[0]


def event_of(webhook: Webhook, **columns: Any) -> WebhookEvent:
    """A failed event."""
    about = {"type": "run.failed", "body": "{}", "state": "failed", "created_at": timezone.now()}
    return WebhookEvent.objects.create(webhook=webhook, expires_at=timezone.now(), **about | columns)


def webhooks(*arguments: object) -> str:
    """What the command prints."""
    printed = io.StringIO()
    call_command("webhooks", *map(str, arguments), stdout=printed, stderr=io.StringIO())
    return printed.getvalue()


def test_everybodys_webhooks_are_listed_a_line_each_without_what_may_be_secret(webhook: Webhook) -> None:
    event_of(webhook)

    line = f"{webhook.pk}  active  0 waiting, 1 failed  ada  Chat room  https://chat.example/hook\n"
    assert webhooks("list") == line
    assert webhooks("list", "--user", "ada") == line
    assert webhooks("list", "--user", "bea") == ""


def test_the_events_of_a_webhook_are_listed_by_their_state(webhook: Webhook) -> None:
    failed, delivered = event_of(webhook), event_of(webhook, state="delivered")

    assert str(failed.uid) in webhooks("events", webhook.pk)
    assert str(delivered.uid) in webhooks("events", webhook.pk)
    assert str(delivered.uid) not in webhooks("events", webhook.pk, "--state", "failed")


def test_events_are_sent_again_by_their_ids_or_all_that_failed(webhook: Webhook) -> None:
    first, second, delivered = event_of(webhook), event_of(webhook), event_of(webhook, state="delivered")

    webhooks("resend", first.message_id, delivered.uid)
    by_id = list(WebhookEvent.objects.order_by("pk").values_list("state", flat=True))
    printed = webhooks("resend", "--failed", webhook.pk)

    assert by_id == ["pending", "failed", "pending"]
    assert printed == f"{second.uid}  pending\n"
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"pending"}


def test_a_refused_event_does_not_keep_the_others_from_being_tried(webhook: Webhook) -> None:
    event_of(webhook)
    event_of(webhook)
    control.pause_webhook(webhook.pk, by=None)

    with pytest.raises(CommandError, match="2 not sent again"):
        webhooks("resend", "--failed", webhook.pk)


def test_a_webhook_is_paused_resumed_and_tested(webhook: Webhook) -> None:
    assert webhooks("pause", webhook.pk) == "paused\n"
    with pytest.raises(CommandError, match="not active"):
        webhooks("test", webhook.pk)
    assert webhooks("resume", webhook.pk) == "active\n"
    assert webhooks("test", webhook.pk) == f"{WebhookEvent.objects.get().uid}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pause", "x"), "'x' is not the id of a webhook"),
        (("pause", "00000000-0000-0000-0000-000000000000"), "There is no webhook"),
        (("resend", "evt_x"), "'x' is not the id of an event"),
        (("resend", "evt_00000000000000000000000000000000"), "There is no event"),
        (("resend",), "Name events, or give --failed"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(
    transactional_db: None, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        webhooks(*arguments)

    assert refused.value.returncode == 2
