"""Presses in Slack of people who are known by their e-mail address."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.models import NotificationChannel, SlackAccount, Surface
from tests.slack_stand_in import SLACK_ID, Slack
from tests.web.slack_fixtures import press_of, sent
from tests.web.waiting_fixtures import Ask


def known_by_email(slack: Slack, user: User, **about: Any) -> None:
    """Give the Slack account the person's address, and the app the scopes that tell it."""
    user.email = "Ada@example.org"
    user.save()
    slack.scopes |= {"users:read", "users:read.email"}
    slack.people[SLACK_ID] = {"email": "ada@Example.org"} | about


def test_who_has_the_confirmed_address_of_the_slack_account_decides_without_linking_it(
    channel: NotificationChannel, owner: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)
    known_by_email(slack, owner)

    assert sent(channel, press_of(call)) == 200

    call.refresh_from_db()
    assert (call.state, call.decided_by, call.surface) == ("approved", owner, Surface.SLACK)
    assert (slack.ephemeral, slack.refused, SlackAccount.objects.exists()) == ([], [], False)


@pytest.mark.parametrize(
    "about",
    [
        {"is_email_confirmed": False},
        {"is_stranger": True},
        {"deleted": True},
        {"is_bot": True},
        {"email": ""},
        {"email": None},
        {"email": "ada@example.org\x00"},
        {"email": "other@example.org"},
        {"id": "U0000000000"},
    ],
)
def test_an_address_that_proves_nobody_decides_nothing_and_says_how_to_link(
    channel: NotificationChannel, owner: User, slack: Slack, ask: Ask, about: dict[str, Any]
) -> None:
    call = ask(owner)
    known_by_email(slack, owner, **about)

    assert sent(channel, press_of(call)) == 200

    call.refresh_from_db()
    assert call.state == "awaiting_approval"
    assert "|Link it>" in slack.ephemeral[0]["text"] and "e-mail address" in slack.ephemeral[0]["text"]


@pytest.mark.parametrize("scopes", [{"chat:write"}, {"chat:write", "users:read"}])
def test_without_the_scopes_people_link_their_accounts_themselves(
    channel: NotificationChannel, owner: User, slack: Slack, ask: Ask, scopes: set[str]
) -> None:
    call = ask(owner)
    known_by_email(slack, owner)
    slack.scopes = scopes

    assert sent(channel, press_of(call)) == 200

    call.refresh_from_db()
    channel.refresh_from_db()
    assert (call.state, channel.state) == ("awaiting_approval", "active")
    assert "|Link it>" in slack.ephemeral[0]["text"]


def test_an_address_of_two_people_or_of_one_who_is_inactive_is_nobodys(
    channel: NotificationChannel, owner: User, other: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)
    known_by_email(slack, owner)
    User.objects.filter(pk=other.pk).update(email="ada@example.org")
    sent(channel, press_of(call))
    User.objects.filter(pk=other.pk).update(email="")
    User.objects.filter(pk=owner.pk).update(is_active=False)

    sent(channel, press_of(call, ts="1.2"))

    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_an_address_speaks_for_others_only_where_a_link_would(
    channel: NotificationChannel, owner: User, other: User, staff: User, slack: Slack, ask: Ask
) -> None:
    call = ask(other)
    known_by_email(slack, other)

    sent(channel, press_of(call))
    call.refresh_from_db()
    before = call.state
    channel.user = staff  # Who may decide about everybody's calls anyway.
    channel.save()
    sent(channel, press_of(call, ts="1.2"))

    call.refresh_from_db()
    assert (before, call.state, call.decided_by) == ("awaiting_approval", "approved", other)


def test_a_linked_account_is_its_persons_whatever_its_address(
    linked: NotificationChannel, owner: User, other: User, slack: Slack, ask: Ask
) -> None:
    call = ask(owner)
    known_by_email(slack, other)

    sent(linked, press_of(call))

    call.refresh_from_db()
    assert call.decided_by == owner


def test_who_is_not_known_is_told_in_the_language_of_the_channel(
    channel: NotificationChannel, owner: User, slack: Slack, ask: Ask
) -> None:
    channel.language = "de"
    channel.save()

    sent(channel, press_of(ask(owner)))

    assert "ist mit keinem Konto von Agentsite verbunden" in slack.ephemeral[0]["text"]
