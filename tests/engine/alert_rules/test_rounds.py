"""Rounds: each rule in its turn, each change of a level once."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from runs.engine.alert_rules.live_measures import measures_of
from runs.engine.alert_rules.rounds import CLAIMED_FOR, EVERY, SOON, claim_round, do_round, finish_round
from runs.engine.alert_rules.rule_storage import AlertRuleValues, acknowledge, change_rule, mute_rule, unmute_rule
from runs.models import AlertEvent, AlertRound, AlertRule
from tests.engine.alert_rules.conftest import MINUTE, NOON, RULE, history, ran, rounds


def test_a_rule_is_raised_with_its_numbers_and_recovers(ruled, owner):
    rule = ruled(recovery_count=1)
    ran(owner, count=28)
    ran(owner, status="failed", count=12)

    rounds(NOON)
    ran(owner, count=60)
    rounds(NOON + MINUTE)

    first, second = rule.events.order_by("number")
    assert (first.from_level, first.to_level, first.value) == ("no_data", "warning", 30)
    assert first.reason == "12 of 40 runs failed (30 %)." and first.at == NOON
    assert (second.from_level, second.to_level) == ("warning", "ok")
    rule.refresh_from_db()
    assert (rule.level, rule.level_since, rule.value, rule.counts) == (
        "ok",
        NOON + MINUTE,
        12,
        {"runs": 100, "failed": 12},
    )


def test_a_value_is_shown_though_the_level_stays(ruled, owner):
    rule = ruled()
    ran(owner, count=9)
    rounds(NOON)
    ran(owner, status="failed")

    rounds(NOON + EVERY)

    rule.refresh_from_db()
    assert (rule.value, rule.evaluated_at, history(rule)) == (10, NOON + EVERY, ["ok"])


def test_a_round_is_done_once_until_the_next_is_due(ruled):
    ruled()

    assert do_round(NOON) is not None
    assert do_round(NOON) is None and do_round(NOON + EVERY - timedelta(seconds=1)) is None
    assert do_round(NOON + EVERY) is not None


def test_after_the_end_of_a_run_a_round_comes_early_but_not_at_once(ruled):
    ruled()
    rounds(NOON)

    assert do_round(NOON + SOON / 2, is_early=True) is None
    assert do_round(NOON + SOON, is_early=True) is not None


def test_without_a_rule_in_use_nothing_is_done(ruled):
    rule = ruled(is_active=False)

    assert do_round(NOON) is None and not AlertRound.objects.exists()
    assert history(rule) == []


def test_of_a_person_who_is_not_active_nothing_is_evaluated(ruled, owner):
    rule = ruled()
    owner.is_active = False
    owner.save()

    assert do_round(NOON) is None and history(rule) == []


def test_rules_with_long_windows_have_their_turn_in_each_tenth_round(ruled, owner):
    slow, quick = ruled(window_s=2_592_000), ruled()
    ran(owner, count=9)
    rounds(NOON)
    ran(owner, status="failed", count=9)

    rounds(NOON + EVERY)
    assert (history(slow), history(quick)) == (["ok"], ["ok", "alert"])
    rounds(*(NOON + EVERY * number for number in range(2, 11)))
    assert history(slow) == ["ok", "alert"]


def test_a_new_rule_with_a_long_window_does_not_wait_for_its_turn(ruled, owner):
    ruled()
    rounds(NOON)
    slow = ruled(window_s=2_592_000)
    ran(owner, count=9)

    rounds(NOON + EVERY)

    assert history(slow) == ["ok"]


def test_a_process_that_dies_leaves_the_round_to_the_next(ruled, owner):
    rule = ruled()
    ran(owner, status="failed", count=9)
    assert claim_round(NOON) is not None  # And then nothing.

    assert do_round(NOON + MINUTE / 2) is None
    assert do_round(NOON + CLAIMED_FOR) is not None
    assert history(rule) == ["alert"]


def test_a_process_that_was_too_slow_stores_nothing(ruled, owner):
    rule = ruled()
    ran(owner, status="failed", count=9)
    slow = claim_round(NOON)
    assert slow is not None
    assert do_round(NOON + CLAIMED_FOR) is not None

    assert finish_round(slow, NOON + CLAIMED_FOR + MINUTE) is None
    assert history(rule) == ["alert"] and AlertRound.objects.get().number == 1


def test_a_clock_that_is_set_back_stops_no_round(ruled, owner):
    rule = ruled()
    ran(owner, status="failed", count=9, at=NOON - timedelta(days=1))
    rounds(NOON + timedelta(days=30))

    rounds(NOON - timedelta(days=1))

    assert history(rule) == ["alert"]


def test_a_clock_that_jumps_ahead_writes_each_change_once(ruled, owner):
    rule = ruled(recovery_count=1)
    ran(owner, status="failed", count=9)

    rounds(NOON, NOON + timedelta(days=400), NOON + timedelta(days=400) + EVERY)

    assert history(rule) == ["alert", "no_data"]


def test_a_rule_that_was_changed_meanwhile_is_left_to_the_next_round(ruled, owner, monkeypatch):
    rule = ruled()
    ran(owner, status="failed", count=9)

    def change_and_measure(*measured):
        change_rule(rule.pk, AlertRuleValues(**(RULE | {"metric": "cost"})), by=owner)
        return measures_of(*measured)

    with monkeypatch.context() as patched:
        patched.setattr("runs.engine.alert_rules.rounds.measures_of", change_and_measure)
        rounds(NOON)

    assert history(rule) == []
    rounds(NOON + EVERY)
    assert history(rule) == ["ok"]


def test_while_a_rule_is_muted_its_history_goes_on(ruled, owner):
    rule = ruled(recovery_count=1)
    AlertRule.objects.update(muted_until=NOON + MINUTE, mute_note="Maintenance")
    ran(owner, status="failed", count=9)

    rounds(NOON)

    event = rule.events.get()
    rule.refresh_from_db()
    assert (event.to_level, event.was_muted, rule.told_level) == ("alert", True, "ok")


def test_a_level_that_outlasts_the_mute_is_told_then(ruled, owner):
    rule = ruled()
    AlertRule.objects.update(muted_until=NOON + MINUTE)
    ran(owner, status="failed", count=9)

    rounds(NOON, NOON + MINUTE)

    rule.refresh_from_db()
    assert (history(rule), rule.told_level) == (["alert"], "alert")


def test_after_a_time_without_data_the_same_level_is_not_told_again(ruled, owner):
    rule = ruled(recovery_count=1)
    ran(owner, status="failed", count=9)
    rounds(NOON)
    AlertRule.objects.update(least_runs=99)
    rounds(NOON + MINUTE)
    rule.refresh_from_db()
    assert (rule.level, rule.told_level) == ("no_data", "alert")
    AlertRule.objects.update(least_runs=5)

    rounds(NOON + 2 * MINUTE)

    rule.refresh_from_db()
    assert (rule.level, rule.told_level, history(rule)) == ("alert", "alert", ["alert", "no_data", "alert"])


def test_after_a_slow_round_the_next_one_begins_later(ruled, monkeypatch):
    ruled()
    times = iter([0.0, 1.0])
    monkeypatch.setattr("runs.engine.alert_rules.rounds.time.perf_counter", lambda: next(times))

    rounds(NOON)

    row = AlertRound.objects.get()
    assert row.due_at == row.early_at == NOON + timedelta(seconds=200)
    assert do_round(NOON + timedelta(seconds=199), is_early=True) is None


def test_a_thousand_rules_take_few_queries(ruled, owner, django_assert_max_num_queries):
    rule = ruled()
    AlertRule.objects.bulk_create(
        AlertRule(user=owner, name=f"Rule {n}", metric="failure_rate", alert_at=Decimal(50)) for n in range(200)
    )
    rounds(NOON)
    ran(owner, count=9)
    rounds(NOON + EVERY)
    ran(owner, status="failed")

    with django_assert_max_num_queries(15):
        rounds(NOON + 2 * EVERY)

    rule.refresh_from_db()
    assert rule.value == 10 and AlertEvent.objects.count() == 201


def test_a_person_acknowledges_what_is_raised_and_mutes_it(ruled, owner):
    rule = ruled()
    ran(owner, status="failed", count=9)
    rounds(NOON)

    event = acknowledge(rule.pk, by=owner)
    muted = mute_rule(rule.pk, timezone.now() + MINUTE, by=owner, note=" Known \n fault ")

    assert event.acknowledged_by == owner and event.to_level == "alert"
    assert (muted.mute_note, muted.muted_by) == ("Known fault", owner)
    assert unmute_rule(rule.pk, by=owner).muted_until is None
