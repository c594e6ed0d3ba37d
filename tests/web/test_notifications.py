"""The pages of notifications, and what open pages are told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from runs.engine.notifications import outbox
from runs.engine.sealed_text import unseal
from runs.models import Notification, NotificationChannel, NotificationDelivery, NotificationRule, Run
from tests.engine.notifications.conftest import mail_channel, rule_of

Browser = Callable[..., Client]
MakeRun = Callable[..., Run]
HOME = "/settings/notifications/"
RULE = {"name": "Failures", "events": ["run.failed"], "waits_over_s": "0", "scope": "own", "in_page": "on"}


def text_of(response: Any) -> str:
    """The page."""
    return str(response.content.decode())


def note(run: Run) -> Notification:
    """What a change of the run writes."""
    with transaction.atomic():
        outbox.note(run)
    return Notification.objects.latest("created_at")


def test_a_page_without_rules_offers_three_recipes_that_fill_the_form(owner: User, browser_of: Browser) -> None:
    browser = browser_of(owner)
    recipes = [f"{HOME}rules/new/?recipe={name}" for name in ("failures", "waits", "ends")]

    home, forms = text_of(browser.get(HOME)), [text_of(browser.get(each)) for each in recipes]

    assert all(each in home for each in recipes)
    assert 'value="run.failed" checked' in forms[0]
    assert 'value="300"\n' in forms[1] or 'value="300" selected' in forms[1].replace("\n", " ")


def test_a_rule_is_made_said_as_a_sentence_changed_switched_off_and_deleted(owner: User, browser_of: Browser) -> None:
    browser, channel = browser_of(owner), mail_channel(owner)
    said = RULE | {"events": ["run.needs_person"], "waits_over_s": "300", "channels": [str(channel.pk)]}
    made = browser.post(f"{HOME}rules/new/", said)
    rule = NotificationRule.objects.get()

    home = text_of(browser.get(HOME))
    browser.post(f"{HOME}rules/{rule.pk}/", RULE)
    browser.post(f"{HOME}rules/{rule.pk}/switch/")
    rule.refresh_from_db()
    left = browser.post(f"{HOME}rules/{rule.pk}/delete/")

    assert (made.status_code, made.headers["Location"]) == (302, HOME)
    assert "When a run waits for a person over 5 minutes (your runs): told by Mail, open pages." in home
    assert (rule.events, rule.waits_over_s, rule.is_active, rule.channels.count()) == (["run.failed"], 0, False, 0)
    assert (left.status_code, NotificationRule.objects.count()) == (302, 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": " "}, "Give it a name."),
        ({"events": []}, "Choose at least one event."),
        ({"in_page": ""}, "Choose at least one way to be told."),
        ({"scope": "all"}, "Your account may not see everybody"),
        ({"waits_over_s": "7"}, "7 is not one of the available choices."),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(
    owner: User, browser_of: Browser, change: dict[str, Any], told: str
) -> None:
    response = browser_of(owner).post(f"{HOME}rules/new/", RULE | change)

    assert response.status_code == 422
    assert told in text_of(response)
    assert NotificationRule.objects.count() == 0


def test_a_channel_of_somebody_else_is_none(owner: User, staff: User, browser_of: Browser) -> None:
    theirs = mail_channel(staff)

    response = browser_of(owner).post(f"{HOME}rules/new/", RULE | {"channels": [str(theirs.pk)]})

    assert response.status_code == 422


def test_a_channel_is_made_with_a_test_and_its_address_is_kept_sealed(owner: User, browser_of: Browser) -> None:
    browser = browser_of(owner)
    secret = "ntfys://ntfy.sh/a-very-secret-topic"
    said = {"kind": "apprise", "name": "Phone", "address": secret}

    browser.post(f"{HOME}channels/new/", said)
    channel = NotificationChannel.objects.get()
    pages = text_of(browser.get(HOME)) + text_of(browser.get(f"{HOME}channels/{channel.pk}/"))

    assert unseal(channel.address) == secret
    assert "secret-topic" not in pages + channel.address
    assert f"ntfys://… ({len(secret)})" in pages
    assert NotificationDelivery.objects.get().notification.event == Notification.TEST


@pytest.mark.parametrize(
    ("kind", "address", "told"),
    [
        ("email", "nobody", "Type an e-mail address"),
        ("email", "a@b.example\r\nBcc: c@d.example", "Type an e-mail address"),
        ("apprise", "file:///etc/passwd", "does not send to file"),
        ("apprise", "exec://ls", "does not send to exec"),
        ("apprise", "https://example.org/", "does not send to https"),
        ("apprise", "ntfy://x?template=/etc/passwd", "template is not taken"),
        ("apprise", "hello", "Type an address of Apprise"),
        ("slack", "x", "is not one of the available choices"),
    ],
)
def test_an_address_that_no_channel_can_have_is_refused(
    owner: User, browser_of: Browser, kind: str, address: str, told: str
) -> None:
    response = browser_of(owner).post(f"{HOME}channels/new/", {"kind": kind, "name": "X", "address": address})

    assert response.status_code == 422
    assert told in text_of(response) or kind == "slack"
    assert NotificationChannel.objects.count() == 0


def test_a_channel_is_paused_activated_renamed_and_deleted(owner: User, browser_of: Browser) -> None:
    browser, channel = browser_of(owner), mail_channel(owner)
    states = []

    for action in ("pause", "resume"):
        browser.post(f"{HOME}channels/{channel.pk}/{action}/")
        channel.refresh_from_db()
        states.append(channel.state)
    browser.post(f"{HOME}channels/{channel.pk}/", {"name": "Post", "address": ""})
    channel.refresh_from_db()
    browser.post(f"{HOME}channels/{channel.pk}/delete/")

    assert (states, channel.name, channel.shown_address) == (["paused", "active"], "Post", "owner@example.org")
    assert NotificationChannel.objects.count() == 0


def test_a_disabled_channel_with_another_address_is_active_again(owner: User, browser_of: Browser) -> None:
    channel = mail_channel(owner, state="disabled", disabled_because="gone", last_error="550")

    browser_of(owner).post(f"{HOME}channels/{channel.pk}/", {"name": "Mail", "address": "new@example.org"})
    channel.refresh_from_db()

    assert (channel.state, channel.last_error, channel.shown_address) == ("active", "", "new@example.org")


def test_the_log_says_what_was_told_and_a_delivery_is_sent_again(
    owner: User, browser_of: Browser, make_run: MakeRun
) -> None:
    rule_of(owner, mail_channel(owner))
    note(make_run(owner, status="failed"))
    NotificationDelivery.objects.update(state="failed", error="The mail server answered 451 Later", due_at=None)
    delivery, browser = NotificationDelivery.objects.get(), browser_of(owner)

    home = text_of(browser.get(HOME))
    browser.post(f"{HOME}deliveries/{delivery.uid}/resend/")
    delivery.refresh_from_db()

    assert "The mail server answered 451 Later" in home
    assert delivery.state == "pending"


def test_open_pages_are_told_once_of_what_happened(owner: User, browser_of: Browser, make_run: MakeRun) -> None:
    rule_of(owner)
    run, browser = make_run(owner, status="failed"), browser_of(owner)
    note(run)

    (news,) = browser.get("/inbox/count/").json()["news"]
    seen = browser.post(f"{HOME}seen/", {"id": news["id"]}).json()

    assert (news["path"], seen) == (run.get_absolute_url(), {"seen": 1})
    assert "failed: " in news["title"]
    assert browser.get("/inbox/count/").json()["news"] == []


def test_open_pages_are_not_told_what_is_not_due_decided_of_others_or_not_for_them(
    owner: User, staff: User, browser_of: Browser, make_run: MakeRun
) -> None:
    waits = {"status": "waiting", "waiting_for": "approval", "epoch": 1}
    rule_of(owner, waits_over_s=300, name="later")
    rule_of(owner, in_page=False, name="quiet")
    note(make_run(owner, **waits))
    decided = make_run(owner, **waits)
    note(decided)
    Notification.objects.filter(run=decided).update(due_at=timezone.now() - timedelta(minutes=1))
    Run.objects.filter(pk=decided.pk).update(epoch=2)

    assert browser_of(owner).get("/inbox/count/").json()["news"] == []
    assert browser_of(staff).get("/inbox/count/").json()["news"] == []


def test_nobody_marks_the_notifications_of_others_as_seen(
    owner: User, other: User, browser_of: Browser, make_run: MakeRun
) -> None:
    rule_of(owner)
    notification = note(make_run(owner, status="failed"))

    answers = [browser_of(other).post(f"{HOME}seen/", {"id": each}) for each in (str(notification.pk), "x")]

    assert [each.status_code for each in answers] == [200, 422]
    assert answers[0].json() == {"seen": 0}


def test_who_may_see_everybody_may_be_told_of_everybody(staff: User, browser_of: Browser) -> None:
    staff.user_permissions.add(Permission.objects.get(codename="view_run"))

    response = browser_of(User.objects.get(pk=staff.pk)).post(f"{HOME}rules/new/", RULE | {"scope": "all"})

    assert response.status_code == 302
    assert NotificationRule.objects.get().is_for_all
