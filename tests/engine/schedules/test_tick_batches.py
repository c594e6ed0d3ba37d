"""Many schedules that are due at once: launched together, each as it would be alone."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.engine.schedules import sweep_schedules
from runs.engine.schedules.postponed import Postponed
from runs.engine.schedules.tick_batches import BATCH
from runs.engine.task_templates.template_storage import save_template
from runs.models import Run, Schedule, ScheduleTick, TaskTemplate
from tests.engine.schedules.conftest import HOUR, NOON, end, states, sweep, tick_of


@pytest.fixture
def many(scheduled) -> list[Schedule]:
    return [scheduled(name=f"Report {number}", task=f"Write report {number}.") for number in range(BATCH)]


def test_a_batch_takes_few_queries(many):
    with CaptureQueriesContext(connection) as queries:
        sweep_schedules(NOON)

    assert Run.objects.count() == ScheduleTick.objects.filter(state="at_work").count() == BATCH
    assert len(queries) < BATCH


def test_each_run_of_a_batch_is_that_of_its_schedule(many, owner, clerk):
    sweep_schedules(NOON)

    for schedule in many:
        run = tick_of(schedule).run
        schedule.refresh_from_db()
        assert (run.task, run.schedule, run.user, run.agent) == (schedule.task, schedule, owner, clerk)
        assert (run.config["agent"], run.version, run.overrides) == ("Clerk", clerk.version, {})
        assert (schedule.next_tick_at, schedule.launch_at, schedule.runs_launched) == (NOON + HOUR, NOON + HOUR, 1)


def test_the_ends_of_many_runs_are_noted_together(many):
    sweep_schedules(NOON)
    for number, run in enumerate(Run.objects.order_by("pk")):
        end(run, "failed" if number == 0 else "completed")

    with CaptureQueriesContext(connection) as queries:
        sweep_schedules(NOON)

    assert {*ScheduleTick.objects.values_list("state", flat=True)} == {"succeeded", "failed"}
    assert sum(Schedule.objects.values_list("failures", flat=True)) == 1
    assert len(queries) < BATCH


def test_a_schedule_with_an_error_of_ours_does_not_keep_the_others_from_their_ticks(many, caplog):
    bad = many[BATCH // 2]
    Schedule.objects.filter(pk=bad.pk).update(cron="no cron at all")
    postponed = Postponed()

    sweep_schedules(NOON, postponed)

    assert Run.objects.count() == BATCH - 1 and not bad.ticks.exists()
    assert f"The schedule {bad.pk} could not be dealt with." in caplog.text
    assert sweep_schedules(NOON + timedelta(seconds=1), postponed).schedules == 0
    assert sweep_schedules(NOON + timedelta(seconds=61), postponed).schedules == 1


def test_one_that_cannot_launch_tells_its_reason_and_the_others_launch(many):
    Schedule.objects.filter(pk=many[3].pk).update(version="gone")

    sweep_schedules(NOON)

    assert Run.objects.count() == BATCH - 1
    assert (tick_of(many[3]).state, "no label" in tick_of(many[3]).reason) == ("refused", True)


def test_the_owner_of_a_batch_launches_no_more_than_the_limit(many, settings, scheduled):
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 10
    other = scheduled(by=User.objects.create_user("bob"))
    postponed = Postponed()

    for second in range(5):
        sweep_schedules(NOON + timedelta(seconds=second), postponed)

    assert Run.objects.filter(user=many[0].user_id).count() == 10 == ScheduleTick.objects.count() - 1
    assert Schedule.objects.filter(launch_at=NOON).count() == BATCH - 10 and tick_of(other).state == "at_work"
    assert not Schedule.objects.filter(failures__gt=0).exists()


def test_whoever_may_not_launch_any_more_gets_the_reason_in_each_history(many, owner):
    owner.is_active = False
    owner.save()

    sweep_schedules(NOON)

    assert {tick.state for tick in ScheduleTick.objects.all()} == {"refused"} and not Run.objects.exists()


@pytest.mark.parametrize(("overlap", "second"), [("skip", "skipped"), ("queue", "waiting"), ("stop", "at_work")])
def test_a_batch_whose_runs_are_at_work_does_what_each_overlap_policy_says(scheduled, overlap, second):
    schedules = [scheduled(name=f"Report {number}", overlap=overlap) for number in range(5)]
    sweep(NOON)

    sweep(NOON + HOUR)

    first = "cancelled" if overlap == "stop" else "at_work"
    assert all(states(each) == [first, second] for each in schedules)


def test_a_template_is_filled_for_each_of_a_batch(scheduled, clerk):
    template = TaskTemplate(agent=clerk)
    save_template(template, name="report", description="", task="About {{ what }}.", inputs=[{"name": "what"}])
    for what in ("tides", "winds"):
        scheduled(name=what, template=template, inputs={"what": what})

    sweep_schedules(NOON)

    assert {run.task for run in Run.objects.all()} == {"About tides.", "About winds."}
    assert {run.template for run in Run.objects.all()} == {template}
    assert all(run.filled_inputs["template"] == "report" for run in Run.objects.all())


@pytest.mark.django_db(transaction=True)
def test_the_host_and_the_dashboards_are_told_of_a_batch_once(many, monkeypatch):
    told: list[tuple[str, int]] = []
    for name, who in (
        ("engine.queueing.local_host.submit_later", "host"),
        ("doorbell.ring_dashboard_from_thread", "dashboards"),
    ):
        monkeypatch.setattr(f"runs.{name}", lambda ids, who=who: told.append((who, len(ids))))

    sweep_schedules(NOON)

    assert told == [("host", BATCH), ("dashboards", BATCH)]
