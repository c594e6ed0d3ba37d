"""What is written for the rules of people, with each change of a run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.hosting.host import RunHost
from runs.engine.notifications import outbox
from runs.engine.notifications.message_texts import title_of
from runs.models import Agent, Notification, NotificationDelivery, NotificationRule, Run
from tests.engine.conftest import ended, launch
from tests.engine.notifications.conftest import mail_channel, rule_of
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db(transaction=True)


def note(run: Run) -> None:
    """What a change of the run writes."""
    with transaction.atomic():
        outbox.note(run)


def waiting_run(user: User, **columns: Any) -> Run:
    """A run that waits for an approval."""
    about: dict[str, Any] = {"status": "waiting", "waiting_for": "approval", "epoch": 1} | columns
    return ended_run(user, **about)


async def test_a_run_that_ends_is_noted_for_each_channel_of_the_rule(
    ada: User, host_for: Callable[..., RunHost]
) -> None:
    channel = await sync_to_async(mail_channel)(ada)
    await sync_to_async(rule_of)(ada, channel)
    host_for(ScriptedModel(answers("42")))
    run = await ended(await launch(ada))

    notification = await Notification.objects.select_related("run").aget()
    delivery = await NotificationDelivery.objects.aget()

    assert (notification.event, notification.run, notification.in_page) == ("run.completed", run, True)
    assert (delivery.state, delivery.channel_id, delivery.due_at) == ("pending", channel.pk, notification.due_at)


def test_each_rule_tells_of_the_runs_of_its_person_and_agent_and_of_the_events_it_has(ada: User) -> None:
    bea, auditor = User.objects.create_user("bea"), User.objects.create_user("auditor")
    auditor.user_permissions.add(Permission.objects.get(codename="view_run"))
    agent = Agent.objects.create(name="Reporter", model_names=["offline"])
    rules = {
        "failures": rule_of(ada, events=["run.failed"]),
        "of the agent": rule_of(ada, agent=agent),
        "hers": rule_of(bea),
        "everybody's": rule_of(auditor, is_for_all=True),
        "off": rule_of(ada, is_active=False),
    }

    note(ended_run(ada))
    note(ended_run(bea))
    note(ended_run(None))
    note(ended_run(ada, agent, status="failed", error={"code": "failed"}))

    counts = {name: rule.notifications.count() for name, rule in rules.items()}
    assert counts == {"failures": 1, "of the agent": 1, "hers": 1, "everybody's": 4, "off": 0}


@pytest.mark.parametrize(("waiting_for", "words"), [("approval", "needs an approval"), ("answer", "asks a question")])
def test_the_log_says_what_a_run_waited_for_after_it_has_gone_on(ada: User, waiting_for: str, words: str) -> None:
    rule_of(ada)
    run = waiting_run(ada, waiting_for=waiting_for)
    note(run)
    Run.objects.filter(pk=run.pk).update(status="completed", waiting_for="")

    assert words in title_of(Notification.objects.select_related("run").get())


def test_a_change_that_is_noted_twice_is_told_once_and_one_that_is_rolled_back_never(ada: User) -> None:
    rule_of(ada, mail_channel(ada))
    run, undone = ended_run(ada), ended_run(ada)

    note(run)
    note(run)
    with transaction.atomic():
        outbox.note(undone)
        transaction.set_rollback(True)

    assert Notification.objects.get().run == run
    assert NotificationDelivery.objects.count() == 1


def test_a_run_at_its_limit_is_told_once_by_a_rule_for_failures_and_limits(ada: User) -> None:
    rule_of(ada)
    rule_of(ada, events=["run.failed"])

    note(ended_run(ada, status="failed", error={"code": "limit_cost"}))

    assert set(Notification.objects.values_list("event", flat=True)) == {"run.budget_reached", "run.failed"}
    assert Notification.objects.count() == 2


def test_a_rule_that_waits_is_due_later_and_only_for_what_waits(ada: User) -> None:
    rule_of(ada, mail_channel(ada), waits_over_s=300)

    note(waiting_run(ada))
    note(ended_run(ada))

    waits, ends = Notification.objects.order_by("event").reverse()
    assert waits.due_at - waits.created_at > timedelta(seconds=299)
    assert ends.due_at - ends.created_at < timedelta(seconds=5)
    assert waits.deliveries.get().due_at == waits.due_at


def test_a_paused_channel_gets_nothing_of_what_happens_meanwhile(ada: User) -> None:
    rule_of(ada, mail_channel(ada, state="paused"))

    note(ended_run(ada))

    assert Notification.objects.count() == 1
    assert NotificationDelivery.objects.count() == 0


def test_an_event_of_no_run_is_told_its_person_and_those_who_are_told_of_everybody(ada: User) -> None:
    bea = User.objects.create_user("bea")
    mine, hers, all_of_them = rule_of(ada), rule_of(bea), rule_of(bea, is_for_all=True)
    about: dict[str, Any] = {"title": "A stopped", "text": "3 failures", "path": "/schedules/1/"}

    for _ in range(2):
        outbox.note_event("schedule.stopped", key="1", user_id=ada.pk, **about)
    outbox.note_event("alert.raised", key="1", user_id=None, **about)

    counts = [rule.notifications.count() for rule in (mine, hers, all_of_them)]
    assert counts == [1, 0, 2]
    assert mine.notifications.get().title == "A stopped"


def test_without_rules_a_change_costs_one_query(ada: User) -> None:
    run = ended_run(ada)

    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        outbox.note(run)

    assert len([each for each in asked if "runs_" in each["sql"]]) == 1
    assert NotificationRule.objects.count() == 0


def test_a_person_whose_rules_overlap_is_told_once_by_each_way(ada: User) -> None:
    mail, another = mail_channel(ada), mail_channel(ada, name="Another")
    rule_of(ada, mail, name="a", is_for_all=True, in_page=False)
    rule_of(ada, mail, another, name="b")
    rule_of(ada, mail, name="c")
    rule_of(ada, mail, name="d", waits_over_s=300)

    note(ended_run(ada))
    ended = told_by()
    note(waiting_run(ada))

    assert ended == [("b", "Another"), ("b", "Mail")]
    assert told_by()[2:] == [*ended, ("d", "Mail")], "A rule that waits is a reminder."
    assert Notification.objects.filter(in_page=True).values_list("rule__name", flat=True).count() == 3
    assert Notification.objects.count() == 8, "The log has what every rule noted."


def told_by() -> list[tuple[str, str]]:
    """The rules and channels by which something is told, in the order of the happenings."""
    rows = NotificationDelivery.objects.order_by(
        "notification__run__created_at", "notification__rule__name", "channel__name"
    )
    return list(rows.values_list("notification__rule__name", "channel__name"))
