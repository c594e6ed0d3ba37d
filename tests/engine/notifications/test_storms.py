"""Storms: what comes too often is gathered."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from runs.engine.notifications import outbox
from runs.engine.notifications.channels import Sendable
from runs.engine.notifications.claims import claim
from runs.engine.notifications.results import AttemptResult, record
from runs.engine.notifications.storms import MOST_OF_CHANNEL, MOST_SINGLE
from runs.models import Notification, NotificationChannel, NotificationDelivery, Run
from tests.engine.notifications.conftest import mail_channel, rule_of
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(ada: User) -> NotificationChannel:
    """Ada's channel, by which a rule tells of failures."""
    channel = mail_channel(ada)
    rule_of(ada, channel, events=["run.failed", "run.needs_person"])
    return channel


def fail(user: User, times: int, **columns: Any) -> list[Run]:
    """Let so many runs fail."""
    about: dict[str, Any] = {"status": "failed", "error": {"code": "failed"}} | columns
    runs = [ended_run(user, **about) for _ in range(times)]
    with transaction.atomic():
        for run in runs:
            outbox.note(run)
    return runs


def send_until(channel: NotificationChannel, began: datetime, until_s: int) -> list[Sendable]:
    """What a sender that looks every second sends until then."""
    sent = []
    for second in range(1, until_s + 1):
        at = began + timedelta(seconds=second)
        while claimed := claim(channel.pk, 4, at):
            for each in claimed:
                record(each, AttemptResult(), at, Random(1))
                sent.append(each.message)
    return sent


def test_up_to_ten_in_a_minute_are_told_one_by_one(ada: User, mail: NotificationChannel) -> None:
    fail(ada, MOST_SINGLE)

    sent = send_until(mail, timezone.now(), 10)

    assert [each.gathered for each in sent] == [0] * MOST_SINGLE


def test_a_thousand_failures_at_once_are_one_summary_that_counts_them(ada: User, mail: NotificationChannel) -> None:
    fail(ada, 1000)

    (summary,) = send_until(mail, timezone.now(), 70)

    assert (summary.title, summary.gathered) == ("1000 runs failed", 999)
    assert summary.text.count("Assistant failed: What is it?") == 10
    assert summary.text.endswith("and 990 more")
    states = NotificationDelivery.objects.order_by("pk").values_list("state", "gathers", "gathered_into")
    assert set(states[1:]) == {("gathered", 0, NotificationDelivery.objects.earliest("pk").pk)}
    assert states[0] == ("sent", 999, None)


def test_a_storm_that_goes_on_is_a_few_messages_and_tells_everything(ada: User, mail: NotificationChannel) -> None:
    began = timezone.now()
    fail(ada, 300)
    # As if they had come over a minute: five each second.
    deliveries = list(NotificationDelivery.objects.order_by("pk").select_related("notification"))
    for number, each in enumerate(deliveries):
        each.due_at = each.notification.due_at = began + timedelta(seconds=number // 5)
    NotificationDelivery.objects.bulk_update(deliveries, ["due_at"])
    Notification.objects.bulk_update([each.notification for each in deliveries], ["due_at"])

    sent = send_until(mail, began, 150)

    assert len(sent) <= MOST_SINGLE + 5
    assert sum(1 + each.gathered for each in sent) == 300
    assert NotificationDelivery.objects.pending().count() == 0


def test_of_a_hundred_runs_that_begin_to_wait_within_half_a_minute_each_is_told_within_five_seconds(
    ada: User, mail: NotificationChannel
) -> None:
    began, waited = timezone.now(), list[float]()
    fail(ada, 100, status="waiting", waiting_for="approval", epoch=1, error=None)
    for number, each in enumerate(Notification.objects.order_by("pk")):
        due_at = began + timedelta(seconds=0.28 * number)
        Notification.objects.filter(pk=each.pk).update(due_at=due_at)
        each.deliveries.update(due_at=due_at)

    sent = send_until(mail, began, 120)

    for delivery in NotificationDelivery.objects.select_related("notification", "gathered_into"):
        told = delivery.gathered_into or delivery
        assert told.tried_at is not None
        waited.append((told.tried_at - delivery.notification.due_at).total_seconds())
    assert len(waited) == sum(1 + each.gathered for each in sent) == 100
    assert max(waited) < 5
    assert len(sent) <= MOST_OF_CHANNEL


def test_a_storm_of_one_rule_holds_nothing_back_from_another(ada: User, mail: NotificationChannel) -> None:
    rule_of(ada, mail, name="Limits", events=["run.budget_reached"])
    fail(ada, 50)
    fail(ada, 1, error={"code": "limit_cost"})

    began = timezone.now()
    Notification.objects.update(due_at=began)

    first = send_until(mail, began, 1)

    assert [each.event for each in first] == ["run.budget_reached"]


def test_what_was_decided_meanwhile_is_not_in_the_summary(ada: User, mail: NotificationChannel) -> None:
    waits = {"status": "waiting", "waiting_for": "approval", "error": None}
    runs = fail(ada, 20, **waits)
    Run.objects.filter(pk__in=[run.pk for run in runs[:15]]).update(status="idle", waiting_for="")

    (summary,) = send_until(mail, timezone.now(), 60)

    assert summary.title == "5 runs wait for you"
    assert NotificationDelivery.objects.filter(state="withdrawn").count() == 15


def test_a_summary_that_fails_is_tried_again_as_a_whole(ada: User, mail: NotificationChannel) -> None:
    fail(ada, 20)
    at = timezone.now() + timedelta(seconds=5)
    (claimed,) = claim(mail.pk, 4, at)
    record(claimed, AttemptResult(error="451"), at, Random(1))

    (again,) = claim(mail.pk, 4, at + timedelta(seconds=10))

    assert again.message == claimed.message
    assert again.message.gathered == 19


def test_many_rules_of_one_channel_do_not_add_up_without_end(ada: User) -> None:
    channel, statuses = mail_channel(ada), ("completed", "failed", "cancelled", "waiting")
    for event in ("run.completed", "run.failed", "run.cancelled", "run.needs_person"):
        rule_of(ada, channel, name=event, events=[event])

    for status in statuses:
        waits = {"waiting_for": "approval", "epoch": 1} if status == "waiting" else {}
        fail(ada, 9, status=status, error=None, **waits)
    first = send_until(channel, timezone.now(), 30)
    later = send_until(channel, timezone.now(), 100)

    assert len(first) == MOST_OF_CHANNEL
    assert sum(1 + each.gathered for each in first + later) == 36


def test_what_was_sent_before_the_clock_was_set_back_holds_nothing_up(ada: User, mail: NotificationChannel) -> None:
    fail(ada, MOST_SINGLE)
    send_until(mail, timezone.now() + timedelta(hours=1), 10)

    fail(ada, 1)
    sent = send_until(mail, timezone.now(), 10)

    assert [each.gathered for each in sent] == [0]
