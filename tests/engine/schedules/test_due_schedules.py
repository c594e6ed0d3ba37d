"""The sweep: each tick launches once what its policies say."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from runs.engine import control
from runs.engine.schedules import due_schedules, pause_schedule, sweep_schedules
from runs.engine.schedules.due_schedules import in_locked_row
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, Run, Schedule, ScheduleTick, TaskTemplate
from tests.engine.schedules.conftest import HOUR, NOON, end, end_all, history, planned, states, sweep, tick_of


def test_a_tick_launches_a_run_of_its_owner_and_plans_the_next_one(scheduled, owner, clerk):
    schedule = scheduled()

    sweep(NOON)

    schedule.refresh_from_db()
    run = tick_of(schedule).run
    assert (run.user, run.agent, run.task, run.schedule, run.status) == (owner, clerk, "Write it.", schedule, "idle")
    assert (schedule.next_tick_at, schedule.launch_at, schedule.runs_launched) == (NOON + HOUR, NOON + HOUR, 1)
    assert history(schedule) == [(NOON, "at_work")]


def test_before_its_time_a_tick_launches_nothing(scheduled):
    schedule = scheduled()

    sweep(NOON - timedelta(microseconds=1))

    assert not Run.objects.exists() and not schedule.ticks.exists()


def test_sweeping_again_launches_nothing_twice(scheduled):
    schedule = scheduled()

    for _ in range(3):
        sweep_schedules(NOON + timedelta(seconds=5))

    assert Run.objects.count() == schedule.ticks.count() == 1


def test_a_clock_that_is_set_back_launches_no_tick_twice(scheduled):
    schedule = scheduled(overlap="stop")
    sweep(NOON)
    sweep(NOON + HOUR)

    sweep(NOON - 5 * HOUR)
    sweep(NOON + HOUR)

    assert [due_at for due_at, _state in history(schedule)] == [NOON, NOON + HOUR]


def test_a_schedule_planned_anew_after_the_clock_was_set_back_launches_no_tick_twice(scheduled):
    schedule = scheduled(overlap="stop")
    sweep(NOON)
    planned(Schedule.objects.get(), NOON)

    sweep(NOON + HOUR)

    assert [due_at for due_at, _state in history(schedule)] == [NOON, NOON + HOUR]
    assert Run.objects.count() == 2


def test_missed_ticks_are_one_row_of_the_history(scheduled):
    schedule = scheduled(catch_up="none")

    sweep(NOON + 5 * HOUR + timedelta(minutes=20))

    tick = tick_of(schedule)
    assert (tick.state, tick.due_at, tick.missed_until, tick.missed_count) == ("missed", NOON, NOON + 5 * HOUR, 6)
    assert not Run.objects.exists()


def test_all_missed_ticks_launch_up_to_the_limit(scheduled):
    schedule = scheduled(catch_up="all", most_caught_up=3, overlap="queue")

    sweep(NOON + 5 * HOUR)

    assert states(schedule) == ["missed", "at_work", "waiting", "waiting"]


@pytest.mark.parametrize(
    ("overlap", "told"),
    [("skip", ["at_work", "skipped"]), ("queue", ["at_work", "waiting"]), ("stop", ["cancelled", "at_work"])],
)
def test_a_tick_beside_an_earlier_run_does_what_the_overlap_policy_says(scheduled, overlap, told):
    schedule = scheduled(overlap=overlap)
    sweep(NOON)

    sweep(NOON + HOUR)
    sweep(NOON + HOUR)

    assert states(schedule) == told


def test_a_skipped_tick_says_why(scheduled):
    schedule = scheduled()
    sweep(NOON)
    sweep(NOON + HOUR)

    tick = schedule.ticks.get(state="skipped")

    assert tick.reason == "The run before it was still at work."
    assert tick.reason_parts["said"][0]["text"] == tick.reason


def test_ticks_that_wait_launch_one_after_the_other_in_their_order(scheduled):
    schedule = scheduled(overlap="queue")
    for hour in range(4):
        sweep(NOON + hour * HOUR)
    assert states(schedule) == ["at_work", "waiting", "waiting", "waiting"]

    for hour in range(4):
        assert schedule.runs.unfinished().get().tick.due_at == NOON + hour * HOUR
        end_all(schedule)
        sweep(NOON + 3 * HOUR)

    assert states(schedule) == ["succeeded"] * 4


def test_no_more_than_a_hundred_ticks_wait(scheduled):
    schedule = scheduled(overlap="queue")
    for hour in range(103):
        sweep(NOON + hour * HOUR)

    assert states(schedule) == ["at_work"] + ["waiting"] * 100 + ["skipped"] * 2
    assert schedule.ticks.filter(state="skipped").first().reason == "100 ticks were waiting, and that is the limit."


def test_a_template_is_filled_at_each_tick(scheduled, clerk):
    template = TaskTemplate(agent=clerk)
    save_template(template, name="greet", description="", task="Greet {{ who }}.", inputs=[{"name": "who"}])
    schedule = scheduled(template=template, inputs={"who": "Bob"})

    sweep(NOON)

    run = tick_of(schedule).run
    assert (run.task, run.template) == ("Greet Bob.", template)


def test_a_label_is_followed_at_each_tick(scheduled, clerk):
    control.set_label(clerk.pk, "production", 1, by=None)
    schedule = scheduled(version="production")
    clerk.instructions = "Be brief."
    clerk.save()

    sweep(NOON)

    assert (tick_of(schedule).run.version, clerk.version) == (1, 2)


def remove_label(schedule: Schedule) -> None:
    control.remove_label(schedule.agent.pk, "production", by=None)


def archive(schedule: Schedule) -> None:
    control.set_archived(schedule.agent.pk, archived=True)


def delete_agent(schedule: Schedule) -> None:
    schedule.agent.delete()


def take_permission(schedule: Schedule) -> None:
    schedule.user.user_permissions.add(Permission.objects.get(codename="view_models"))


def deactivate(schedule: Schedule) -> None:
    User.objects.update(is_active=False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (remove_label, "Clerk has no label 'production'."),
        (archive, "Clerk is archived. No run is launched with it."),
        (delete_agent, "Its agent was deleted."),
        (take_permission, "Your account may not launch runs"),
        (deactivate, "Your account may not launch runs"),
    ],
)
def test_a_tick_that_cannot_launch_says_why_and_is_a_failure(scheduled, clerk, change, reason):
    control.set_label(clerk.pk, "production", 1, by=None)
    schedule = scheduled(version="production")
    change(schedule)

    sweep(NOON)

    schedule.refresh_from_db()
    assert reason in tick_of(schedule).reason
    assert (tick_of(schedule).state, schedule.failures, schedule.next_tick_at) == ("refused", 1, NOON + HOUR)
    assert not Run.objects.exists()


def test_a_template_that_is_gone_or_got_an_input_is_the_reason_of_the_tick(scheduled, clerk):
    template = TaskTemplate(agent=clerk)
    save_template(template, name="greet", description="", task="Greet.", inputs=[])
    schedule = scheduled(template=template)
    save_template(template, name="greet", description="", task="Greet {{ who }}.", inputs=[{"name": "who"}])
    sweep(NOON)
    template.delete()

    sweep(NOON + HOUR)

    first, second = schedule.ticks.order_by("due_at")
    assert "value" in first.reason and first.reason_parts["said"]
    assert second.reason == "Its template was deleted."


@pytest.mark.parametrize(
    ("status", "could_not", "state", "failures"),
    [
        ("completed", False, "succeeded", 0),
        ("completed", True, "failed", 1),
        ("failed", False, "failed", 1),
        ("cancelled", False, "cancelled", 0),
    ],
)
def test_the_end_of_a_run_is_noted_in_the_history(scheduled, status, could_not, state, failures):
    schedule = scheduled()
    sweep(NOON)
    end(schedule.runs.get(), status, could_not=could_not)

    sweep(NOON)

    schedule.refresh_from_db()
    assert (tick_of(schedule).state, schedule.failures) == (state, failures)
    assert tick_of(schedule).ended_at == NOON


def test_a_schedule_stops_after_failures_in_a_row_and_the_sweep_tells(scheduled):
    schedule, told = scheduled(stop_after=3), []
    for hour, status in enumerate(["failed", "failed", "completed", "failed", "failed", "failed"]):
        sweep(NOON + hour * HOUR)
        end_all(schedule, status)
        told.append([each.pk for each in sweep_schedules(NOON + hour * HOUR).stopped])

    schedule.refresh_from_db()
    assert told == [[], [], [], [], [], [schedule.pk]]
    assert (schedule.state, schedule.failures, schedule.next_tick_at) == ("stopped", 3, None)
    sweep(NOON + 9 * HOUR)
    assert len(states(schedule)) == 6


def test_a_failure_stops_the_ticks_of_the_same_outage_that_come_after_it(scheduled):
    schedule = scheduled(stop_after=2, catch_up="all", most_caught_up=5)
    archive(schedule)

    sweep(NOON + 4 * HOUR)

    schedule.refresh_from_db()
    assert (states(schedule), schedule.state) == (["refused", "refused"], "stopped")


def test_a_schedule_without_a_limit_of_failures_goes_on(scheduled):
    schedule = scheduled(stop_after=None)
    archive(schedule)
    for hour in range(9):
        sweep(NOON + hour * HOUR)

    schedule.refresh_from_db()
    assert (schedule.state, schedule.failures) == ("active", 9)


def test_a_schedule_ends_with_the_last_run_of_its_limit(scheduled):
    schedule = scheduled(max_runs=2, overlap="queue")
    for hour in range(4):
        sweep(NOON + hour * HOUR)
    end_all(schedule)
    sweep(NOON + 3 * HOUR)

    schedule.refresh_from_db()
    assert (states(schedule), schedule.state) == (["succeeded", "at_work", "skipped", "skipped"], "ended")
    assert schedule.ticks.filter(state="skipped").first().reason == "The schedule has ended."


def test_a_schedule_ends_at_its_end_and_ticks_that_wait_still_launch(scheduled):
    end_of_it = NOON.replace(year=2099) + HOUR
    schedule = scheduled(ends_at=end_of_it, overlap="queue", first=NOON.replace(year=2099))
    for hour in range(3):
        sweep(NOON.replace(year=2099) + hour * HOUR)
    schedule.refresh_from_db()
    assert (states(schedule), schedule.state, schedule.next_tick_at) == (["at_work", "waiting"], "ended", None)

    end_all(schedule)
    sweep(end_of_it)

    assert states(schedule) == ["succeeded", "at_work"]


def test_a_paused_schedule_launches_nothing(scheduled, owner):
    schedule = scheduled()
    pause_schedule(schedule.pk, by=owner)

    sweep(NOON + 9 * HOUR)

    assert not schedule.ticks.exists()


def test_a_run_that_was_deleted_is_not_at_work_any_more(scheduled):
    schedule = scheduled()
    sweep(NOON)
    Run.objects.all().delete()

    sweep(NOON)

    assert (tick_of(schedule).state, tick_of(schedule).reason) == ("cancelled", "Its run was deleted.")


def test_a_person_with_many_schedules_does_not_hold_up_the_one_of_another(scheduled, monkeypatch):
    monkeypatch.setattr(due_schedules, "MOST_A_SWEEP", 20)
    bob = User.objects.create_user("bob")
    for number in range(25):
        scheduled(NOON - timedelta(minutes=1), name=f"Many {number}", when="* * * * *")
    other = scheduled(by=bob)

    swept = sweep_schedules(NOON)

    assert swept.is_full and swept.schedules == 20
    assert tick_of(other).state == "at_work"


def test_an_error_in_the_middle_leaves_neither_tick_nor_run(scheduled, monkeypatch):
    schedule = scheduled()

    class Died(Exception):
        pass

    def die(boundary: str) -> None:
        if boundary == "tick":
            raise Died

    monkeypatch.setattr("runs.engine.operations.fault_points.at_commit", die)
    sweep_schedules(NOON)

    schedule.refresh_from_db()
    assert not Run.objects.exists() and not ScheduleTick.objects.exists() and schedule.next_tick_at == NOON


def test_a_schedule_that_was_deleted_meanwhile_is_passed_over(scheduled):
    schedule = scheduled()
    schedule_id = schedule.pk
    schedule.delete()

    assert in_locked_row(schedule_id, lambda _schedule: None) is None


def test_deleting_an_agent_leaves_its_schedules(scheduled, clerk):
    schedule = scheduled()

    Agent.objects.filter(pk=clerk.pk).delete()

    schedule.refresh_from_db()
    assert schedule.agent is None
