"""Notifications over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from runs.engine.notifications import outbox
from runs.models import NotificationChannel, NotificationDelivery, NotificationRule, Run
from tests.api.conftest import Program, error_of
from tests.engine.notifications.conftest import mail_channel, rule_of

MakeRun = Callable[..., Run]
CHANNEL = {"kind": "email", "name": "Mail", "address": "ada@example.org"}
RULE = {"name": "Waits", "events": ["run.needs_person"], "waits_over_s": 300}


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner that reads, launches and approves."""
    return program_of(owner, "read", "launch", "approve")


def test_a_channel_is_made_told_changed_tried_and_deleted(program: Program) -> None:
    made = program.post("/notification-channels", CHANNEL)
    path = f"/notification-channels/{made.json()['id']}"

    listed = program.get("/notification-channels").json()
    changed = program.send("PATCH", path, {"name": "Post"}).json()
    paused = program.post(f"{path}/pause", {}).json()["state"]
    refused = program.post(f"{path}/test", {})
    resumed = program.post(f"{path}/resume", {}).json()["state"]
    tried = program.post(f"{path}/test", {})
    deleted = program.send("DELETE", path, {}).status_code

    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{path}")
    assert listed == {"items": [made.json()]}
    assert (changed["name"], changed["address"]) == ("Post", "ada@example.org")
    assert (paused, refused.status_code, resumed) == ("paused", 409, "active")
    assert (tried.status_code, tried.json()["state"]) == (201, "pending")
    assert (deleted, NotificationChannel.objects.count()) == (204, 0)


@pytest.mark.parametrize("change", [{"address": "x"}, {"kind": "slack"}, {"kind": "apprise", "address": "file:///x"}])
def test_a_channel_that_makes_no_sense_is_refused(program: Program, change: dict[str, Any]) -> None:
    response = program.post("/notification-channels", CHANNEL | change)

    assert response.status_code == 422
    assert NotificationChannel.objects.count() == 0


def test_a_rule_is_made_changed_and_deleted(program: Program, owner: User) -> None:
    channel = mail_channel(owner)
    made = program.post("/notification-rules", RULE | {"channels": [str(channel.pk)]}).json()
    path = f"/notification-rules/{made['id']}"

    changed = program.send("PATCH", path, {"active": False, "events": ["run.failed"]}).json()
    listed = program.get("/notification-rules").json()["items"]
    program.send("DELETE", path, {})

    assert made["channels"] == [str(channel.pk)]
    assert changed == made | {"active": False, "events": ["run.failed"]}
    assert listed == [changed]
    assert NotificationRule.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"events": []}, "events"),
        ({"for_all": True}, "for_all"),
        ({"channels": ["x"]}, "channels"),
        ({"agent_id": 10**6}, "agent_id"),
        ({"in_page": False}, "channels"),
        ({"waits_over_s": -1}, "waits_over_s"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(program: Program, change: dict[str, Any], field: str) -> None:
    response = program.post("/notification-rules", RULE | change)

    assert response.status_code == 422
    assert field in response.json()["error"]["message"]


def test_what_was_told_is_listed_page_by_page_and_sent_again(program: Program, owner: User, make_run: MakeRun) -> None:
    rule_of(owner, mail_channel(owner))
    runs = [make_run(owner, status="failed") for _ in range(3)]
    with transaction.atomic():
        for run in runs:
            outbox.note(run)
    NotificationDelivery.objects.update(state="failed", error="451", due_at=None)

    first = program.get("/notifications?limit=2").json()
    rest = program.get(f"/notifications?limit=2&cursor={first['next']}").json()
    told = [*first["items"], *rest["items"]]
    again = program.post(f"/notification-deliveries/{told[0]['deliveries'][0]['id']}/resend", {})

    assert [each["run_id"] for each in told] == [str(run.pk) for run in reversed(runs)]
    assert rest["next"] is None
    assert (told[0]["event"], told[0]["deliveries"][0]["error"]) == ("run.failed", "451")
    assert (again.status_code, again.json()["state"]) == (200, "pending")


def test_a_program_that_may_not_approve_gets_no_links_that_decide(
    program: Program, program_of: Callable[..., Program], owner: User
) -> None:
    path = f"/notification-channels/{program.post('/notification-channels', CHANNEL).json()['id']}"
    launcher = program_of(owner, "read", "launch")

    mine = {"kind": "apprise", "name": "Mine", "address": "json://eve.example.org/"}
    made = launcher.post("/notification-channels", mine)
    moved = launcher.send("PATCH", path, {"address": "eve@example.org"})
    renamed = launcher.send("PATCH", path, {"name": "Post"})

    assert [(each.status_code, error_of(each)["code"]) for each in (made, moved)] == [(403, "missing_scope")] * 2
    assert renamed.status_code == 200
    assert [(each.name, each.shown_address) for each in NotificationChannel.objects.all()] == [
        ("Post", "ada@example.org")
    ]
