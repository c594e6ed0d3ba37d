"""Which deliveries are sent when, what becomes of them, and what is withdrawn."""

from datetime import datetime, timedelta
from random import Random

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone

from runs.engine.control.notification_channels import (
    MOST_ATTEMPTS,
    MOST_TESTS_AN_HOUR,
    NotificationRefused,
    change_channel,
    resend_delivery,
    try_channel,
)
from runs.engine.notifications import outbox
from runs.engine.notifications.claims import CLAIMED_FOR, ClaimedDelivery, claim, waiting_channels
from runs.engine.notifications.results import AttemptResult, record
from runs.engine.outbound.retry_schedule import FAILING_FOR, TRIED_FOR, WAITS_S
from runs.models import Notification, NotificationChannel, NotificationDelivery, Run
from tests.engine.notifications.conftest import mail_channel, rule_of
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db

FAILED = AttemptResult(error="The mail server answered 451 Later")


@pytest.fixture
def mail(ada: User) -> NotificationChannel:
    """Ada's channel, by which a rule tells everything, also what has waited for 5 minutes."""
    channel = mail_channel(ada)
    rule_of(ada, channel, waits_over_s=300)
    return channel


def noted(run: Run) -> Run:
    """The run, whose state is noted."""
    with transaction.atomic():
        outbox.note(run)
    return run


def waiting(user: User) -> Run:
    """A run that waits for an approval, which is noted."""
    return noted(ended_run(user, status="waiting", waiting_for="approval", epoch=1))


def now(**later: float) -> datetime:
    """A moment after everything so far."""
    return timezone.now() + timedelta(seconds=1) + timedelta(**later)


def settle(claimed: ClaimedDelivery, result: AttemptResult, at: datetime) -> NotificationDelivery:
    """Record what came of an attempt. Returns the delivery as it is then."""
    record(claimed, result, at, Random(1))
    return NotificationDelivery.objects.get(pk=claimed.delivery_id)


def states() -> list[str]:
    """The states of all deliveries, in order."""
    return list(NotificationDelivery.objects.order_by("pk").values_list("state", flat=True))


def test_a_delivery_is_claimed_once_until_the_claim_runs_out(ada: User, mail: NotificationChannel) -> None:
    noted(ended_run(ada))
    at = now()

    (first,) = claim(mail.pk, 4, at)
    nothing = claim(mail.pk, 4, at + CLAIMED_FOR - timedelta(seconds=1))
    (again,) = claim(mail.pk, 4, at + CLAIMED_FOR + timedelta(seconds=1))

    assert nothing == []
    assert (first.number, again.number) == (1, 2)
    assert first.message.message_id == again.message.message_id


def test_what_is_sent_is_sent_once_and_its_channel_has_the_time(ada: User, mail: NotificationChannel) -> None:
    noted(ended_run(ada))
    at = now()
    (claimed,) = claim(mail.pk, 4, at)

    sent = settle(claimed, AttemptResult(reference="m1"), at)
    mail.refresh_from_db()

    assert (sent.state, sent.reference, mail.sent_at, mail.failing_since) == ("sent", "m1", at, None)
    assert waiting_channels(now(days=1)) == []


def test_a_run_that_waits_for_five_minutes_is_told_then_and_not_before(ada: User, mail: NotificationChannel) -> None:
    waiting(ada)

    before, after = claim(mail.pk, 4, now(seconds=290)), claim(mail.pk, 4, now(seconds=301))

    assert before == []
    assert [each.message.event for each in after] == ["run.needs_person"]


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "idle", "waiting_for": ""},
        {"status": "cancelled", "waiting_for": ""},
        {"epoch": 2},
        {"waiting_for": "resume"},
    ],
)
def test_what_was_decided_before_it_is_due_is_withdrawn(
    ada: User, mail: NotificationChannel, columns: dict[str, object]
) -> None:
    run = waiting(ada)
    Run.objects.filter(pk=run.pk).update(**columns)

    assert claim(mail.pk, 4, now(seconds=301)) == []
    assert states() == ["withdrawn"]


def test_a_run_that_the_person_may_not_see_any_more_is_not_told(ada: User) -> None:
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_run"))
    channel = mail_channel(bea)
    rule_of(bea, channel, is_for_all=True)
    noted(ended_run(ada))
    bea.user_permissions.clear()

    assert claim(channel.pk, 4, now()) == []
    assert states() == ["withdrawn"]


def test_nothing_is_told_to_an_account_that_is_closed(ada: User, mail: NotificationChannel) -> None:
    noted(ended_run(ada))
    User.objects.update(is_active=False)

    assert claim(mail.pk, 4, now()) == []
    assert states() == ["withdrawn"]


def test_attempts_that_fail_are_repeated_for_a_day_and_given_up(ada: User, mail: NotificationChannel) -> None:
    noted(ended_run(ada))
    began = at = now()
    numbers = []

    while claimed := claim(mail.pk, 4, at):
        delivery = settle(claimed[0], FAILED, at)
        numbers.append(claimed[0].number)
        at = delivery.due_at or at + timedelta(days=2)

    assert numbers == list(range(1, len(WAITS_S) + 2))
    assert (delivery.state, delivery.error) == ("failed", FAILED.error)
    assert at - timedelta(days=2) - began < TRIED_FOR


def test_a_failure_after_a_later_claim_changes_nothing_and_a_success_counts(
    ada: User, mail: NotificationChannel
) -> None:
    noted(ended_run(ada))
    at = now()
    (late,) = claim(mail.pk, 4, at)
    later = at + CLAIMED_FOR + timedelta(seconds=1)
    claim(mail.pk, 4, later)

    failed, sent = settle(late, FAILED, later), settle(late, AttemptResult(), later)

    assert (failed.state, failed.error, sent.state) == ("pending", "", "sent")


def test_a_channel_whose_address_is_gone_is_disabled_with_all_that_waits(ada: User, mail: NotificationChannel) -> None:
    noted(ended_run(ada))
    at = now()
    (claimed,) = claim(mail.pk, 4, at)
    noted(ended_run(ada))

    settle(claimed, AttemptResult(error="550 no such user", disables=NotificationChannel.Disabled.GONE), at)
    mail.refresh_from_db()

    assert (mail.state, mail.disabled_because, mail.last_error) == ("disabled", "gone", "550 no such user")
    assert states() == ["failed", "failed"]


def test_a_channel_that_fails_for_days_is_disabled(ada: User, mail: NotificationChannel) -> None:
    NotificationChannel.objects.update(failing_since=timezone.now() - FAILING_FOR)
    noted(ended_run(ada))
    at = now()
    NotificationDelivery.objects.update(attempts=len(WAITS_S))
    (claimed,) = claim(mail.pk, 4, at)

    settle(claimed, FAILED, at)
    mail.refresh_from_db()

    assert (mail.state, mail.disabled_because) == ("disabled", "failing")


def test_an_address_that_cannot_be_read_is_said_so(ada: User, mail: NotificationChannel) -> None:
    NotificationChannel.objects.update(address="00")
    noted(ended_run(ada))

    (claimed,) = claim(mail.pk, 4, now())

    assert claimed.address is None


def test_a_person_sends_a_bounded_number_of_tests_in_an_hour_from_all_channels(ada: User) -> None:
    for number in range(MOST_TESTS_AN_HOUR):
        try_channel(mail_channel(ada, name=str(number)).pk, by=ada)
    another = mail_channel(ada)

    with pytest.raises(NotificationRefused, match="within an hour"):
        try_channel(another.pk, by=ada)

    Notification.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert try_channel(another.pk, by=ada).state == "pending"


def test_a_delivery_is_sent_again_a_bounded_number_of_times(ada: User, mail: NotificationChannel) -> None:
    noted(ended_run(ada))
    NotificationDelivery.objects.update(state="sent", attempts=MOST_ATTEMPTS)

    with pytest.raises(NotificationRefused, match="limit"):
        resend_delivery(NotificationDelivery.objects.get().uid, by=ada)


def test_what_an_address_has_failed_is_not_held_against_the_next_one(ada: User, mail: NotificationChannel) -> None:
    long_ago = timezone.now() - 2 * FAILING_FOR
    NotificationChannel.objects.update(failing_since=long_ago, last_error="No such mailbox")

    change_channel(mail.pk, name="Mail", address="bea@example.org", by=ada)

    mail.refresh_from_db()
    assert (mail.state, mail.failing_since, mail.last_error) == ("active", None, "")
