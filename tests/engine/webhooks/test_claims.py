"""Which events a process claims, and what comes of its attempts, on a clock of the test's own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone

from runs.engine.control.webhooks import resend_event, resume_webhook
from runs.engine.outbound.retry_schedule import FAILING_FOR, TRIED_FOR, WAITS_S
from runs.engine.webhooks import outbox
from runs.engine.webhooks.claims import CLAIMED_FOR, ClaimedEvent, claim, waiting_webhooks
from runs.engine.webhooks.request import Told
from runs.engine.webhooks.results import record
from runs.models import Run, Webhook, WebhookAttempt, WebhookEvent
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db(transaction=True)

Outcome = WebhookAttempt.Outcome
DELIVERED, REFUSED = Told(outcome=Outcome.DELIVERED, status=204), Told(outcome=Outcome.REFUSED, status=500)
Subscribe = Callable[..., tuple[Webhook, str]]


@pytest.fixture
def hook(ada: User, subscribe: Subscribe) -> Webhook:
    """Ada's webhook, which is told everything."""
    return subscribe(ada)[0]


def event_of(run: Run) -> WebhookEvent:
    """The event that the run's ending writes."""
    with transaction.atomic():
        outbox.note(run)
    return run.webhook_events.order_by("pk").last()  # type: ignore[return-value]


def now() -> datetime:
    """A moment after everything so far."""
    return timezone.now() + timedelta(seconds=1)


def due(event: WebhookEvent) -> datetime:
    """When it is tried next."""
    assert event.due_at is not None
    return event.due_at


def settle(claimed: ClaimedEvent, told: Told, at: datetime) -> WebhookEvent:
    """Record what came of an attempt. Returns the event as it is then."""
    record(claimed, told, at, Random(1))
    return WebhookEvent.objects.get(pk=claimed.event_id)


def test_an_event_is_claimed_once_until_the_claim_runs_out(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    at = now()

    (first,) = claim(hook.pk, 10, at)
    again = claim(hook.pk, 10, at + CLAIMED_FOR)
    (second,) = claim(hook.pk, 10, at + CLAIMED_FOR + timedelta(seconds=1))

    assert again == []
    assert (first.number, second.number) == (1, 2)
    assert first.message_id == second.message_id
    assert list(WebhookAttempt.objects.values_list("number", "outcome")) == [(1, "open"), (2, "open")]


def test_a_delivered_event_is_not_claimed_again(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    (claimed,) = claim(hook.pk, 10, now())

    event = settle(claimed, DELIVERED, now())

    assert (event.state, event.due_at, event.claimed_until) == ("delivered", None, None)
    assert claim(hook.pk, 10, now() + TRIED_FOR) == []
    assert waiting_webhooks(now() + TRIED_FOR) == []


def test_events_of_a_run_are_sent_in_order_but_one_that_waits_for_another_try_holds_back_none(
    ada: User, hook: Webhook
) -> None:
    run = ended_run(ada, status="waiting", waiting_for="approval")
    asks = event_of(run)
    run.status, run.waiting_for, run.next_sequence = "completed", "", 9
    ends = event_of(run)
    other = event_of(ended_run(ada))

    at = now()
    together = claim(hook.pk, 10, at)
    settle(next(each for each in together if each.event_id == asks.pk), REFUSED, at)
    (then,) = claim(hook.pk, 10, at)

    assert {each.event_id for each in together} == {asks.pk, other.pk}
    assert then.event_id == ends.pk


def test_an_event_is_tried_for_a_day_and_has_failed_then(ada: User, hook: Webhook) -> None:
    began = event_of(ended_run(ada)).created_at
    at, waits = now(), []

    while True:
        (claimed,) = claim(hook.pk, 10, at)
        event = settle(claimed, REFUSED, at)
        if event.state != "pending":
            break
        due_at = due(event)
        waits.append((due_at - at).total_seconds())
        assert claim(hook.pk, 10, due_at - timedelta(milliseconds=1)) == []
        at = due_at

    assert event.state == "failed"
    assert len(waits) == len(WAITS_S)
    assert all(planned <= wait <= planned * 1.1 for planned, wait in zip(WAITS_S, waits, strict=True))
    assert timedelta(hours=20) < at - began < TRIED_FOR
    assert [each.outcome for each in event.log.all()] == ["refused"] * (len(WAITS_S) + 1)


def test_a_receiver_that_asks_to_wait_is_left_alone_that_long(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    at = now()
    (claimed,) = claim(hook.pk, 10, at)

    event = settle(claimed, replace(REFUSED, status=503, retry_after_s=600.0), at)

    assert event.due_at == at + timedelta(seconds=600)


def test_a_success_counts_also_when_another_process_has_claimed_the_event_since(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    at = now()
    (slow,) = claim(hook.pk, 10, at)
    later = at + CLAIMED_FOR * 2
    (other,) = claim(hook.pk, 10, later)

    assert settle(slow, DELIVERED, later).state == "delivered"
    assert settle(other, REFUSED, later).state == "delivered"


def test_a_failure_counts_only_while_nobody_has_claimed_the_event_since(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    at = now()
    (slow,) = claim(hook.pk, 10, at)
    later = at + CLAIMED_FOR * 2
    (other,) = claim(hook.pk, 10, later)

    event = settle(slow, REFUSED, later)

    assert (event.state, event.claimed_until) == ("pending", later + CLAIMED_FOR)
    assert settle(other, DELIVERED, later).state == "delivered"


def test_a_receiver_that_is_gone_disables_its_webhook_and_what_waits_has_failed(ada: User, hook: Webhook) -> None:
    waits = event_of(ended_run(ada))
    (first,) = claim(hook.pk, 1, now())
    later = event_of(ended_run(ada))

    event = settle(first, replace(REFUSED, status=410), now())

    hook.refresh_from_db()
    later.refresh_from_db()
    assert (hook.state, hook.disabled_because) == ("disabled", "gone")
    assert (event.pk, event.state, later.state) == (waits.pk, "failed", "failed")
    assert claim(hook.pk, 10, now() + TRIED_FOR) == []


@pytest.mark.parametrize(("days", "state"), [(0, "active"), (4, "active"), (5, "disabled")])
def test_a_webhook_is_disabled_when_an_event_is_given_up_after_days_of_nothing_but_failures(
    ada: User, hook: Webhook, days: int, state: str
) -> None:
    at = now()
    Webhook.objects.update(failing_since=at - timedelta(days=days))
    event_of(ended_run(ada))
    WebhookEvent.objects.update(attempts=len(WAITS_S))

    (claimed,) = claim(hook.pk, 10, at)
    event = settle(claimed, REFUSED, at)

    hook.refresh_from_db()
    assert (event.state, hook.state) == ("failed", state)
    assert hook.disabled_because == ("failing" if state == "disabled" else "")


def test_days_of_failures_disable_nothing_while_an_event_is_still_tried(ada: User, hook: Webhook) -> None:
    Webhook.objects.update(failing_since=now() - FAILING_FOR * 2)
    event_of(ended_run(ada))
    (claimed,) = claim(hook.pk, 10, now())

    settle(claimed, REFUSED, now())

    assert Webhook.objects.get().state == "active"


def test_one_success_ends_the_days_of_failures(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    event_of(ended_run(ada))
    first, second = claim(hook.pk, 10, now())

    settle(first, REFUSED, now())
    is_failing = Webhook.objects.get().failing_since is not None
    settle(second, DELIVERED, now())

    assert is_failing
    assert Webhook.objects.get().failing_since is None


def test_what_was_left_to_wait_for_more_than_a_day_has_failed_and_is_not_sent(ada: User, hook: Webhook) -> None:
    event = event_of(ended_run(ada))
    Webhook.objects.update(state="paused")
    resume_webhook(hook.pk, by=ada)

    claimed = claim(hook.pk, 10, now() + TRIED_FOR)

    event.refresh_from_db()
    assert (claimed, event.state, event.attempts) == ([], "failed", 0)


def test_an_event_that_is_sent_again_keeps_its_id_and_begins_its_retries_anew(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    (first,) = claim(hook.pk, 10, now())
    settle(first, DELIVERED, now())

    resend_event(WebhookEvent.objects.get().uid, by=ada)
    at = now()
    (second,) = claim(hook.pk, 10, at)
    event = settle(second, REFUSED, at)

    assert (second.message_id, second.number) == (first.message_id, 2)
    assert event.state == "pending"
    assert WAITS_S[0] <= (due(event) - at).total_seconds() <= WAITS_S[0] * 1.1


def test_what_the_owner_may_not_see_any_more_is_withdrawn(subscribe: Subscribe) -> None:
    auditor, bea = User.objects.create_user("auditor"), User.objects.create_user("bea")
    auditor.user_permissions.add(Permission.objects.get(codename="view_run"))
    hook, _ = subscribe(auditor, is_for_all=True)
    hers, own = event_of(ended_run(bea)), event_of(ended_run(auditor))
    auditor.user_permissions.clear()

    (claimed,) = claim(hook.pk, 10, now())

    hers.refresh_from_db()
    assert (claimed.event_id, hers.state, hers.attempts) == (own.pk, "withdrawn", 0)


def test_nothing_is_sent_for_an_account_that_is_closed(ada: User, hook: Webhook) -> None:
    event = event_of(ended_run(ada))
    User.objects.filter(pk=ada.pk).update(is_active=False)

    claimed = claim(hook.pk, 10, now())

    event.refresh_from_db()
    assert (claimed, event.state) == ([], "withdrawn")


def test_a_webhook_whose_secret_cannot_be_read_is_disabled_and_says_why(ada: User, hook: Webhook) -> None:
    Webhook.objects.update(secret="00")
    event_of(ended_run(ada))

    (claimed,) = claim(hook.pk, 10, now())
    settle(claimed, Told(outcome=Outcome.SEALED), now())

    hook.refresh_from_db()
    assert claimed.signing == ()
    assert (hook.state, hook.disabled_because) == ("disabled", "sealed")


def test_claims_of_a_process_that_is_gone_are_released_at_a_start(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    claim(hook.pk, 10, now())

    WebhookEvent.objects.release_all()

    (claimed,) = claim(hook.pk, 10, now())
    assert claimed.number == 2


def test_the_webhooks_with_something_to_send_have_their_turns(ada: User, subscribe: Subscribe) -> None:
    hooks = [subscribe(ada, f"/{name}")[0] for name in "abc"]
    event_of(ended_run(ada))

    first = [pk for pk, _ in waiting_webhooks(now())]
    claim(first[0], 1, now())
    WebhookEvent.objects.release_all()

    assert set(first) == {each.pk for each in hooks}
    assert waiting_webhooks(now())[-1] == (first[0], False)


def test_the_result_for_a_webhook_that_was_deleted_meanwhile_is_dropped(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    (claimed,) = claim(hook.pk, 10, now())
    hook.delete()

    record(claimed, DELIVERED, now(), Random(1))

    assert WebhookAttempt.objects.count() == 0


def test_an_attempt_that_fails_after_its_webhook_was_disabled_is_the_last(ada: User, hook: Webhook) -> None:
    event_of(ended_run(ada))
    event_of(ended_run(ada))
    first, second = claim(hook.pk, 10, now())
    settle(first, replace(REFUSED, status=410), now())

    event = settle(second, REFUSED, now())

    assert event.state == "failed"
