"""Decisions about tool calls through the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.call_ids import call_id
from runs.engine.recording.canonical_json import arguments_hash
from runs.models import Run, ToolCall
from tests.api.conftest import Program, error_of

MakeCall = Callable[..., ToolCall]
CALL_FIELDS = (
    "call_id, run_id, root_id, turn, parent_id, tool_name, arguments, arguments_hash, proposed_arguments, effect, "
    "state, decided_by, decided_at, decision_reason, surface, expires_at, undo_until, started_at, ended_at"
)


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner with all scopes."""
    return program_of(owner)


def test_the_inbox_lists_what_waits_for_a_person(program: Program, owner: User, make_call: MakeCall) -> None:
    waiting = make_call(owner)
    make_call(owner, state="succeeded")

    page = program.get("/calls", state="awaiting_approval").json()

    assert [call["call_id"] for call in page["items"]] == [str(waiting.pk)]
    assert ", ".join(page["items"][0]) == CALL_FIELDS
    assert len(program.get("/calls").json()["items"]) == 2
    of_its_run = program.get("/calls", run_id=str(waiting.run_id)).json()["items"]
    assert [call["call_id"] for call in of_its_run] == [str(waiting.pk)]
    assert program.get("/calls", run_id="x").status_code == 422


def test_the_list_of_calls_goes_on_where_it_stopped(program: Program, owner: User, make_call: MakeCall) -> None:
    first = make_call(owner)
    places = [(0, 1), (0, 2), (1, 0), (2, 0)]
    siblings = [make_call(owner, index=index, position=position) for index, position in places]
    ToolCall.objects.filter(pk__in=[each.pk for each in siblings]).update(run=first.run)
    newer = make_call(owner)

    seen, cursor = [], ""
    for _ in range(6):
        page = program.get("/calls", limit=1, cursor=cursor).json()
        seen += [call["call_id"] for call in page["items"]]
        cursor = page["next"]

    assert seen == [str(each.pk) for each in (newer, first, *siblings)]
    assert cursor is None


def test_a_call_of_a_script_names_the_call_of_the_script(program: Program, owner: User, make_call: MakeCall) -> None:
    call = make_call(owner, position=2)

    (told,) = program.get("/calls").json()["items"]

    assert told["parent_id"] == call.parent_id == call_id(call.run_id, 1, 0)


def test_an_approved_call_is_answered_and_its_run_goes_on(program: Program, owner: User, make_call: MakeCall) -> None:
    call = make_call(owner, tool_name="calculator", arguments={"expression": "6 * 7"})

    body = {"arguments_hash": call.arguments_hash, "arguments": {"expression": "6 * 8"}, "reason": "Better."}
    response = program.post(f"/calls/{call.pk}/approve", body)

    decided = response.json()
    call.run.refresh_from_db()
    assert (response.status_code, decided["state"], decided["decided_by"]) == (200, "approved", "owner")
    assert (decided["arguments"], decided["proposed_arguments"]) == ({"expression": "6 * 8"}, {"expression": "6 * 7"})
    assert decided["arguments_hash"] == arguments_hash({"expression": "6 * 8"})
    assert call.run.status == "idle"


def test_a_denied_call_keeps_the_reason(program: Program, owner: User, make_call: MakeCall) -> None:
    call = make_call(owner)

    response = program.post(f"/calls/{call.pk}/deny", {"arguments_hash": call.arguments_hash, "reason": "Not today."})

    assert (response.json()["state"], response.json()["decision_reason"]) == ("denied", "Not today.")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"arguments_hash": "another"}, 409, "arguments_changed"),
        ({"arguments_hash": None, "arguments": {"expression": 7}}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
)
def test_a_decision_about_other_arguments_changes_nothing(
    program: Program, owner: User, make_call: MakeCall, body: dict[str, Any], status: int, code: str
) -> None:
    call = make_call(owner, tool_name="calculator", arguments={"expression": "6 * 7"})
    if body.get("arguments_hash", "") is None:
        body = body | {"arguments_hash": call.arguments_hash}

    response = program.post(f"/calls/{call.pk}/approve", body)

    call.refresh_from_db()
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert call.state == "awaiting_approval"


def test_the_first_answer_wins(program: Program, owner: User, make_call: MakeCall) -> None:
    call = make_call(owner)

    answers = [program.post(f"/calls/{call.pk}/deny", {"arguments_hash": call.arguments_hash}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 409]
    assert error_of(answers[1])["code"] in ("already_decided", "not_waiting")


def test_a_call_nobody_knows_the_outcome_of_is_settled(program: Program, owner: User, make_call: MakeCall) -> None:
    call = make_call(owner, state="unknown")
    type(call.run).objects.filter(pk=call.run_id).update(waiting_for="decision")

    response = program.post(f"/calls/{call.pk}/settle", {"outcome": "happened", "reason": "The mail is there."})

    assert (response.status_code, response.json()["state"]) == (200, "succeeded")


@pytest.mark.parametrize("value", ["1e999", '"\\ud800"', '"\\u0000"', "[" * 200 + "]" * 200])
def test_arguments_no_database_can_keep_are_refused(
    program: Program, owner: User, make_call: MakeCall, value: str
) -> None:
    call = make_call(owner, tool_name="calculator", arguments={"expression": "6 * 7"})

    body = f'{{"arguments_hash": "{call.arguments_hash}", "arguments": {{"expression": {value}}}}}'
    response = program.post(f"/calls/{call.pk}/approve", body)

    call.refresh_from_db()
    assert (response.status_code, call.state) == (422, "awaiting_approval")


def test_an_approval_with_a_grace_is_taken_back_and_one_without_decides_at_once(
    program: Program, owner: User, make_call: MakeCall
) -> None:
    call = make_call(owner)
    body = {"arguments_hash": call.arguments_hash}

    approved = program.post(f"/calls/{call.pk}/approve", {**body, "grace_s": 60}).json()
    waits = Run.objects.get(pk=call.run_id).status
    undone = program.post(f"/calls/{call.pk}/undo", {}).json()
    at_once = program.post(f"/calls/{call.pk}/approve", body).json()
    late = program.post(f"/calls/{call.pk}/undo", {})

    assert (approved["state"], waits, approved["undo_until"] > approved["decided_at"]) == ("approved", "waiting", True)
    assert (undone["state"], undone["undo_until"], undone["decided_by"]) == ("awaiting_approval", None, None)
    assert (at_once["undo_until"], Run.objects.get(pk=call.run_id).status) == (None, "idle")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "too_late")
