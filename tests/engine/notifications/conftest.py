"""A mail server, channels and rules of people, and a sender that does not wait."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine.notifications.sender import NotificationSender
from runs.engine.outbound.sender import SenderTimings
from runs.engine.sealed_text import seal
from runs.models import NotificationChannel, NotificationRule
from tests.mail_server import MailServer

ALL_EVENTS = tuple(NotificationRule.Event.values)
AT_ONCE = SenderTimings(look_every_s=0.02, attempt_limit_s=5)


@pytest.fixture
def mails(settings: Any) -> Iterator[MailServer]:
    """A mail server on this machine, which the settings name."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "Agentsite <agentsite@example.org>"
        settings.AGENTSITE_URL = "https://agents.example.org"
        yield server


def mail_channel(user: User, **columns: Any) -> NotificationChannel:
    """A channel to the person's mailbox."""
    address = f"{user.username}@example.org"
    about = {"kind": "email", "name": "Mail", "address": seal(address), "shown_address": address} | columns
    return NotificationChannel.objects.create(user=user, **about)


def rule_of(user: User, *channels: NotificationChannel, **columns: Any) -> NotificationRule:
    """A rule of the person, about everything unless told otherwise."""
    rule = NotificationRule.objects.create(user=user, **{"name": "All", "events": list(ALL_EVENTS)} | columns)
    rule.channels.set(channels)
    return rule


@pytest.fixture
def send(transactional_db: None) -> Iterator[Callable[..., NotificationSender]]:
    """Start a sender. Stopped after the test."""
    started: list[NotificationSender] = []

    def start(timings: SenderTimings = AT_ONCE, **about: Any) -> NotificationSender:
        sender = NotificationSender(timings, **about)
        sender.start()
        started.append(sender)
        return sender

    yield start
    for sender in started:
        sender.stop()
