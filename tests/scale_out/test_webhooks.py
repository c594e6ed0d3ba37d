"""Webhooks with several workers: they share the events, and no attempt is made by two of them."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.scale_out.conftest import Cluster
from tests.scale_out.test_grace import control
from tests.webhook_receiver import Reply, WebhookReceiver

RUNS = 30


@pytest.fixture
def receiver(cluster: Cluster) -> Iterator[WebhookReceiver]:
    """A receiver that the processes of the cluster may reach."""
    with WebhookReceiver() as started:
        cluster.environment["AGENTSITE_WEBHOOK_HOSTS"] = f"127.0.0.1:{started.port}"
        yield started


def subscribe(cluster: Cluster, url: str) -> str:
    """A webhook that is told of all runs. Returns its secret."""
    code = (
        "from django.contrib.auth.models import User\nfrom runs.models import Webhook\n"
        "ada = User.objects.create_user('ada')\n"
        f"said = control.WebhookSettings(name='All', url={url!r}, is_for_all=True, "
        "event_types=tuple(Webhook.EventType.values))\n"
        "print(control.create_webhook(said, user=ada, by=None)[1])\n"
        "User.objects.update(is_superuser=True)"
    )
    return control(cluster, code).strip()


def states(cluster: Cluster) -> Counter[str]:
    """How many events are in which state."""
    return Counter(each["state"] for each in cluster.ask("SELECT state FROM runs_webhookevent"))


def test_two_workers_send_each_event_once(cluster: Cluster, receiver: WebhookReceiver) -> None:
    secret = subscribe(cluster, receiver.url())
    cluster.workers(2)

    run_ids = cluster.launch(["Say that is all."] * RUNS)
    cluster.ended(run_ids)
    cluster.until(lambda: states(cluster) == {"delivered": RUNS})

    told = [each.verified(secret) for each in receiver.received]
    assert sorted(each["data"]["id"] for each in told) == sorted(run_ids)
    assert {each["type"] for each in told} == {"run.completed"}
    assert cluster.ask("SELECT max(number) AS attempts FROM runs_webhookattempt") == [{"attempts": 1}]


def test_another_worker_sends_what_a_dead_one_has_claimed(cluster: Cluster, receiver: WebhookReceiver) -> None:
    receiver.replies["/hook"] = [Reply(kind="never"), Reply(204)]
    subscribe(cluster, receiver.url())
    (first,) = cluster.workers(1)
    cluster.ended(cluster.launch(["Say that is all."]))
    receiver.until(lambda: bool(receiver.received))

    first.kill()
    cluster.workers(1)
    cluster.ask("UPDATE runs_webhookevent SET claimed_until = now()")
    cluster.until(lambda: states(cluster) == {"delivered": 1})

    assert len(receiver.received) == 2
    assert len({each.id for each in receiver.received}) == 1
    attempts = cluster.ask("SELECT number, outcome FROM runs_webhookattempt ORDER BY number")
    assert [json.dumps(each) for each in attempts] == [
        '{"number": 1, "outcome": "open"}',
        '{"number": 2, "outcome": "delivered"}',
    ]
