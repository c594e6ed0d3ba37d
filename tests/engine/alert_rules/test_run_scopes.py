"""Rules over the runs of a label or of a schedule."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from runs.engine.alert_rules.advances import thresholds_of
from runs.engine.alert_rules.live_measures import measures_of
from runs.engine.alert_rules.measures import LABEL_GONE, Measure, reason_of
from runs.engine.alert_rules.past_measures import past_trial
from runs.engine.alert_rules.rule_storage import AlertRuleRefused, AlertRuleValues, change_rule
from runs.models import Agent, AlertLevel, AlertRule, Run, Schedule, Step
from tests.engine.alert_rules.conftest import MINUTE, NOON, RULE, history, ran, rounds


def measure(rule: AlertRule, now=NOON) -> Measure:
    return measures_of([rule], now)[rule.pk]


def schedule_of(user, agent: Agent, name: str = "Report") -> Schedule:
    about = {"when": "hourly", "cron": "0 * * * *", "time_zone": "UTC", "next_tick_at": NOON, "launch_at": NOON}
    return Schedule.objects.create(user=user, name=name, agent=agent, task="x", **about)


@pytest.fixture
def labelled(clerk: Agent) -> Agent:
    """The clerk, whose version 2 is the one in production."""
    clerk.labels.create(name="production", number=2)
    return clerk


def test_a_label_is_the_version_that_it_points_at_now(ruled, owner, labelled):
    ran(owner, agent=labelled, version=1, count=5)
    ran(owner, agent=labelled, version=2, status="failed", count=6)
    ran(owner, agent=labelled, version=None, draft_base=2, status="failed", count=7)
    ran(owner, version=2, status="failed", count=8)
    rule = ruled(agent=labelled, label="production")

    before = measure(rule)
    labelled.labels.update(number=1)

    assert before.counts == {"runs": 6, "failed": 6}
    assert measure(rule).counts == {"runs": 5, "failed": 0}


def test_a_rule_whose_label_is_gone_has_no_value_and_says_why(ruled, owner, labelled):
    ran(owner, agent=labelled, version=2, status="failed", count=6)
    rule = ruled(agent=labelled, label="production")
    rounds(NOON)
    labelled.labels.all().delete()

    found = measure(rule)
    rounds(NOON + MINUTE, NOON + 2 * MINUTE)

    assert found == LABEL_GONE
    assert reason_of(rule.metric, found, least_runs=5) == "The agent of the rule has lost its label."
    assert history(rule) == ["alert", "no_data"]
    assert past_trial(rule, thresholds_of(rule), NOON).raised(AlertLevel.WARNING) == 0


def test_a_rule_of_a_schedule_is_over_its_runs_only(ruled, owner, clerk):
    report, letter = schedule_of(owner, clerk), schedule_of(owner, clerk, "Letter")
    ran(owner, agent=clerk, schedule=report, status="failed", count=5)
    ran(owner, agent=clerk, schedule=letter, count=6)
    ran(owner, agent=clerk, count=7)

    counts = [measure(ruled(schedule=each)).counts for each in (report, letter, None)]

    assert counts == [{"runs": 5, "failed": 5}, {"runs": 6, "failed": 0}, {"runs": 18, "failed": 5}]


@pytest.mark.parametrize("metric", AlertRule.Metric.values)
def test_every_figure_takes_a_label_and_a_schedule_together(ruled, owner, labelled, metric):
    report = schedule_of(owner, labelled)
    about = {"agent": labelled, "version": 2, "schedule": report, "cost": Decimal(2), "tokens_used": 1}
    ran(owner, **about, active_ms=4000, status="failed", count=5)
    for other in ({"version": 1}, {"schedule": None}):
        ran(owner, **(about | other), active_ms=9000, count=30)
    for minutes, other in ((3, {}), (50, {"version": 1}), (60, {"schedule": None})):
        waits(owner, minutes, agent=labelled, **({"version": 2, "schedule": report} | other))

    found = measure(ruled(metric=metric, agent=labelled, label="production", schedule=report))

    expected = {"failure_rate": 100, "cost": 10, "p95_duration": 4, "waiting": 180, "spend_today": 10}
    assert found.value == expected[metric]


def waits(user, minutes: int, **columns) -> None:
    began = NOON - timedelta(minutes=minutes)
    asking = {"status": "waiting", "waiting_for": "approval", "next_sequence": 2, "tokens_used": 0}
    # Not launched today, so that it plays no part in what was spent.
    run = Run.objects.create(user=user, task="Do.", created_at=NOON - timedelta(days=2), **asking, **columns)
    Step.objects.create(run=run, sequence=1, epoch=1, kind="approval", ended_at=began)


@pytest.mark.parametrize("metric", ["failure_rate", "cost", "p95_duration", "spend_today"])
def test_the_past_is_measured_as_the_present_was(ruled, owner, labelled, metric):
    chance, report = Random(metric), schedule_of(owner, labelled)
    times = [NOON - timedelta(seconds=chance.randrange(9 * 86_400)) for _ in range(600)]
    Run.objects.bulk_create(
        Run(
            user=owner,
            task="Do.",
            agent=labelled,
            version=chance.choice([1, 2]),
            schedule=chance.choice([report, None]),
            created_at=at,
            ended_at=at,
            status=chance.choice(["completed", "failed"]),
            active_ms=chance.randrange(90_000),
            cost=Decimal(chance.randrange(1, 100)) / 100,
            tokens_used=5,
        )
        for at in times
    )
    rule = ruled(metric=metric, agent=labelled, label="production", schedule=report, window_s=86_400, least_runs=2)

    trial = past_trial(rule, thresholds_of(rule), NOON)

    for point in chance.sample(trial.points, 12):
        assert point.value == measure(rule, point.at).value, point.at
    assert any(point.value for point in trial.points)


def test_rules_of_hundreds_of_schedules_and_labels_take_few_queries(
    ruled, owner, labelled, django_assert_max_num_queries
):
    schedules = [schedule_of(owner, labelled, f"Report {number}") for number in range(40)]
    ran(owner, agent=labelled, version=2, status="failed", count=6)
    made = [ruled(metric=metric, schedule=each) for each in schedules for metric in ("cost", "p95_duration")]
    made.append(ruled(agent=labelled, label="production"))
    rules = list(AlertRule.objects.select_related("user"))

    # The labels, sums of both kinds of groups, durations.
    with django_assert_max_num_queries(4):
        found = measures_of(rules, NOON)

    assert len(found) == len(made) and found[made[-1].pk].counts == {"runs": 6, "failed": 6}


def test_a_label_without_an_agent_an_unknown_one_and_anothers_schedule_are_refused(ruled, owner, other, staff, clerk):
    theirs = schedule_of(other, clerk)
    wrong = [({"label": "production"}, owner), ({"agent": clerk, "label": "x"}, owner), ({"schedule": theirs}, owner)]
    wrong.append(({"schedule": theirs}, staff))

    faults = []
    for values, by in wrong:
        with pytest.raises(AlertRuleRefused) as refused:
            ruled(by, **values)
        faults.append((list(refused.value.faults), str(refused.value)))

    assert [names for names, _ in faults] == [["label"], ["label"], ["schedule"], ["schedule"]]
    assert "no such schedule" in faults[2][1] and "another person's" in faults[3][1]
    assert ruled(staff, schedule=theirs, is_for_all=True).schedule == theirs


def test_a_rule_with_a_lost_label_can_be_changed_and_with_other_filters_begins_anew(ruled, owner, labelled):
    ran(owner, agent=labelled, version=2, status="failed", count=6)
    rule = ruled(agent=labelled, label="production")
    rounds(NOON)
    labelled.labels.all().delete()
    kept = RULE | {"agent": labelled, "label": "production"}

    renamed = change_rule(rule.pk, AlertRuleValues(**(kept | {"name": "Anew"})), by=owner)
    level = renamed.level
    widened = change_rule(rule.pk, AlertRuleValues(**(kept | {"label": ""})), by=owner)

    assert (renamed.name, level, widened.level) == ("Anew", "alert", "no_data")


def test_a_rule_goes_with_its_schedule(ruled, owner, clerk):
    report = schedule_of(owner, clerk)
    ruled(schedule=report)

    report.delete()

    assert not AlertRule.objects.exists()
