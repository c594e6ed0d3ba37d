"""Alert rules over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.engine.alert_rules.rounds import do_round
from runs.models import Agent, AlertEvent, AlertRule, Run, Schedule
from tests.api.conftest import Program, error_of

ProgramOf = Callable[..., Program]
BODY = {"name": "Many runs fail", "metric": "failure_rate", "warning_at": 10, "alert_at": 25.5}


@pytest.fixture
def program(owner: User, program_of: ProgramOf) -> Program:
    """A program of the owner that reads and launches."""
    return program_of(owner, "read", "launch")


def made(program: Program, **changes: Any) -> dict[str, Any]:
    response = program.post("/alert-rules", BODY | changes)
    assert response.status_code == 201, response.content
    told: dict[str, Any] = response.json()
    return told


def raise_it(owner: User) -> None:
    now = timezone.now()
    about = {"user": owner, "task": "x", "status": "failed", "ended_at": now, "created_at": now}
    Run.objects.bulk_create(Run(**about) for _ in range(9))
    assert do_round(timezone.now()) is not None


def test_a_rule_is_made_told_changed_and_deleted(program: Program, agent: Agent) -> None:
    response = program.post("/alert-rules", BODY | {"agent": agent.name})
    told = response.json()
    path = f"/alert-rules/{told['id']}"

    assert response["Location"] == f"/api/v1{path}"
    assert told | BODY | {"agent": agent.name, "window_s": 3600, "level": "no_data", "active": True} == told
    assert program.get(path).json() == told and program.get("/alert-rules").json() == {"items": [told]}
    changed = program.send("PATCH", path, {"name": "Anew", "agent": None, "warning_at": None}).json()
    assert changed == told | {"name": "Anew", "agent": None, "warning_at": None}
    assert program.send("DELETE", path).status_code == 204
    assert program.get(path).status_code == 404 and program.send("DELETE", path).status_code == 404


def test_a_rule_is_over_a_label_and_a_schedule_until_they_are_taken_off(
    program: Program, owner: User, agent: Agent
) -> None:
    agent.labels.create(name="production", number=1)
    now = timezone.now()
    about = {"when": "hourly", "cron": "0 * * * *", "time_zone": "UTC", "next_tick_at": now, "launch_at": now}
    schedule = Schedule.objects.create(user=owner, name="Report", agent=agent, task="x", **about)
    chosen = {"agent": agent.name, "label": "production", "schedule_id": str(schedule.pk)}

    told = made(program, **chosen)
    path = f"/alert-rules/{told['id']}"
    renamed = program.send("PATCH", path, {"name": "Anew"}).json()
    cleared = program.send("PATCH", path, {"agent": None, "schedule_id": None}).json()

    assert told | chosen == told
    assert renamed == told | {"name": "Anew"}
    assert cleared == renamed | dict.fromkeys(chosen)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alert_at": 101}, "alert_at: A number above 0, up to 100."),
        ({"alert_at": 0}, "alert_at"),
        ({"warning_at": 30}, "warning_at: It must be lower than the threshold of the alert."),
        ({"window_s": 61}, "window_s"),
        ({"metric": "luck"}, "metric"),
        ({"agent": "Nobody"}, "agent: There is no agent 'Nobody'."),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"for_all": True}, "for_all: Your account may not see everybody's runs."),
        ({"name": "  "}, "name: Give it a name."),
        ({"recovery_count": 21}, "recovery_count"),
        ({"label": "production"}, "label: A label is one of an agent"),
        ({"agent": "Assistant", "label": "x"}, "label: Assistant has no label 'x'."),
        ({"label": "x" * 31}, "label"),
        ({"schedule_id": "9d3f2e90-4f6c-4080-9eaf-90817c6d5e4f"}, "schedule_id: There is no such schedule"),
        ({"schedule_id": "x"}, "schedule_id"),
    ],
)
@pytest.mark.usefixtures("agent")
def test_what_makes_no_sense_is_422_with_its_field(program: Program, change: dict[str, Any], words: str) -> None:
    response = program.post("/alert-rules", BODY | change)

    assert response.status_code == 422 and words in response.json()["error"]["message"]
    assert not AlertRule.objects.exists()


def test_a_raised_rule_is_acknowledged_muted_and_its_history_read(program: Program, owner: User) -> None:
    path = f"/alert-rules/{made(program)['id']}"
    refused = program.post(f"{path}/acknowledge", {})
    raise_it(owner)

    acknowledged = program.post(f"{path}/acknowledge", {}).json()
    until = timezone.now() + timedelta(hours=2)
    muted = program.post(f"{path}/mute", {"until": until.isoformat(), "note": "The shop moves."}).json()

    assert (refused.status_code, error_of(refused)["code"]) == (409, "conflict")
    assert acknowledged | {"to_level": "alert", "acknowledged_by": "owner", "value": 100.0} == acknowledged
    assert (muted["level"], muted["mute_note"]) == ("alert", "The shop moves.")
    assert program.get(f"{path}/events").json() == {"items": [acknowledged], "next": None}
    assert program.get("/alerts").json() == {"items": [acknowledged], "next": None}
    assert program.post(f"{path}/unmute", {}).json()["muted_until"] is None


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-01-01T00:00:00", "soon"])
def test_a_mute_that_makes_no_sense_is_422(program: Program, until: str) -> None:
    path = f"/alert-rules/{made(program)['id']}/mute"

    assert program.post(path, {"until": until}).status_code == 422


def test_a_history_is_read_page_by_page(program: Program) -> None:
    rule = AlertRule.objects.get(pk=made(program)["id"])
    AlertEvent.objects.bulk_create(
        AlertEvent(rule=rule, number=n, from_level="ok", to_level="alert", reason="x", at=timezone.now())
        for n in range(1, 6)
    )

    first = program.get("/alerts?limit=3").json()
    rest = program.get(f"/alerts?limit=3&cursor={first['next']}").json()

    assert [each["number"] for each in first["items"] + rest["items"]] == [5, 4, 3, 2, 1] and rest["next"] is None


def test_of_others_only_who_sees_all_runs_gets_rules_about_everybody(program: Program, program_of: ProgramOf) -> None:
    root = program_of(User.objects.create_superuser("root"), "read", "launch")
    second = program_of(User.objects.create_superuser("second"), "read", "launch")
    own, about_all = made(root, name="Own"), made(root, name="All", for_all=True)

    assert program.get("/alert-rules").json()["items"] == []
    assert [each["name"] for each in second.get("/alert-rules").json()["items"]] == ["All"]
    assert second.get(f"/alert-rules/{own['id']}").status_code == 404
    assert second.send("PATCH", f"/alert-rules/{about_all['id']}", {"name": "Mine"}).status_code == 403
    assert second.send("DELETE", f"/alert-rules/{about_all['id']}").status_code == 403
