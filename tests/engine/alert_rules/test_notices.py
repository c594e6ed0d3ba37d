"""Who is told of an alert: once when it rises, once when it is over, and nobody while it is muted."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.engine.alert_rules.rounds import EVERY
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.engine.sealed_text import seal
from runs.engine.webhooks.claims import claim
from runs.models import AlertRule, Notification, NotificationRule, Run, Webhook, WebhookEvent
from tests.engine.alert_rules.conftest import MINUTE, NOON, RULE, history, ran, rounds


@pytest.fixture
def told(owner: User, other: User) -> None:
    """The owner and another person have a webhook and a notification rule each about alerts."""
    types = ["alert.raised", "alert.resolved"]
    for user in (owner, other):
        about: dict[str, Any] = {"url": "https://chat.example/hook", "secret": seal("whsec_eA=="), "event_types": types}
        Webhook.objects.create(user=user, name="Chat", **about)
        NotificationRule.objects.create(user=user, name="Alerts", events=types)


def fail_all(status: str = "failed") -> None:
    Run.objects.update(status=status)


def events(user: User) -> list[str]:
    return list(WebhookEvent.objects.filter(webhook__user=user).order_by("pk").values_list("type", flat=True))


@pytest.mark.usefixtures("told")
def test_the_owner_is_told_once_when_it_rises_and_once_when_it_is_over(ruled, owner, other):
    rule = ruled(recovery_count=1)
    ran(owner, count=40, status="failed")
    rounds(NOON, NOON + EVERY)
    fail_all("completed")
    rounds(NOON + 2 * EVERY, NOON + 3 * EVERY)

    assert events(owner) == ["alert.raised", "alert.resolved"] and events(other) == []
    raised = json.loads(WebhookEvent.objects.order_by("pk")[0].body)
    assert raised["type"] == "alert.raised" and raised["data"]["reason"] == "40 of 40 runs failed (100 %)."
    assert raised["data"] | {"level": "alert", "value": 100.0, "alert_at": 50.0, "window_s": 3600} == raised["data"]
    first, second = Notification.objects.filter(user=owner).order_by("created_at")
    assert (first.title, first.text, first.path) == (
        "Alert: Failures",
        "40 of 40 runs failed (100 %).",
        f"/alerts/{rule.pk}/",
    )
    assert (second.event, second.title) == ("alert.resolved", "Resolved: Failures")
    assert not Notification.objects.filter(user=other).exists()


@pytest.mark.usefixtures("told")
def test_a_warning_and_the_alert_after_it_are_told_and_the_way_down_is_told_at_its_end(ruled, owner):
    ruled(recovery_count=1)
    ran(owner, count=70)
    ran(owner, count=30, status="failed")
    rounds(NOON)
    fail_all()
    rounds(NOON + EVERY)
    Run.objects.filter(pk__in=Run.objects.values("pk")[:70]).update(status="completed")
    rounds(NOON + 2 * EVERY)
    fail_all("completed")
    rounds(NOON + 3 * EVERY)

    levels = [json.loads(each.body)["data"]["level"] for each in WebhookEvent.objects.order_by("pk")]
    assert levels == ["warning", "alert", "ok"]


@pytest.mark.usefixtures("told")
def test_nobody_is_told_while_it_is_muted_and_what_lasts_is_told_afterwards(ruled, owner):
    rule = ruled(recovery_count=1)
    AlertRule.objects.update(muted_until=NOON + 2 * MINUTE)
    ran(owner, count=9, status="failed")

    rounds(NOON, NOON + MINUTE)
    assert events(owner) == [] and not Notification.objects.exists() and history(rule) == ["alert"]

    rounds(NOON + 2 * MINUTE, NOON + 3 * MINUTE)
    assert events(owner) == ["alert.raised"] and Notification.objects.count() == 1


@pytest.mark.usefixtures("told")
def test_a_rule_of_the_command_line_is_over_everybody_and_told_to_who_is_told_of_everybody(owner, other, clerk):
    Webhook.objects.filter(user=owner).update(is_for_all=True)
    NotificationRule.objects.filter(user=owner).update(is_for_all=True)
    rule = create_rule(AlertRuleValues(**RULE), user=None, by=None)
    ran(other, count=5, status="failed")
    ran(None, count=4, status="failed")

    rounds(NOON)

    assert rule.is_for_all and history(rule) == ["alert"]
    assert events(owner) == ["alert.raised"] and events(other) == []
    assert [each.user for each in Notification.objects.all()] == [owner]


@pytest.mark.usefixtures("told")
def test_what_comes_and_goes_while_it_is_muted_is_not_told(ruled, owner):
    rule = ruled(recovery_count=1)
    AlertRule.objects.update(muted_until=NOON + 9 * MINUTE)
    ran(owner, count=9, status="failed")
    rounds(NOON)
    fail_all("completed")
    rounds(NOON + MINUTE, NOON + 9 * MINUTE)

    assert history(rule) == ["alert", "ok"] and events(owner) == []


def test_who_may_not_see_everybodys_runs_any_more_is_told_of_no_alert_about_them(ruled, owner, staff):
    about: dict[str, Any] = {"url": "https://chat.example/hook", "secret": seal("whsec_eA=="), "is_for_all": True}
    hook = Webhook.objects.create(user=staff, name="All", event_types=["alert.raised"], **about)
    NotificationRule.objects.create(user=staff, name="All", events=["alert.raised"], is_for_all=True)
    create_rule(AlertRuleValues(**RULE, is_for_all=True), user=None, by=None)
    ruled()  # Of the owner, whose alerts the rule about everybody's tells too.
    ran(owner, count=40, status="failed")
    rounds(NOON, NOON + EVERY)
    event = WebhookEvent.objects.get(webhook=hook)
    before = (WebhookEvent.objects.visible_to(staff).count(), Notification.objects.visible_to(staff).count())

    staff.user_permissions.clear()
    auditor = User.objects.get(pk=staff.pk)

    assert before == (1, 2)
    assert claim(hook.pk, 10, timezone.now() + MINUTE) == []
    event.refresh_from_db()
    assert event.state == "withdrawn"
    assert not WebhookEvent.objects.visible_to(auditor).exists()
    assert not Notification.objects.visible_to(auditor).exists()
    assert not Notification.objects.in_page(auditor, timezone.now() + MINUTE).exists()


def test_the_name_of_a_rule_cannot_hide_its_alerts_from_its_owner(ruled, owner, told):
    ruled(name='"for_all":true')
    ran(owner, count=40, status="failed")
    rounds(NOON, NOON + EVERY)

    assert WebhookEvent.objects.visible_to(owner).count() == 1
