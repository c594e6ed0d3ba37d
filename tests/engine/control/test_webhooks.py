"""Webhooks: made, changed, paused, deleted by their owners, and their events sent again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone

from runs.engine import control
from runs.engine.control.webhooks import (
    MOST_ATTEMPTS,
    MOST_TESTS,
    MOST_TESTS_AN_HOUR,
    MOST_WEBHOOKS,
    WebhookRefused,
    WebhookSettings,
)
from runs.engine.sealed_text import unseal
from runs.engine.webhooks import outbox
from runs.engine.webhooks.signing import signing_secrets
from runs.models import Webhook, WebhookEvent
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db(transaction=True)

SAID = WebhookSettings(name="Chat", url="https://chat.example/hook", event_types=("run.failed",))


def said(**changes: Any) -> WebhookSettings:
    """`SAID` with changes."""
    about = {name: getattr(SAID, name) for name in SAID.__slots__} | changes
    return WebhookSettings(**about)


def faults(**changes: Any) -> dict[str, str]:
    """The faults of settings with these changes, by field."""
    user = User.objects.create_user("eve")
    with pytest.raises(WebhookRefused) as refused:
        control.create_webhook(said(**changes), user=user, by=user)
    assert Webhook.objects.count() == 0
    return {name: str(words) for name, words in refused.value.faults.items()}


def test_a_new_webhook_has_a_secret_that_is_stored_sealed(ada: User) -> None:
    webhook, secret = control.create_webhook(SAID, user=ada, by=ada)

    row = Webhook.objects.get()
    assert (row, row.state, row.event_types) == (webhook, "active", ["run.failed"])
    assert secret.startswith("whsec_")
    assert secret not in row.secret
    assert unseal(row.secret) == secret


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "Type an address"),
        ("chat.example/hook", "Type an address"),
        ("ftp://chat.example/hook", "Type an address"),
        ("javascript:alert(1)", "Type an address"),
        ("https://chat.example/a b", "Type an address"),
        ("https://chat.example/\u202e", "Type an address"),
        ("https://[::1", "Type an address"),
        ("https://chat.example/" + "x" * 2000, "At most 2,000 characters"),
        ("http://chat.example/hook", "begins with https://"),
        ("https://ada:secret@chat.example/", "user name or password"),
        ("https://chat.example:22/", "The port 22 is not allowed"),
        ("https://127.0.0.1/", "not on the public internet"),
        ("https://[::ffff:10.0.0.1]/", "not on the public internet"),
        ("https://169.254.169.254/latest", "not on the public internet"),
        ("https://localhost/", "not on the public internet"),
    ],
)
def test_an_address_that_no_receiver_can_have_is_refused_with_its_reason(
    transactional_db: None, url: str, why: str
) -> None:
    found = faults(url=url)

    assert list(found) == ["url"]
    assert why in found["url"]


def test_a_host_that_the_settings_name_may_be_told_without_encryption(ada: User, settings: Any) -> None:
    settings.AGENTSITE_WEBHOOK_HOSTS = [("hooks.internal", 9000)]

    webhook, _ = control.create_webhook(said(url=" http://hooks.internal:9000/in "), user=ada, by=ada)

    assert webhook.url == "http://hooks.internal:9000/in"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"event_types": ()}, "event_types"),
        ({"event_types": ("run.failed", "run.unheard_of")}, "event_types"),
        ({"is_for_all": True}, "is_for_all"),
    ],
)
def test_what_is_wrong_with_its_settings_is_said_by_field(
    transactional_db: None, changes: dict[str, Any], field: str
) -> None:
    assert list(faults(**changes)) == [field]


def test_who_may_see_everybodys_runs_may_be_told_of_them(ada: User) -> None:
    ada.user_permissions.add(Permission.objects.get(codename="view_run"))

    webhook, _ = control.create_webhook(said(is_for_all=True), user=ada, by=User.objects.get(pk=ada.pk))

    assert webhook.is_for_all


def test_a_person_has_no_more_webhooks_than_the_limit(ada: User) -> None:
    for _ in range(MOST_WEBHOOKS):
        control.create_webhook(SAID, user=ada, by=ada)

    with pytest.raises(WebhookRefused, match="that is the limit"):
        control.create_webhook(SAID, user=ada, by=ada)


ACTIONS: dict[str, Callable[[Webhook, Any], Any]] = {
    "change": lambda hook, by: control.change_webhook(hook.pk, SAID, by=by),
    "pause": lambda hook, by: control.pause_webhook(hook.pk, by=by),
    "resume": lambda hook, by: control.resume_webhook(hook.pk, by=by),
    "rotate": lambda hook, by: control.rotate_secret(hook.pk, by=by),
    "test": lambda hook, by: control.try_webhook(hook.pk, by=by),
    "delete": lambda hook, by: control.delete_webhook(hook.pk, by=by),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_another_persons_webhook_is_not_there_for_a_superuser_either(ada: User, action: str) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    before = Webhook.objects.values().get()
    root = User.objects.create_superuser("root")

    with pytest.raises(Webhook.DoesNotExist):
        ACTIONS[action](webhook, root)

    assert Webhook.objects.values().get() == before


@pytest.mark.parametrize("action", ACTIONS)
def test_the_command_line_may_do_everything(ada: User, action: str) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)

    ACTIONS[action](webhook, None)

    assert Webhook.objects.exists() == (action != "delete")


def test_a_changed_webhook_keeps_its_secret_and_its_state(ada: User) -> None:
    webhook, secret = control.create_webhook(SAID, user=ada, by=ada)
    control.pause_webhook(webhook.pk, by=ada)

    changed = control.change_webhook(webhook.pk, said(name="New", event_types=("run.completed",)), by=ada)

    row = Webhook.objects.get()
    assert (changed.name, row.name, row.event_types, row.state) == ("New", "New", ["run.completed"], "paused")
    assert unseal(row.secret) == secret


def test_two_secrets_sign_for_a_day_after_a_rotation_and_never_three(ada: User) -> None:
    webhook, first = control.create_webhook(SAID, user=ada, by=ada)
    second = control.rotate_secret(webhook.pk, by=ada)
    third = control.rotate_secret(webhook.pk, by=ada)

    row, now = Webhook.objects.get(), timezone.now()

    assert signing_secrets(row, now) == [third, second]
    assert signing_secrets(row, now + timedelta(days=1)) == [third]
    assert first not in (second, third)


def test_a_resumed_webhook_is_active_as_if_it_had_never_failed(ada: User) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    Webhook.objects.update(state="disabled", disabled_because="failing", failing_since=timezone.now())

    row = control.resume_webhook(webhook.pk, by=ada)

    row.refresh_from_db()
    assert (row.state, row.disabled_because, row.failing_since) == ("active", "", None)


def test_a_pause_of_a_disabled_webhook_leaves_it_disabled(ada: User) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    Webhook.objects.update(state="disabled", disabled_because="gone")

    assert control.pause_webhook(webhook.pk, by=ada).state == "disabled"


def test_a_deleted_webhook_takes_its_events_with_it(ada: User) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    control.try_webhook(webhook.pk, by=ada)

    control.delete_webhook(webhook.pk, by=ada)

    assert (Webhook.objects.count(), WebhookEvent.objects.count()) == (0, 0)


def test_few_tests_of_a_webhook_wait_at_a_time(ada: User) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    for _ in range(MOST_TESTS):
        control.try_webhook(webhook.pk, by=ada)

    with pytest.raises(WebhookRefused, match="wait to be sent already"):
        control.try_webhook(webhook.pk, by=ada)


def failed_event(ada: User) -> WebhookEvent:
    """An event of Ada's that was given up."""
    control.create_webhook(SAID, user=ada, by=ada)
    with transaction.atomic():
        outbox.note(ended_run(ada, status="failed"))
    WebhookEvent.objects.update(state="failed", attempts=8, due_at=None, ended_at=timezone.now())
    return WebhookEvent.objects.get()


def test_an_event_is_sent_again_for_another_day(ada: User) -> None:
    event = failed_event(ada)

    control.resend_event(event.uid, by=ada)

    row = WebhookEvent.objects.get()
    assert (row.state, row.attempts, row.attempts_before, row.ended_at) == ("pending", 8, 8, None)
    assert row.due_at is not None
    assert row.expires_at - row.due_at == timedelta(days=1)


def test_an_event_is_not_sent_again_while_it_is_being_sent(ada: User) -> None:
    event = failed_event(ada)
    WebhookEvent.objects.update(state="pending", claimed_until=timezone.now() + timedelta(seconds=9))

    with pytest.raises(WebhookRefused, match="right now"):
        control.resend_event(event.uid, by=ada)


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_nothing_is_sent_for_a_webhook_that_is_not_active(ada: User, state: str) -> None:
    event = failed_event(ada)
    Webhook.objects.update(state=state)

    with pytest.raises(WebhookRefused, match="not active"):
        control.resend_event(event.uid, by=ada)
    with pytest.raises(WebhookRefused, match="not active"):
        control.try_webhook(event.webhook_id, by=ada)


def test_an_event_of_a_run_that_a_person_may_not_see_any_more_is_not_there(ada: User) -> None:
    event = failed_event(ada)
    WebhookEvent.objects.update(run=ended_run(User.objects.create_user("bea")))

    with pytest.raises(WebhookEvent.DoesNotExist):
        control.resend_event(event.uid, by=ada)


def test_a_secret_that_cannot_be_read_is_replaced_by_one_that_signs_at_once(ada: User, settings: Any) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    settings.SECRET_KEY = "another key of the site"

    secret = control.rotate_secret(webhook.pk, by=ada)

    webhook.refresh_from_db()
    assert signing_secrets(webhook, timezone.now()) == [secret]


def test_a_person_sends_a_bounded_number_of_tests_in_an_hour(ada: User) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    for _ in range(MOST_TESTS_AN_HOUR):
        control.try_webhook(webhook.pk, by=ada)
        WebhookEvent.objects.update(state="delivered")

    with pytest.raises(WebhookRefused, match="within an hour"):
        control.try_webhook(webhook.pk, by=ada)

    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert control.try_webhook(webhook.pk, by=ada).state == "pending"


def test_an_event_is_sent_again_a_bounded_number_of_times(ada: User) -> None:
    webhook, _ = control.create_webhook(SAID, user=ada, by=ada)
    event = control.try_webhook(webhook.pk, by=ada)
    WebhookEvent.objects.update(state="delivered", attempts=MOST_ATTEMPTS)

    with pytest.raises(WebhookRefused, match="that is the limit"):
        control.resend_event(event.uid, by=ada)
