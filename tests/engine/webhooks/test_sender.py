"""The sender of a process, with a real receiver."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.control.webhooks import pause_webhook, resume_webhook, rotate_secret, try_webhook
from runs.engine.hosting.host import RunHost
from runs.engine.outbound.sender import SenderTimings
from runs.engine.webhooks import outbox, results
from runs.engine.webhooks import sender as module
from runs.engine.webhooks.sender import WebhookSender
from runs.models import Webhook, WebhookEvent
from tests.engine.conftest import ended, launch
from tests.engine.webhooks.conftest import ended_run
from tests.webhook_receiver import NEVER, Reply, WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)

Subscribe = Callable[..., tuple[Webhook, str]]
Send = Callable[..., WebhookSender]


def tell(user: User, times: int = 1) -> None:
    """Write the events of so many runs that end."""
    for _ in range(times):
        with transaction.atomic():
            outbox.note(ended_run(user))


def states() -> list[str]:
    """The states of all events, in order."""
    return list(WebhookEvent.objects.order_by("pk").values_list("state", flat=True))


async def test_what_a_run_tells_arrives_signed_and_is_delivered(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver, host_for: Callable[..., RunHost]
) -> None:
    hook, secret = await asyncio.to_thread(subscribe, ada)
    send()
    host_for(ScriptedModel(answers("42")))

    run = await ended(await launch(ada))
    await asyncio.to_thread(receiver.until, lambda: bool(receiver.received))
    await asyncio.to_thread(receiver.until, lambda: states() == ["delivered"])

    (request,) = receiver.received
    event = await WebhookEvent.objects.aget(webhook=hook)
    assert request.verified(secret)["data"]["id"] == str(run.pk)
    assert request.id == event.message_id
    assert request.body == event.body.encode()
    attempt = await event.log.aget()
    assert (attempt.outcome, attempt.status, attempt.number) == ("delivered", 204, 1)


def test_a_receiver_that_fails_gets_the_same_event_again(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.engine.outbound.retry_schedule.WAITS_S", (0.01,) * 7)
    _, secret = subscribe(ada)
    receiver.replies["/hook"] = [Reply(500), Reply(503, (("retry-after", "0"),)), Reply(200)]
    send()

    tell(ada)
    receiver.until(lambda: states() == ["delivered"])

    assert len(receiver.received) == 3
    assert len({each.id for each in receiver.received}) == 1
    assert len({each.body for each in receiver.received}) == 1
    assert all(each.verified(secret) for each in receiver.received)


def test_an_idle_sender_is_woken_by_what_is_written_here_and_looks_by_itself_for_what_waits(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.engine.outbound.retry_schedule.WAITS_S", (0.01,) * 7)
    subscribe(ada)
    receiver.replies["/hook"] = [Reply(500), Reply(200)]
    looked = threading.Event()

    class Watched(WebhookSender):
        def has_unsent(self) -> bool:
            found = super().has_unsent()
            looked.set()
            return found

    send(SenderTimings(look_every_s=0.02, idle_looks=1_000_000), kind=Watched)
    assert looked.wait(10)

    tell(ada)
    receiver.until(lambda: states() == ["delivered"])

    assert len(receiver.received) == 2


def test_dead_receivers_keep_nothing_from_the_others(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver
) -> None:
    for number in range(5):
        subscribe(ada, f"/dead{number}")
        receiver.replies[f"/dead{number}"] = [NEVER]
    lively, _ = subscribe(ada, "/lively")
    send(SenderTimings(look_every_s=0.02, attempt_limit_s=60, stop_limit_s=0.1))

    tell(ada, times=20)
    receiver.until(lambda: len(receiver.at("/lively")) == 20)
    receiver.until(lambda: set(lively.events.values_list("state", flat=True)) == {"delivered"})

    assert all(len(receiver.at(f"/dead{number}")) == WebhookSender.MOST_PER_ADDRESS for number in range(5))


def test_a_receiver_that_fails_gets_one_request_at_a_time(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver
) -> None:
    subscribe(ada)
    Webhook.objects.update(failing_since="2026-01-01T00:00:00Z")
    receiver.replies["/hook"] = [NEVER]
    subscribe(ada, "/lively")
    send(SenderTimings(look_every_s=0.02, attempt_limit_s=60, stop_limit_s=0.1))

    tell(ada, times=5)
    receiver.until(lambda: len(receiver.at("/lively")) == 5)

    assert len(receiver.at("/hook")) == 1


def test_a_paused_webhook_keeps_what_waits_until_it_is_resumed(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver
) -> None:
    hook, _ = subscribe(ada)
    tell(ada)
    pause_webhook(hook.pk, by=ada)
    subscribe(ada, "/other")
    send()
    tell(ada)
    receiver.until(lambda: len(receiver.at("/other")) == 1)
    before = len(receiver.at("/hook"))

    resume_webhook(hook.pk, by=ada)
    receiver.until(lambda: len(receiver.at("/hook")) == 1)

    assert before == 0
    assert hook.events.count() == 1


def test_a_replaced_secret_signs_beside_the_new_one(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver
) -> None:
    hook, old = subscribe(ada)
    new = rotate_secret(hook.pk, by=ada)
    send()

    try_webhook(hook.pk, by=ada)
    receiver.until(lambda: bool(receiver.received))

    (request,) = receiver.received
    assert request.verified(old) == request.verified(new)
    assert request.verified(new)["type"] == "webhook.test"


def test_a_process_that_stops_lets_a_request_under_way_end_and_records_it(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver
) -> None:
    subscribe(ada)
    receiver.replies["/hook"] = [Reply(200, kind="dripping")]
    sender = send()
    tell(ada)
    receiver.until(lambda: bool(receiver.received))

    sender.stop()

    assert states() == ["delivered"]


def test_the_next_process_sends_what_a_request_of_the_last_one_left_open(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver
) -> None:
    subscribe(ada)
    receiver.replies["/hook"] = [NEVER, Reply(204)]
    cut_off = send(SenderTimings(look_every_s=0.02, attempt_limit_s=60, stop_limit_s=0.1))
    tell(ada)
    receiver.until(lambda: bool(receiver.received))
    cut_off.stop()

    send()
    receiver.until(lambda: states() == ["delivered"])

    assert len(receiver.received) == 2
    assert len({each.id for each in receiver.received}) == 1
    outcomes = WebhookEvent.objects.get().log.values_list("number", "outcome")
    assert list(outcomes) == [(1, "open"), (2, "delivered")]


def test_a_database_that_fails_for_a_while_loses_no_result(
    ada: User, subscribe: Subscribe, send: Send, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = results.record, threading.Event()

    def record(*arguments: Any) -> None:
        if not refused.is_set():
            refused.set()
            raise OperationalError("disk full")
        real(*arguments)

    monkeypatch.setattr(module, "record", record)
    subscribe(ada)
    send(SenderTimings(look_every_s=0.02, record_again_every_s=0.01))

    tell(ada)
    receiver.until(lambda: states() == ["delivered"])

    assert refused.is_set()
    assert len(receiver.received) == 1


def test_a_sender_that_was_never_started_stops_at_once() -> None:
    WebhookSender().stop()
