"""What waits for a person is the same in the API, for MCP clients and in the inbox; what is wrong is said in words."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.tools.person_questions import PersonQuestion
from runs.models import Agent, Run, ToolCall
from runs.web.pending_calls import waiting_calls
from tests.api.conftest import Program, error_of
from tests.asked_questions import asked_question

MakeCall = Callable[..., ToolCall]


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner with all scopes."""
    return program_of(owner)


def test_a_call_of_a_run_that_was_stopped_does_not_wait(program: Program, owner: User, make_call: MakeCall) -> None:
    waits, stopped, stops = make_call(owner), make_call(owner, state="unknown"), make_call(owner)
    Run.objects.filter(pk=stopped.run_id).update(status="cancelled", waiting_for="", ended_at=timezone.now())
    Run.objects.filter(pk=stops.run_id).update(cancel_requested_at=timezone.now())

    listed = [each["call_id"] for each in program.get("/calls", waiting="true").json()["items"]]

    assert listed == [str(waits.pk)] == [str(each.pk) for each in waiting_calls(owner)]
    unknown = program.get("/calls", state="unknown").json()["items"]
    assert [each["call_id"] for each in unknown] == [str(stopped.pk)], "It is still in the history."


def test_a_question_of_a_run_that_stops_does_not_wait(
    program: Program, owner: User, make_run: Callable[..., Run]
) -> None:
    question, of_stopped = (asked_question(make_run(owner), PersonQuestion(text="Which?")) for _ in range(2))
    Run.objects.filter(pk=of_stopped.call.run_id).update(cancel_requested_at=timezone.now())

    listed = [each["id"] for each in program.get("/questions", waiting="true").json()["items"]]

    assert listed == [str(question.pk)]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("answer", {"answer": 5}, "answer: Send a text or an object, not 5."),
        ("answer", {}, "answer: It is required."),
        ("answer", {"answer": "black"}, "The answer is one of: red, blue."),
        ("launch", {"task": "x", "overrides": {"models": []}}, "overrides.models: Send at least 1, not 0."),
        ("launch", {"template": [1]}, "template: Send a whole number or a text, not [1]."),
        ("launch", {"task": "x", "label": "x" * 31}, "label: Send at most 30 characters, not 31."),
        ("launch", {"task": "x", "label": ""}, "label: Send at least 1 character, not 0."),
        ("message", {"text": ""}, "text: Send at least 1 character, not 0."),
    ],
)
def test_a_wrong_value_is_told_without_the_names_of_types(
    program: Program, owner: User, agent: Agent, make_run: Callable[..., Run], path: str, body: Any, message: str
) -> None:
    question = asked_question(make_run(owner), PersonQuestion(text="Which?", choices=("red", "blue")))
    run_id = question.call.run_id
    paths = {
        "answer": f"/questions/{question.pk}/answer",
        "launch": "/runs",
        "message": f"/runs/{run_id}/messages",
    }

    response = program.post(paths[path], body)

    error = error_of(response)
    assert (response.status_code, error["message"]) == (422, message)
    assert error["recoverable"] is True, "It can be corrected, as the suggested action says."


def test_an_agent_tells_the_agents_that_it_may_call(program: Program, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(agents=["Digger"], skills=["taxes"], libraries=["handbook"])

    (told,) = program.get("/agents").json()["items"]

    assert (told["agents"], told["skills"], told["libraries"]) == (["Digger"], ["taxes"], ["handbook"])
