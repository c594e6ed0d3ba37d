"""Slack: presses of buttons decide as the person whose account pressed, and messages say who decided anywhere."""

import asyncio
import json
import re
import time
from collections.abc import Callable

from django.contrib.auth.models import User
from django.core import signing
from django.test import Client
from django.urls import reverse

from runs.engine import control
from runs.engine.control.slack_decisions import ACCOUNT_SALT
from runs.engine.db_clock import database_now
from runs.engine.notifications import outbox
from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.notifications.channels.slack_blocks import APPROVE, DENY, button_value
from runs.engine.notifications.sender import NotificationSender
from runs.engine.notifications.slack_updates import SlackUpdates
from runs.engine.sealed_text import unseal
from runs.models import NotificationChannel, NotificationDelivery, NotificationRule, SlackAccount, Surface, ToolCall
from tests.slack_stand_in import (
    CHANNEL,
    SECRET,
    SLACK_ID,
    TOKEN,
    Slack,
    buttons_of,
    interaction,
    signed,
)
from tests.web.slack_fixtures import press_of, sent
from tests.web.waiting_fixtures import Ask


def send_all() -> None:
    """What the senders of a process do, once."""
    for sender in (NotificationSender(), SlackUpdates()):
        for address_id, _ in sender.waiting(database_now()):
            for claimed in sender.claim(address_id, 10, database_now()):
                result = asyncio.run(sender.tell(claimed))  # type: ignore[arg-type]
                sender.record(claimed, result, database_now())  # type: ignore[arg-type]


def test_a_press_of_a_linked_account_decides_as_its_person(linked: NotificationChannel, owner: User, ask: Ask) -> None:
    first, second = ask(owner), ask(owner)

    statuses = [sent(linked, press_of(first)), sent(linked, press_of(second, DENY))]

    assert statuses == [200, 200]
    for call, state in ((first, "approved"), (second, "denied")):
        call.refresh_from_db()
        assert (call.state, call.decided_by, call.surface) == (state, owner, Surface.SLACK)


def test_a_press_of_an_unknown_account_decides_nothing_and_is_told_how_to_link_it(
    channel: NotificationChannel, owner: User, slack: Slack, browser_of: Callable[[User], Client], ask: Ask
) -> None:
    call, browser = ask(owner), browser_of(owner)

    first = sent(channel, press_of(call))
    (told,) = slack.ephemeral
    path = re.search(r"<https://agents.example.org(/[^|]+)\|", told["text"])
    assert path is not None
    call.refresh_from_db()
    before = call.state
    page = browser.get(path[1]).content.decode()
    unlinked = SlackAccount.objects.exists()
    browser.post(path[1])
    sent(channel, press_of(call, ts="1.2"))

    assert (first, before, told["user"], unlinked) == (200, "awaiting_approval", SLACK_ID, False)
    assert "jtorrance" in page and SLACK_ID in page
    call.refresh_from_db()
    assert (call.state, call.decided_by) == ("approved", owner)


def test_whoever_set_a_channel_up_cannot_speak_for_others(
    channel: NotificationChannel, owner: User, staff: User, other: User, browser_of: Callable[[User], Client], ask: Ask
) -> None:
    token = signing.dumps([str(channel.pk), "U2", "somebody"], salt=ACCOUNT_SALT)
    path = f"/settings/notifications/slack/link/{token}/"
    call = ask(other)

    refused = browser_of(other).post(path).status_code
    SlackAccount.objects.create(channel=channel, slack_id="U2", slack_name="x", user=other)  # Before a right was taken.
    sent(channel, press_of(call, slack_id="U2"))

    call.refresh_from_db()
    assert (refused, call.state) == (403, "awaiting_approval")
    channel.user = staff  # Who may decide about everybody's calls anyway.
    channel.save()
    sent(channel, press_of(call, slack_id="U2", ts="1.2"))
    call.refresh_from_db()
    assert (call.state, call.decided_by) == ("approved", other)


def test_a_person_who_may_not_decide_about_a_call_is_told_so(
    linked: NotificationChannel, other: User, slack: Slack, ask: Ask
) -> None:
    call = ask(other)

    assert sent(linked, press_of(call)) == 200

    call.refresh_from_db()
    assert call.state == "awaiting_approval"
    assert "may not decide" in slack.ephemeral[0]["text"]


def test_who_comes_second_is_told_who_was_first_and_where(
    linked: NotificationChannel, owner: User, staff: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)
    control.deny(call.pk, by=staff, arguments_hash=call.arguments_hash, surface=Surface.MAIL)

    assert sent(linked, press_of(call)) == 200

    assert "already denied by staff, by a link in a mail" in slack.ephemeral[0]["text"]


def test_forged_old_foreign_and_repeated_requests_decide_nothing(
    linked: NotificationChannel, owner: User, ask: Ask
) -> None:
    call = ask(owner)
    body = press_of(call)
    old, wrong = signed(body, at=time.time() - 301), signed(body, secret="another secret of Slack")
    early = signed(body, at=time.time() + 301)

    assert [sent(linked, body, **each) for each in (old, wrong, early, {"X-Slack-Signature": ""})] == [404] * 4
    headers = signed(body)
    assert sent(linked, body, **headers) == 200
    control.undo_approval(call.pk, by=owner)
    ToolCall.objects.filter(pk=call.pk).update(undo_until=None)
    assert sent(linked, body, **headers) == 200  # A replay within the five minutes.
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_a_button_of_another_site_or_with_other_arguments_decides_nothing(
    linked: NotificationChannel, owner: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)

    for value in ("x", signing.dumps([call.pk.hex, call.arguments_hash, APPROVE], salt="another")):
        assert sent(linked, interaction(value)) == 200
    assert sent(linked, interaction(button_value(call.pk, "0" * 64, APPROVE))) == 200

    call.refresh_from_db()
    assert call.state == "awaiting_approval"
    assert len(slack.ephemeral) == 3


def test_what_is_no_press_is_refused_or_ignored(linked: NotificationChannel) -> None:
    ignored = [b"payload=" + text for text in (b"{}", b'{"type": "view_closed"}', b'{"type": "block_actions"}', b"[]")]
    wrong = [b"", b"payload", b"payload={", b"x=1", b"\xff\xfe", b"payload=" + b"[" * 50_000, b"payload=1&" * 20]
    lacking = b'payload={"type":"block_actions","actions":[{"action_id":"agentsite_deny"}]}'

    assert {sent(linked, body) for body in ignored} == {200}
    assert {sent(linked, body) for body in (*wrong, lacking)} == {422}
    assert sent(linked, b"payload=" + b"x" * 300_000) == 413
    assert Client().get(f"/hooks/slack/{linked.pk}").status_code == 405


def test_a_message_is_posted_with_buttons_and_changed_wherever_it_is_decided(
    linked: NotificationChannel, owner: User, staff: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)
    outbox.note(call.run)
    send_all()
    (posted,) = slack.messages.values()
    before = buttons_of(posted)

    control.deny(call.pk, by=staff, arguments_hash=call.arguments_hash, surface=Surface.INBOX)
    send_all()

    (changed,) = slack.messages.values()
    assert list(before) == ["Approve", "Deny"]
    assert buttons_of(changed) == {} and "Denied by staff in the inbox" in json.dumps(changed)
    assert slack.refused == []
    assert NotificationDelivery.objects.get().reference == ""


def test_a_message_is_changed_at_once_when_one_of_its_buttons_is_pressed(
    linked: NotificationChannel, owner: User, slack: Slack, ask: Ask
) -> None:
    first = ask(owner)
    second = ask(owner, run=first.run, to="eve")
    outbox.note(first.run)
    send_all()
    (posted,) = slack.messages.values()

    sent(linked, press_of(first, ts=posted["ts"]))
    send_all()
    (between,) = slack.messages.values()
    control.cancel(second.run_id, by=owner)
    send_all()

    (after,) = slack.messages.values()
    assert "Approved by owner in Slack" in json.dumps(between) and list(buttons_of(between)) == ["Approve", "Deny"]
    assert buttons_of(after) == {} and "Not decided" in json.dumps(after)


def test_an_update_that_slack_does_not_take_is_sent_again_later(
    linked: NotificationChannel, owner: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)
    outbox.note(call.run)
    send_all()
    control.deny(call.pk, by=owner, arguments_hash=call.arguments_hash)
    slack.next_answers.append((429, {"Retry-After": "60"}, {"ok": False, "error": "ratelimited"}))

    send_all()
    send_all()
    waits = slack.messages.copy()
    NotificationDelivery.objects.update(claimed_until=database_now())
    send_all()

    assert buttons_of(next(iter(waits.values()))) != {}
    assert "Denied by owner" in json.dumps(list(slack.messages.values()))


def test_a_channel_is_made_shown_without_its_secrets_and_deleted(
    owner: User, other: User, browser_of: Callable[[User], Client]
) -> None:
    browser = browser_of(owner)
    about = {"name": "Approvals", "channel": CHANNEL, "token": TOKEN, "secret": SECRET}

    wrong = browser.post("/settings/notifications/slack/", about | {"token": "abc", "channel": "#general"})
    made = browser.post("/settings/notifications/slack/", about)
    channel = NotificationChannel.objects.get()
    text = browser.get("/settings/notifications/slack/").content.decode()
    texts = [browser.get(reverse("runs:channel", args=[channel.pk])), browser.get("/settings/notifications/")]
    foreign = browser_of(other).post(f"/settings/notifications/slack/{channel.pk}/delete/").status_code
    browser.post(f"/settings/notifications/slack/{channel.pk}/delete/")

    assert (wrong.status_code, made.status_code, foreign) == (422, 302, 404)
    assert TOKEN not in wrong.content.decode() and "begins with xoxb-" in wrong.content.decode()
    assert f"/hooks/slack/{channel.pk}" in text and TOKEN not in text and SECRET not in text
    assert TOKEN not in channel.address
    for page in texts:
        assert page.status_code == 200 and "Approvals" in page.content.decode() and TOKEN not in page.content.decode()
    assert not NotificationChannel.objects.exists()


def test_token_and_secret_are_changed_on_the_page_and_the_accounts_stay(
    linked: NotificationChannel, browser_of: Callable[[User], Client], owner: User, other: User
) -> None:
    NotificationChannel.objects.update(state="disabled", disabled_because="gone")
    path = f"/settings/notifications/slack/{linked.pk}/"
    typed = {"name": "Shop", "channel": CHANNEL, "token": "xoxb-2", "secret": ""}

    foreign = browser_of(other).post(path, typed).status_code
    wrong = browser_of(owner).post(path, typed | {"token": "xoxp-1"})
    page = browser_of(owner).get("/settings/notifications/slack/").content.decode()
    changed = browser_of(owner).post(path, typed).status_code
    linked.refresh_from_db()

    assert (foreign, wrong.status_code, changed) == (404, 422, 302)
    assert '<details class="stack" open>' in wrong.content.decode() and "xoxp-1" not in wrong.content.decode()
    assert "Nothing is sent until" in page and TOKEN not in page and SECRET not in page
    assert (linked.name, linked.state) == ("Shop", "active")
    assert SlackAddress.of(unseal(linked.address)) == SlackAddress(token="xoxb-2", secret=SECRET, channel=CHANNEL)
    assert SlackAccount.objects.count() == 1


def test_a_name_is_changed_while_the_address_cannot_be_read(
    channel: NotificationChannel, browser_of: Callable[[User], Client], owner: User
) -> None:
    NotificationChannel.objects.update(address="00")
    typed = {"name": "Shop", "channel": CHANNEL, "token": "", "secret": ""}

    status = browser_of(owner).post(f"/settings/notifications/slack/{channel.pk}/", typed).status_code

    channel.refresh_from_db()
    assert (status, channel.name) == (302, "Shop")


def test_the_page_of_a_slack_channel_among_the_others_asks_for_no_address(
    channel: NotificationChannel, browser_of: Callable[[User], Client], owner: User
) -> None:
    path = f"/settings/notifications/channels/{channel.pk}/"

    page = browser_of(owner).get(path).content.decode()
    renamed = browser_of(owner).post(path, {"name": "Shop"}).status_code

    channel.refresh_from_db()
    assert 'name="address"' not in page and 'href="/settings/notifications/slack/"' in page
    assert (renamed, channel.name) == (302, "Shop")


def test_an_account_is_unlinked_by_its_person_or_by_whose_channel_it_is(
    linked: NotificationChannel, other: User, browser_of: Callable[[User], Client], owner: User
) -> None:
    path = f"/settings/notifications/slack/accounts/{SlackAccount.objects.get().pk}/unlink/"

    statuses = [browser_of(user).post(path).status_code for user in (other, owner)]

    assert statuses == [404, 302]
    assert not SlackAccount.objects.exists()


def test_who_may_not_see_a_run_any_more_is_told_nothing_more_of_it(
    channel: NotificationChannel, slack: Slack, staff: User, other: User, ask: Ask
) -> None:
    channel.user = staff
    channel.save()
    NotificationRule.objects.update(user=staff, is_for_all=True)
    call = ask(other)
    outbox.note(call.run)
    send_all()
    (posted,) = slack.messages.values()

    User.objects.filter(pk=staff.pk).update(is_superuser=False)
    control.approve(call.pk, by=other, arguments_hash=call.arguments_hash)
    send_all()

    (changed,) = slack.messages.values()
    assert call.run.task in json.dumps(posted)
    assert call.run.task not in json.dumps(changed) and "may not see this run any more" in json.dumps(changed)
