"""The sender of a process, with a real mail server."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import transaction

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.hosting.host import RunHost
from runs.engine.notifications import outbox
from runs.engine.notifications.channels import ChannelFailed, Sendable, SentReceipt
from runs.engine.notifications.sender import NotificationSender
from runs.engine.outbound.sender import SenderTimings
from runs.models import NotificationChannel, NotificationDelivery
from tests.engine.conftest import ended, launch
from tests.engine.control.decision_fixtures import Post, launch_asking, parked
from tests.engine.notifications.conftest import mail_channel, rule_of
from tests.engine.webhooks.conftest import ended_run
from tests.mail_server import MailServer, plain_of

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[..., NotificationSender]


def tell(user: User, times: int = 1, **columns: Any) -> None:
    """Note so many runs that end."""
    for _ in range(times):
        with transaction.atomic():
            outbox.note(ended_run(user, **columns))


def states() -> list[str]:
    """The states of all deliveries, in order."""
    return list(NotificationDelivery.objects.order_by("pk").values_list("state", flat=True))


async def test_a_run_that_ends_is_told_by_mail(
    ada: User, send: Send, mails: MailServer, host_for: Callable[..., RunHost]
) -> None:
    channel = await sync_to_async(mail_channel)(ada)
    await sync_to_async(rule_of)(ada, channel)
    send()
    host_for(ScriptedModel(answers("42")))

    run = await ended(await launch(ada, "What is six times seven?"))
    await asyncio.to_thread(mails.until, lambda: states() == ["sent"])

    (mail,) = mails.received
    assert (mail["Subject"], mail["To"]) == ("Assistant is done: What is six times seven?", "ada@example.org")
    assert f"https://agents.example.org/runs/{run.pk}/" in plain_of(mail)


async def test_a_run_that_parks_is_told_with_what_it_asks_and_a_link_that_decides(
    ada: User, send: Send, mails: MailServer, host_for: Callable[..., RunHost]
) -> None:
    channel = await sync_to_async(mail_channel)(ada)
    await sync_to_async(rule_of)(ada, channel)
    send(decision_link=lambda user, run_id, call_id: f"{user.username}.{run_id.hex[:4]}.{call_id.hex[:4]}")
    post = Post()
    host_for(ScriptedModel(post.letters("Bea", "Cyd"), answers("Sent.")))
    run = await launch_asking(ada)
    calls = await parked(run)

    await asyncio.to_thread(mails.until, lambda: bool(mails.received))

    (mail,) = mails.received
    text = plain_of(mail)
    assert mail["Subject"].endswith(" needs an approval: Write to them.")
    assert text.count(post.name) == 2
    assert '"Bea"' in text and '"Cyd"' in text
    for call in calls:
        assert f"https://agents.example.org/decide/ada.{run.pk.hex[:4]}.{call.pk.hex[:4]}/" in text


def test_a_server_that_refuses_gets_the_same_mail_again(
    ada: User, send: Send, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.engine.outbound.retry_schedule.WAITS_S", (0.01,) * 7)
    rule_of(ada, mail_channel(ada))
    mails.replies = ["451 Try again later", "552 Full"]
    send()

    tell(ada)
    mails.until(lambda: states() == ["sent"])

    assert len(mails.received) == 1
    assert NotificationDelivery.objects.get().attempts == 3


def test_a_mailbox_that_does_not_exist_disables_its_channel(ada: User, send: Send, mails: MailServer) -> None:
    channel = mail_channel(ada)
    rule_of(ada, channel)
    mails.to_recipients = ["550 No such user here"]
    send()

    tell(ada)
    mails.until(lambda: states() == ["failed"])
    channel.refresh_from_db()

    assert (channel.state, channel.disabled_because) == ("disabled", "gone")
    assert channel.last_error == "The mail server answered 550 No such user here"


def test_a_mail_server_that_is_gone_costs_a_retry(ada: User, send: Send, mails: MailServer, settings: Any) -> None:
    rule_of(ada, mail_channel(ada))
    settings.EMAIL_PORT = 1
    send()

    tell(ada)
    mails.until(lambda: NotificationDelivery.objects.exclude(error="").exists())

    delivery = NotificationDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert delivery.error.startswith("The mail server cannot be used: ")


class Stub:
    """A channel that does as it is told."""

    def __init__(self, does: Callable[[], Any]) -> None:
        self.does = does

    async def send(self, _address: str, _message: Sendable) -> SentReceipt:
        """Do it."""
        await asyncio.sleep(0)
        result = self.does()
        if asyncio.iscoroutine(result):
            await result
        return SentReceipt()


def broken() -> None:
    """A fault of ours."""
    raise RuntimeError("ada@example.org is not understood")


def refusing() -> None:
    """A service that says its own address."""
    raise ChannelFailed("no: ada@example.org")


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (lambda: asyncio.sleep(60), "No response within 0.1 s."),
        (broken, "RuntimeError: [hidden] is not understood"),
        (refusing, "no: [hidden]"),
    ],
)
def test_a_channel_that_hangs_or_breaks_is_noted_without_the_address(
    ada: User, send: Send, mails: MailServer, does: Callable[[], Any], told: str
) -> None:
    rule_of(ada, mail_channel(ada))
    timings = SenderTimings(look_every_s=0.02, attempt_limit_s=0.1)
    send(timings, channels={NotificationChannel.Kind.EMAIL: Stub(does)})

    tell(ada)
    mails.until(lambda: NotificationDelivery.objects.exclude(error="").exists())

    assert NotificationDelivery.objects.get().error == told


def test_a_kind_that_this_site_cannot_send_to_is_said_so(ada: User, send: Send, mails: MailServer) -> None:
    rule_of(ada, mail_channel(ada))
    send(channels={})

    tell(ada)
    mails.until(lambda: NotificationDelivery.objects.exclude(error="").exists())

    assert "cannot send" in NotificationDelivery.objects.get().error
