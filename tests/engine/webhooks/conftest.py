"""A receiver that the settings name, webhooks that lead to it, and a sender that does not wait."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine.control.webhooks import WebhookSettings, create_webhook
from runs.engine.outbound.sender import SenderTimings
from runs.engine.webhooks.sender import WebhookSender
from runs.models import Agent, Run, Webhook
from tests.webhook_receiver import WebhookReceiver

ALL_TYPES = tuple(Webhook.EventType.values)
AT_ONCE = SenderTimings(look_every_s=0.02, attempt_limit_s=5)


@pytest.fixture
def receiver(settings: Any) -> Iterator[WebhookReceiver]:
    """A receiver on this machine, which the settings allow."""
    with WebhookReceiver() as started:
        settings.AGENTSITE_WEBHOOK_HOSTS = [("127.0.0.1", started.port)]
        yield started


@pytest.fixture
def subscribe(receiver: WebhookReceiver) -> Callable[..., tuple[Webhook, str]]:
    """Make a webhook to a path of the receiver. Returns it and its secret."""

    def made(user: User, path: str = "/hook", **said: Any) -> tuple[Webhook, str]:
        told = {"name": path.strip("/"), "event_types": ALL_TYPES} | said
        return create_webhook(WebhookSettings(url=receiver.url(path), **told), user=user, by=user)

    return made


@pytest.fixture
def send(transactional_db: None) -> Iterator[Callable[..., WebhookSender]]:
    """Start a sender. Stopped after the test."""
    started: list[WebhookSender] = []

    def start(timings: SenderTimings = AT_ONCE, kind: type[WebhookSender] = WebhookSender) -> WebhookSender:
        sender = kind(timings)
        sender.start()
        started.append(sender)
        return sender

    yield start
    for sender in started:
        sender.stop()


def ended_run(user: User | None, agent: Agent | None = None, **columns: Any) -> Run:
    """The row of a completed run, or of one with these columns, without any event."""
    about = {"status": "completed", "answer": "42", "config": {"agent": "Assistant"}, "next_sequence": 4} | columns
    return Run.objects.create(user=user, agent=agent, task="What is it?", **about)
