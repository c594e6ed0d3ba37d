"""Rules as people make and change them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from runs.engine.alert_rules.rule_storage import (
    LONGEST_MUTE,
    MOST_RULES,
    AlertRuleRefused,
    AlertRuleValues,
    acknowledge,
    change_rule,
    create_rule,
    delete_rule,
    mute_rule,
)
from runs.models import AlertRule
from tests.engine.alert_rules.conftest import MINUTE, NOON, RULE, history, ran, rounds


def values(**changed) -> AlertRuleValues:
    return AlertRuleValues(**(RULE | changed))


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"name": "  "}, "name", "Give it a name."),
        ({"name": "x" * 81}, "name", "At most 80 characters."),
        ({"name": "a\x00b"}, "name", "It has a character that cannot be stored."),
        ({"metric": "luck"}, "metric", "One of failure_rate, cost, p95_duration, waiting, spend_today."),
        ({"window_s": 61}, "window_s", "One of 300, 900, 3600, 21600, 86400, 604800, 2592000."),
        ({"alert_at": Decimal(101)}, "alert_at", "A number above 0, up to 100."),
        ({"alert_at": Decimal(0)}, "alert_at", "A number above 0, up to 100."),
        ({"alert_at": Decimal("NaN")}, "alert_at", "A number above 0, up to 100."),
        ({"alert_at": Decimal("Infinity"), "metric": "cost"}, "alert_at", "A number above 0, up to 1,000,000,000."),
        ({"warning_at": Decimal(50)}, "warning_at", "It must be lower than the threshold of the alert."),
        ({"least_runs": 0}, "least_runs", "A whole number from 1 to 10,000."),
        ({"margin_percent": 91}, "margin_percent", "A whole number from 0 to 90."),
        ({"recovery_count": 21}, "recovery_count", "A whole number from 1 to 20."),
        ({"time_zone": "Mars/Olympus"}, "time_zone", None),
        ({"is_for_all": True}, "is_for_all", "Your account may not see everybody's runs."),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(owner, changed, field, words):
    with pytest.raises(AlertRuleRefused) as refused:
        create_rule(values(**changed), user=owner, by=owner)

    assert list(refused.value.faults) == [field] and (words is None or refused.value.faults[field] == words)
    assert not AlertRule.objects.exists()


def test_a_person_has_so_many_rules_at_most(owner):
    AlertRule.objects.bulk_create(AlertRule(user=owner, name="Rule", alert_at=1) for _ in range(MOST_RULES))

    with pytest.raises(AlertRuleRefused, match="that is the limit"):
        create_rule(values(), user=owner, by=owner)


def test_a_rule_that_watches_something_else_begins_anew(ruled, owner):
    rule = ruled()
    ran(owner, status="failed", count=9)
    rounds(NOON)

    change_rule(rule.pk, values(metric="cost"), by=owner)

    rule.refresh_from_db()
    assert (rule.level, rule.value, rule.told_level, rule.evaluated_at) == ("no_data", None, "ok", None)
    assert history(rule) == ["alert", "no_data"]
    assert rule.events.get(to_level="no_data").reason == "The rule watches something else now."


def test_other_thresholds_leave_the_level_until_the_next_evaluation(ruled, owner):
    rule = ruled(recovery_count=1)
    ran(owner, status="failed", count=3)
    ran(owner, count=2)
    rounds(NOON)

    change_rule(rule.pk, values(alert_at=Decimal(90), warning_at=None, recovery_count=1), by=owner)
    rule.refresh_from_db()
    assert rule.level == "alert"

    rounds(NOON + MINUTE)
    assert history(rule) == ["alert", "ok"]


def test_a_rule_out_of_use_is_not_raised_any_more(ruled, owner):
    rule = ruled()
    ran(owner, status="failed", count=9)
    rounds(NOON)

    change_rule(rule.pk, values(is_active=False), by=owner)

    rule.refresh_from_db()
    assert (rule.level, rule.is_raised, history(rule)) == ("no_data", False, ["alert", "no_data"])


def test_another_persons_rule_does_not_exist(ruled, other):
    rule = ruled()

    for work in (
        lambda: change_rule(rule.pk, values(), by=other),
        lambda: delete_rule(rule.pk, by=other),
        lambda: mute_rule(rule.pk, timezone.now() + MINUTE, by=other),
        lambda: acknowledge(rule.pk, by=other),
    ):
        with pytest.raises(AlertRule.DoesNotExist):
            work()


def test_a_rule_about_everybody_is_muted_and_acknowledged_but_not_changed_by_others_who_see_it(
    ruled, staff, django_user_model
):
    rule = ruled(staff, is_for_all=True)
    root = django_user_model.objects.create_superuser("root")
    ran(None, status="failed", count=9)
    rounds(NOON)

    assert mute_rule(rule.pk, timezone.now() + MINUTE, by=root).muted_by == root
    assert acknowledge(rule.pk, by=root).acknowledged_by == root
    for work in (lambda: change_rule(rule.pk, values(), by=root), lambda: delete_rule(rule.pk, by=root)):
        with pytest.raises(PermissionDenied):
            work()


def test_the_first_who_acknowledges_stays_noted(ruled, staff, django_user_model):
    rule = ruled(staff, is_for_all=True)
    ran(None, status="failed", count=9)
    rounds(NOON)

    acknowledge(rule.pk, by=staff)
    again = acknowledge(rule.pk, by=django_user_model.objects.create_superuser("root"))

    assert again.acknowledged_by == staff


def test_what_is_not_raised_cannot_be_acknowledged(ruled, owner):
    rule = ruled()

    with pytest.raises(AlertRuleRefused, match="nothing to acknowledge"):
        acknowledge(rule.pk, by=owner)


@pytest.mark.parametrize("ahead", [timedelta(0), -MINUTE, LONGEST_MUTE + timedelta(days=1)])
def test_a_mute_ends_in_the_next_thirty_days(ruled, owner, ahead):
    rule = ruled()

    with pytest.raises(AlertRuleRefused, match="next 30 days"):
        mute_rule(rule.pk, timezone.now() + ahead, by=owner, note="x")


def test_the_history_goes_with_the_rule(ruled, owner):
    rule = ruled()
    rounds(NOON)

    delete_rule(rule.pk, by=owner)

    assert not AlertRule.objects.exists()
