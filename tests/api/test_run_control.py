"""Control of runs through the API: effects and refusals."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.models import Run, Spending, ToolCall
from tests.api.conftest import Program, error_of

MakeRun = Callable[..., Run]


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner with all scopes."""
    return program_of(owner)


def test_a_queued_run_is_paused_and_goes_on(program: Program, owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, status="idle")

    paused = program.post(f"/runs/{run.pk}/pause")
    resumed = program.post(f"/runs/{run.pk}/resume", {"overrides": {"max_turns": 7}})

    assert (paused.status_code, paused.json()["waiting_for"]) == (200, "resume")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "idle")
    run.refresh_from_db()
    assert run.config["max_turns"] == 7


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ("pause", "completed", "already_ended"),
        ("resume", "completed", "not_resumable"),
        ("resume", "thinking", "not_paused"),
        ("force", "thinking", "not_asked"),
    ],
)
def test_what_cannot_be_is_409_and_says_why(
    program: Program, owner: User, make_run: MakeRun, action: str, status: str, code: str
) -> None:
    run = make_run(owner, status=status)

    response = program.post(f"/runs/{run.pk}/{action}")

    assert (response.status_code, error_of(response)["code"]) == (409, code)


def test_a_failed_run_that_lost_a_call_is_resumed_and_waits_for_a_word_about_it(
    program: Program, owner: User, make_run: MakeRun
) -> None:
    run = make_run(owner, status="failed", ended_at=timezone.now(), error={"code": "poison", "message": "It died."})
    ToolCall.objects.create(
        call_id=uuid4(), run=run, turn=1, index=0, tool_name="send_mail", arguments={}, state="unknown", epoch=1
    )

    resumed = program.post(f"/runs/{run.pk}/resume")
    paused = program.post(f"/runs/{run.pk}/pause")

    body = resumed.json()
    assert (resumed.status_code, body["status"], body["waiting_for"]) == (202, "waiting", "decision")
    assert body["error"] is None
    assert (paused.status_code, error_of(paused)["code"]) == (409, "waits_for_decision")


def test_who_used_up_the_day_is_told_the_same_about_a_resume_as_about_a_launch(
    program: Program, owner: User, make_run: MakeRun, settings: Any
) -> None:
    settings.AGENTSITE_DAILY_TOKENS_PER_USER = 100
    Spending.objects.create(user=owner, day=timezone.now().date(), tokens=100, cost=Decimal(0))
    run = make_run(owner, status="failed", ended_at=timezone.now())

    launched, resumed = program.post("/runs", {"task": "Hi."}), program.post(f"/runs/{run.pk}/resume")

    assert (resumed.status_code, error_of(resumed)["code"]) == (429, "daily_limit_reached")
    assert error_of(resumed) == error_of(launched)


def test_a_run_that_has_ended_is_followed_up_once_per_key(program: Program, owner: User, make_run: MakeRun) -> None:
    ended, running = make_run(owner), make_run(owner, status="thinking")

    answers = [
        program.post(f"/runs/{ended.pk}/continue", {"message": "And in miles?"}, Idempotency_Key="k") for _ in range(2)
    ]
    refused = program.post(f"/runs/{running.pk}/continue", {"message": "And in miles?"})

    follow_up = Run.objects.get(continues=ended)
    assert [answer.status_code for answer in answers] == [201, 200]
    assert {answer.json()["id"] for answer in answers} == {str(follow_up.pk)}
    assert (refused.status_code, error_of(refused)["code"]) == (409, "not_finished")
