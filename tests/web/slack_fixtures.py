"""A Slack stand-in, a channel of the owner there, and presses of its buttons."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.notifications.channels.slack_blocks import APPROVE, button_value
from runs.engine.sealed_text import seal
from runs.models import NotificationChannel, NotificationRule, SlackAccount, ToolCall
from tests.slack_stand_in import CHANNEL, SECRET, SLACK_ID, TOKEN, Slack, interaction, running_slack, signed

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def slack(settings: Any) -> Iterator[Slack]:
    with running_slack() as server:
        settings.AGENTSITE_SLACK_API = server.url
        settings.AGENTSITE_URL = "https://agents.example.org"
        yield server


@pytest.fixture
def channel(owner: User, slack: Slack) -> NotificationChannel:
    """A Slack channel of the owner, who is told of everything there."""
    address = SlackAddress(token=TOKEN, secret=SECRET, channel=CHANNEL).as_text()
    made = NotificationChannel.objects.create(
        user=owner, kind="slack", name="Approvals", address=seal(address), shown_address=CHANNEL
    )
    rule = NotificationRule.objects.create(user=owner, name="All", events=["run.needs_person"])
    rule.channels.add(made)
    return made


@pytest.fixture
def linked(channel: NotificationChannel, owner: User) -> NotificationChannel:
    """The same with the owner's account."""
    SlackAccount.objects.create(channel=channel, slack_id=SLACK_ID, slack_name="jtorrance", user=owner)
    return channel


def sent(channel: NotificationChannel, body: bytes, **headers: str) -> int:
    """The status of the answer to a request of Slack."""
    about = {"content_type": FORM, "headers": signed(body) | headers}
    return Client(enforce_csrf_checks=True).post(f"/hooks/slack/{channel.pk}", body, **about).status_code  # type: ignore[arg-type]


def press_of(call: ToolCall, action: str = APPROVE, **about: str) -> bytes:
    return interaction(button_value(call.pk, call.arguments_hash, action), action=action, **about)
