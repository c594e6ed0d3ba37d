"""Schedules over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runs.engine.schedules import sweep_schedules
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, Run, Schedule, ScheduleTick, TaskTemplate
from tests.api.conftest import error_of

NEW = {
    "name": "Report",
    "when": "every weekday at 9:00",
    "time_zone": "Europe/Berlin",
    "agent": "Assistant",
    "task": "Do.",
}


@pytest.fixture
def program(owner, agent, program_of) -> Any:
    """A program with all scopes."""
    return program_of(owner, "read", "launch")


def test_a_schedule_is_created_read_changed_and_deleted(program, owner):
    created = program.post("/schedules", NEW)
    address = f"/schedules/{created.json()['id']}"
    changed = program.send("PATCH", address, {"when": "hourly", "max_runs": 5, "stop_after": None})

    assert created.status_code == 201 and created["Location"] == f"/api/v1{address}"
    told = created.json()
    assert (told["cron"], told["state"], told["owner"], told["agent"]) == (
        "0 9 * * 1-5",
        "active",
        "owner",
        "Assistant",
    )
    assert len(told["next_times"]) == 5 and told["next_at"] == told["next_times"][0]
    assert (changed.json()["cron"], changed.json()["max_runs"], changed.json()["stop_after"]) == ("0 * * * *", 5, None)
    assert changed.json()["task"] == "Do."
    assert program.get(address).json() == changed.json()
    assert program.send("DELETE", address).status_code == 204 and not Schedule.objects.exists()


def test_all_faults_are_told_with_their_fields(program):
    response = program.post("/schedules", NEW | {"when": "sometimes", "time_zone": "Mars", "task": " "})

    assert response.status_code == 422
    assert set(response.json()["error"]["fields"]) == {"when", "time_zone", "task"}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"agent": "Nobody"}, "There is no agent"),
        ({"agent": "Assistant@gold"}, "no label"),
        ({"template": 999}, "template"),
        ({"inputs": {"a": "b"}}, "inputs"),
        ({"overlap": "x"}, "overlap"),
        ({"jitter_s": -1}, "jitter_s"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, "ends_at"),
        ({"ends_at": "9999-12-31T23:59:59Z", "time_zone": "Asia/Tokyo"}, "ends_at"),
        ({"ends_at": "0001-01-01T00:00:00+14:00"}, "ends_at"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(program, sent, told):
    response = program.post("/schedules", NEW | sent)

    assert response.status_code == 422 and told in response.json()["error"]["message"]
    assert not Schedule.objects.exists()


def test_a_schedule_of_a_template_has_inputs(program, agent):
    save_template(
        TaskTemplate(agent=agent), name="greet", description="", task="Hi {{ who }}.", inputs=[{"name": "who"}]
    )
    new = {"name": "Greeting", "when": "hourly", "template": "Assistant/greet"}

    refused = program.post("/schedules", new)
    created = program.post("/schedules", new | {"inputs": {"who": "Bob"}})
    as_task = program.send("PATCH", f"/schedules/{created.json()['id']}", {"task": "Say hi."})

    assert set(refused.json()["error"]["fields"]) == {"inputs.who"}
    assert created.status_code == 201 and created.json()["inputs"] == {"who": "Bob"}
    assert (as_task.json()["task"], as_task.json()["template_id"]) == ("Say hi.", None)


def test_a_schedule_is_paused_resumed_and_run(program):
    address = f"/schedules/{program.post('/schedules', NEW).json()['id']}"

    paused = program.post(f"{address}/pause", {"note": "Closed."}).json()
    resumed = program.post(f"{address}/resume", None).json()
    launched = program.post(f"{address}/run", None)

    assert (paused["state"], paused["note"], paused["next_at"], paused["next_times"]) == ("paused", "Closed.", None, [])
    assert resumed["state"] == "active"
    assert launched.status_code == 201 and launched.json()["schedule_id"] == paused["id"]
    listed = program.get(f"/runs?schedule={paused['id']}").json()["items"]
    assert [each["id"] for each in listed] == [launched.json()["id"]]


def test_what_is_not_possible_now_is_a_conflict(program):
    address = f"/schedules/{program.post('/schedules', NEW | {'max_runs': 1}).json()['id']}"
    sweep_schedules(Schedule.objects.get().next_tick_at)

    assert error_of(program.post(f"{address}/pause", {}))["code"] == "schedule_has_ended"
    assert error_of(program.post(f"{address}/resume", None))["code"] == "schedule_has_ended"
    Agent.objects.all().delete()
    response = program.post(f"{address}/run", None)
    assert (response.status_code, error_of(response)["code"]) == (409, "schedule_cannot_launch")


def test_the_history_and_the_list_have_pages(program):
    ids = [program.post("/schedules", NEW | {"name": f"Report {number}"}).json()["id"] for number in range(3)]
    schedule, now = Schedule.objects.get(pk=ids[0]), timezone.now()
    for number in range(3):
        due = now + timedelta(minutes=number)
        ScheduleTick.objects.create(schedule=schedule, due_at=due, state="skipped", reason="Too late.")

    first = program.get("/schedules?limit=2").json()
    rest = program.get(f"/schedules?limit=2&cursor={first['next']}").json()
    ticks = program.get(f"/schedules/{ids[0]}/ticks?limit=2").json()
    last = program.get(f"/schedules/{ids[0]}/ticks?limit=2&cursor={ticks['next']}").json()

    assert [each["id"] for each in (*first["items"], *rest["items"])] == ids[::-1] and rest["next"] is None
    assert len(ticks["items"]) == 2 and len(last["items"]) == 1 and last["next"] is None
    assert ticks["items"][0]["reason"] == "Too late." and ticks["items"][0]["run_id"] is None


def test_a_schedule_of_another_person_is_not_there(program, other, program_of):
    address = f"/schedules/{program.post('/schedules', NEW).json()['id']}"
    stranger = program_of(other, "read", "launch")

    assert stranger.get("/schedules").json()["items"] == []
    assert stranger.get(address).status_code == stranger.post(f"{address}/run", None).status_code == 404
    assert not Run.objects.exists()
