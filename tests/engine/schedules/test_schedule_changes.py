"""What people do with a schedule, and who may."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from runs.engine.schedules import (
    ScheduleInvalid,
    ScheduleRefused,
    ScheduleValues,
    delete_schedule,
    pause_schedule,
    resume_schedule,
    run_now,
    save_schedule,
    schedule_storage,
)
from runs.engine.task_templates.template_storage import save_template
from runs.models import Run, Schedule, TaskTemplate
from tests.engine.schedules.conftest import HOUR, NOON, end_all, states, sweep, tick_of


def person(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return User.objects.get(pk=user.pk)


def test_a_pause_has_a_note_and_skips_what_waits(scheduled, owner):
    schedule = scheduled(overlap="queue")
    sweep(NOON)
    sweep(NOON + HOUR)

    paused = pause_schedule(schedule.pk, by=owner, note="  The server\nmoves. ")

    assert (paused.state, paused.state_note, paused.state_changed_by) == ("paused", "The server moves.", owner)
    assert (paused.next_tick_at, states(schedule)) == (None, ["at_work", "skipped"])


def test_ticks_during_a_pause_were_not_missed(scheduled, owner):
    schedule = scheduled(catch_up="all", most_caught_up=9)
    pause_schedule(schedule.pk, by=owner)

    resumed = resume_schedule(schedule.pk, by=owner)

    assert resumed.is_active and resumed.next_tick_at is not None
    assert timedelta() < resumed.next_tick_at - timezone.now() <= HOUR


def test_resuming_forgets_the_failures(scheduled, owner):
    schedule = scheduled(stop_after=1)
    sweep(NOON)
    end_all(schedule, "failed")
    sweep(NOON)

    assert resume_schedule(schedule.pk, by=owner).failures == 0


def test_a_schedule_that_has_launched_its_runs_is_neither_paused_nor_resumed(scheduled, owner):
    schedule = scheduled(max_runs=1)
    sweep(NOON)

    with pytest.raises(ScheduleRefused, match="nothing to pause"):
        pause_schedule(schedule.pk, by=owner)
    with pytest.raises(ScheduleRefused, match="has launched 1 run, and that is its limit"):
        resume_schedule(schedule.pk, by=owner)


def test_a_schedule_past_its_end_is_not_resumed(scheduled, owner):
    schedule = scheduled()
    pause_schedule(schedule.pk, by=owner)
    Schedule.objects.update(ends_at=NOON.replace(year=2020))

    with pytest.raises(ScheduleRefused, match="it has no time to come"):
        resume_schedule(schedule.pk, by=owner)


def test_a_long_note_is_refused(scheduled, owner):
    schedule = scheduled()

    with pytest.raises(ScheduleRefused, match="at most 200"):
        pause_schedule(schedule.pk, by=owner, note="x" * 201)
    assert Schedule.objects.get().is_active


def test_a_run_by_hand_is_launched_beside_the_others_and_counts_for_nothing(scheduled, owner):
    schedule = scheduled(max_runs=1, stop_after=1)

    first, second = run_now(schedule.pk, by=owner), run_now(schedule.pk, by=owner)
    end_all(schedule, "failed")
    sweep(NOON - HOUR)

    schedule.refresh_from_db()
    assert first != second and {first.schedule, second.schedule} == {schedule}
    assert (schedule.state, schedule.failures, schedule.runs_launched) == ("active", 0, 0)
    assert states(schedule) == ["failed", "failed"]
    assert all(tick.is_by_hand and tick.by == owner for tick in schedule.ticks.all())


def test_a_run_by_hand_that_cannot_launch_is_told_and_leaves_nothing(scheduled, owner, clerk):
    schedule = scheduled()
    clerk.delete()

    with pytest.raises(ValueError, match="Its agent was deleted"):
        run_now(schedule.pk, by=owner)
    assert not schedule.ticks.exists()


def test_a_deleted_schedule_leaves_its_runs(scheduled, owner):
    schedule = scheduled()
    sweep(NOON)

    delete_schedule(schedule.pk, by=owner)

    assert Run.objects.get().schedule is None and not Schedule.objects.exists()


ACTIONS = (pause_schedule, resume_schedule, run_now, delete_schedule)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_schedule_of_another_person_is_not_there(scheduled, action):
    schedule = scheduled()

    with pytest.raises(Schedule.DoesNotExist):
        action(schedule.pk, by=person("bob"))


@pytest.mark.parametrize("action", ACTIONS)
def test_whoever_only_sees_a_schedule_changes_nothing(scheduled, action):
    schedule = scheduled()

    with pytest.raises(PermissionDenied, match="pause, resume or delete another person's schedule"):
        action(schedule.pk, by=person("eve", "view_run", "launch_run"))


@pytest.mark.parametrize("action", [resume_schedule, run_now])
def test_whoever_may_stop_runs_but_not_launch_them_may_not_resume(scheduled, action):
    schedule = scheduled()

    with pytest.raises(PermissionDenied, match="launch runs"):
        action(schedule.pk, by=person("eve", "view_run", "stop_run"))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_operator_may_and_so_may_the_command_line(scheduled, owner, action):
    operator = person("olga", "view_run", "stop_run", "launch_run")

    for by in (operator, None):
        schedule = scheduled()
        action(schedule.pk, by=by)
    assert all(run.user == owner for run in Run.objects.all())


def test_nobody_but_its_owner_changes_what_a_schedule_launches(scheduled):
    schedule = scheduled()
    operator = person("olga", "view_run", "stop_run", "launch_run")

    with pytest.raises(PermissionDenied):
        save_schedule(schedule, ScheduleValues(name="x", when="hourly", time_zone="UTC"), by=operator)


def test_whoever_may_not_launch_makes_no_schedule(scheduled, clerk):
    with pytest.raises(PermissionDenied):
        scheduled(by=person("eve", "view_run"))


def test_all_faults_of_a_schedule_are_told_at_once(owner, clerk):
    values = ScheduleValues(
        name=" ",
        when="sometimes",
        time_zone="Mars",
        agent=clerk,
        version="gold",
        task="",
        jitter_s=-1,
        overlap="both",
        catch_up="some",
        most_caught_up=101,
        max_runs=0,
        stop_after=1000,
    )

    with pytest.raises(ScheduleInvalid) as invalid:
        save_schedule(None, values, by=owner)

    assert set(invalid.value.faults.by_field) == {
        *("name", "when", "time_zone", "version", "task", "jitter_s", "overlap", "catch_up", "most_caught_up"),
        *("max_runs", "stop_after"),
    }
    assert "when: “sometimes” is not understood." in str(invalid.value)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"agent": None}, "agent"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"task": "a\x00b"}, "task"),
        ({"task": "x" * (256 * 1024 + 1)}, "task"),
        ({"ends_at": NOON.replace(year=2020)}, "ends_at"),
        ({"when": "0 0 29 2 *", "ends_at": timezone.now() + timedelta(days=2)}, "ends_at"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_at_its_field(scheduled, values, field):
    with pytest.raises(ScheduleInvalid) as invalid:
        scheduled(**values)

    assert set(invalid.value.faults.by_field) == {field}


def test_a_person_has_a_bounded_number_of_schedules(scheduled, clerk, owner, monkeypatch):
    monkeypatch.setattr(schedule_storage, "MOST_SCHEDULES", 2)
    first, _second = scheduled(), scheduled()

    with pytest.raises(ScheduleInvalid, match="that is the limit"):
        scheduled()
    scheduled(by=User.objects.create_user("bea"))
    values = ScheduleValues(name="Other", when="every hour", time_zone="UTC", agent=clerk, task="x")
    save_schedule(first, values, by=owner)

    assert Schedule.objects.count() == 3


def test_the_values_of_a_template_are_checked_when_it_is_scheduled(scheduled, clerk):
    template = TaskTemplate(agent=clerk)
    save_template(template, name="greet", description="", task="Greet {{ who }}.", inputs=[{"name": "who"}])

    with pytest.raises(ScheduleInvalid) as invalid:
        scheduled(template=template, inputs={"whom": "Bob"})

    assert set(invalid.value.faults.by_input) == {"who", "whom"}


def test_a_changed_schedule_is_planned_anew_and_keeps_its_count(scheduled, owner, clerk):
    schedule = scheduled()
    sweep(NOON)
    values = ScheduleValues(name="New", when="0 0 1 1 *", time_zone="Europe/Berlin", agent=clerk, task="Do.")

    changed = save_schedule(Schedule.objects.get(), values, by=owner)

    assert (changed.pk, changed.name, changed.cron, changed.runs_launched) == (schedule.pk, "New", "0 0 1 1 *", 1)
    assert changed.next_tick_at is not None
    assert changed.next_tick_at > timezone.now() and changed.next_tick_at.hour == 23


def test_a_paused_schedule_that_is_changed_stays_paused(scheduled, owner, clerk):
    schedule = pause_schedule(scheduled().pk, by=owner, note="Later.")

    changed = save_schedule(
        schedule, ScheduleValues(name="New", when="hourly", time_zone="UTC", agent=clerk, task="Do."), by=owner
    )

    assert (changed.state, changed.state_note, changed.next_tick_at) == ("paused", "Later.", None)


def test_one_that_has_ended_is_active_again_with_a_higher_limit(scheduled, owner, clerk):
    scheduled(max_runs=1)
    sweep(NOON)
    ended = Schedule.objects.get()
    about = {"name": "New", "when": "hourly", "time_zone": "UTC", "agent": clerk, "task": "Do."}

    with pytest.raises(ScheduleInvalid) as invalid:
        save_schedule(ended, ScheduleValues(**about, max_runs=1), by=owner)
    assert set(invalid.value.faults.by_field) == {"max_runs"}
    assert save_schedule(ended, ScheduleValues(**about, max_runs=2), by=owner).is_active


def test_the_tick_of_a_schedule_in_words_is_stored_as_cron(scheduled):
    schedule = scheduled(when="every  weekday at 9:00")

    assert (schedule.when, schedule.cron) == ("every weekday at 9:00", "0 9 * * 1-5")
    assert tick_count(schedule) == 0


def tick_count(schedule: Schedule) -> int:
    return schedule.ticks.count()


def test_the_history_of_a_first_tick_is_one_row(scheduled):
    schedule = scheduled()
    sweep(NOON)

    assert str(tick_of(schedule)) == "2026-06-01 12:00:00 (At work)"
