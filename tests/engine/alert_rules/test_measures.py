"""The formulas, and that the past is measured as the present is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from runs.engine.alert_rules.advances import thresholds_of
from runs.engine.alert_rules.live_measures import measures_of
from runs.engine.alert_rules.measures import (
    Measure,
    RunSums,
    failure_rate,
    midnight,
    nearest_rank,
    reason_of,
    total_cost,
)
from runs.engine.alert_rules.past_measures import LOOKED_BACK, STEP, past_trial
from runs.models import AlertRule, Run, Step
from tests.engine.alert_rules.conftest import MINUTE, NOON, ran

HOUR = 60 * MINUTE


def measure(rule: AlertRule, now: datetime = NOON) -> Measure:
    return measures_of([rule], now)[rule.pk]


def test_a_failure_rate_is_of_the_completed_and_failed_runs():
    assert failure_rate(RunSums(completed=28, failed=12, cancelled=60), 5).value == 30


def test_over_few_runs_there_is_no_rate():
    assert failure_rate(RunSums(completed=1, failed=1), 3).value is None
    assert failure_rate(RunSums(), 0).value is None


def test_a_cost_that_is_unknown_is_not_zero():
    assert total_cost(RunSums(completed=2, unpriced=2)).value is None
    assert total_cost(RunSums(completed=2, unpriced=1, cost=Decimal("0.5"))).value == Decimal("0.5")
    assert total_cost(RunSums()).value == 0


@pytest.mark.parametrize(("runs", "place"), [(1, 1), (2, 2), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95)])
def test_the_nearest_rank_is_the_first_that_95_percent_do_not_exceed(runs, place):
    assert nearest_rank(runs) == place


@pytest.mark.parametrize(
    ("now", "zone", "begins"),
    [
        ("2026-06-01T12:00Z", "UTC", "2026-06-01T00:00Z"),
        ("2026-06-01T23:00Z", "Europe/Berlin", "2026-06-01T22:00Z"),
        ("2026-06-01T12:00Z", "Asia/Kolkata", "2026-05-31T18:30Z"),
        ("2026-10-25T12:00Z", "Europe/Berlin", "2026-10-24T22:00Z"),
        ("2026-10-25T23:30Z", "Europe/Berlin", "2026-10-25T23:00Z"),
    ],
)
def test_a_day_begins_at_midnight_in_its_zone(now, zone, begins):
    assert midnight(datetime.fromisoformat(now), zone) == datetime.fromisoformat(begins)


@pytest.mark.parametrize(
    ("metric", "found", "words"),
    [
        ("failure_rate", Measure(Decimal(30), {"runs": 40, "failed": 12}), "12 of 40 runs failed (30 %)."),
        ("failure_rate", Measure(None, {"runs": 1}), "1 run has ended in the window; the rule asks for 5."),
        ("failure_rate", Measure(None, {"runs": 0}), "No run has ended in the window."),
        ("p95_duration", Measure(Decimal("72.5"), {"runs": 20}), "95 % of 20 runs took at most 72.5 s."),
        ("cost", Measure(Decimal("1.25"), {"runs": 3, "unpriced": 0}), "3 runs have cost $1.25."),
        (
            "cost",
            Measure(Decimal(2), {"runs": 3, "unpriced": 1}),
            "3 runs have cost $2. That is the least: the cost of 1 run is unknown.",
        ),
        ("cost", Measure(None, {"runs": 3, "unpriced": 3}), "The cost of 3 runs is unknown."),
        ("waiting", Measure(Decimal(90), {"waiting": 2}), "2 runs wait for a person, the longest for 1.5 min."),
        ("waiting", Measure(Decimal(0), {"waiting": 0}), "No run waits for a person."),
        ("cost", Measure(None), "The account of its owner may not see everybody's runs."),
    ],
)
def test_a_reason_has_the_numbers(metric, found, words):
    assert reason_of(metric, found, least_runs=5) == words


def test_a_window_ends_now_and_begins_behind_its_first_moment(ruled, owner):
    rule = ruled(least_runs=1)
    ran(owner, at=NOON, status="failed")
    ran(owner, at=NOON - HOUR, status="failed")
    ran(owner, at=NOON - HOUR + timedelta(microseconds=1))
    ran(owner, at=NOON + MINUTE, status="failed")

    assert measure(rule) == Measure(Decimal(50), {"runs": 2, "failed": 1})


def test_a_rule_is_over_the_runs_of_its_owner_and_agent_only(ruled, owner, other, clerk):
    ran(owner, count=4)
    ran(owner, agent=clerk, status="failed", count=5)
    ran(other, status="failed", count=7)

    assert measure(ruled()).counts == {"runs": 9, "failed": 5}
    assert measure(ruled(agent=clerk)).counts == {"runs": 5, "failed": 5}


def test_a_rule_about_everybody_counts_runs_of_the_command_line_too(ruled, owner, staff, clerk):
    ran(owner, agent=clerk, count=4)
    ran(None, status="failed", count=5)

    assert measure(ruled(staff, is_for_all=True)).counts == {"runs": 9, "failed": 5}
    assert measure(ruled(staff, is_for_all=True, agent=clerk)).counts == {"runs": 4, "failed": 0}


def test_who_may_not_see_everybodys_runs_any_more_is_told_nothing_of_them(ruled, owner, staff):
    rule = ruled(staff, is_for_all=True)
    ran(owner, status="failed", count=9)
    staff.user_permissions.clear()

    assert measure(AlertRule.objects.get(pk=rule.pk)) == Measure(None)


def test_a_duration_is_the_time_at_work_of_the_run_at_the_nearest_rank(ruled, owner, clerk):
    for number in range(1, 21):
        ran(owner, active_ms=number * 1000, agent=clerk)
    ran(owner, active_ms=99_000, status="cancelled")

    of_agent = ruled(metric="p95_duration", agent=clerk)
    of_all = ruled(metric="p95_duration")

    assert measure(of_agent) == Measure(Decimal(19), {"runs": 20})
    assert measures_of([of_agent, of_all], NOON)[of_all.pk].value == 19


def test_a_cost_is_of_all_runs_that_have_ended(ruled, owner):
    ran(owner, cost=Decimal("0.30"), tokens_used=10)
    ran(owner, cost=Decimal("0.20"), tokens_used=10, status="cancelled")
    ran(owner, cost=Decimal("0.10"), cost_is_partial=True, tokens_used=10)
    ran(owner, tokens_used=0)
    ran(owner)

    assert measure(ruled(metric="cost")) == Measure(Decimal("0.6"), {"runs": 5, "unpriced": 1})


def test_what_was_spent_today_counts_from_midnight_of_the_rules_zone(ruled, owner):
    ran(owner, at=datetime(2026, 6, 1, 1, tzinfo=UTC), cost=Decimal(1))
    ran(owner, at=datetime(2026, 5, 31, 23, tzinfo=UTC), cost=Decimal(2))
    Run.objects.create(user=owner, task="Do.", created_at=NOON, cost=Decimal(4), tokens_used=1)

    assert measure(ruled(metric="spend_today")).value == 5
    assert measure(ruled(metric="spend_today", time_zone="Europe/Berlin")).value == 7


def test_the_longest_wait_is_since_the_last_step_of_a_run_that_asks(ruled, owner, other):
    waits(owner, NOON - 5 * MINUTE)
    waits(owner, NOON - 9 * MINUTE)
    waits(owner, NOON - 99 * MINUTE, waiting_for="resume")
    waits(other, NOON - 50 * MINUTE)

    assert measure(ruled(metric="waiting")) == Measure(Decimal(540), {"waiting": 2})


def waits(user, since: datetime, waiting_for: str = "approval") -> None:
    run = Run.objects.create(
        user=user, task="Do.", status="waiting", waiting_for=waiting_for, created_at=since, next_sequence=3
    )
    for sequence, at in ((1, since - HOUR), (2, since)):
        Step.objects.create(run=run, sequence=sequence, epoch=1, kind="approval", ended_at=at)


@pytest.mark.parametrize("metric", ["failure_rate", "cost", "p95_duration", "spend_today"])
@pytest.mark.parametrize("window_s", [300, 3600, 86_400])
def test_the_past_is_measured_as_the_present_was(ruled, owner, metric, window_s):
    chance = Random(metric)
    made = []
    for _ in range(400):
        at = NOON - timedelta(seconds=chance.randrange(9 * 86_400))
        made.append(
            Run(
                user=owner,
                task="Do.",
                created_at=at,
                ended_at=at,
                status=chance.choice(["completed", "completed", "failed", "cancelled"]),
                active_ms=chance.randrange(90_000),
                cost=chance.choice([None, Decimal(chance.randrange(1, 100)) / 100]),
                tokens_used=chance.choice([None, 5]),
            )
        )
    Run.objects.bulk_create(made)
    rule = ruled(metric=metric, window_s=window_s, least_runs=2)

    trial = past_trial(rule, thresholds_of(rule), NOON)

    assert trial.points[-1].at == NOON and trial.points[0].at == NOON - LOOKED_BACK
    assert {after.at - before.at for before, after in zip(trial.points, trial.points[1:], strict=False)} == {STEP}
    for point in chance.sample(trial.points, 12):
        assert point.value == measure(rule, point.at).value, point.at
