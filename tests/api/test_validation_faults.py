"""What a client of the API or of MCP is told about values that do not fit."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pydantic import TypeAdapter, ValidationError

from runs.api.mcp.tools import OFFERED
from runs.api.validation_faults import MOST_FAULTS, faults_in_words
from tests.api.conftest import Program, error_of

RUN = "0195fd2c-7f3e-7cc1-9d3a-2f1b8f5c6a70"


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner with all scopes."""
    return program_of(owner)


def told(tool: str, **arguments: Any) -> str:
    """What a client is told about arguments that the tool of our MCP server does not take."""
    with pytest.raises(ValidationError) as caught:
        OFFERED[tool].arguments.model_validate(arguments)
    return faults_in_words(caught.value.errors(include_url=False), "The arguments")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_run", {}, "run_id: It is required."),
        ("get_run", {"run_id": "x"}, "run_id: Send an id, such as 0195fd2c-7f3e-7cc1-9d3a-2f1b8f5c6a70, not 'x'."),
        ("get_run", {"run_id": RUN, "name": 5}, "name: There is no such field."),
        ("follow_run", {"run_id": RUN, "wait_s": 301}, "wait_s: Send at most 300, not 301."),
        ("follow_run", {"run_id": RUN, "wait_s": "soon"}, "wait_s: Send a number, not 'soon'."),
        ("list_runs", {"limit": 1.5}, "limit: Send a whole number, not 1.5."),
        ("list_runs", {"status": "done"}, "status: Send '', 'idle', 'thinking', 'executing', 'waiting', 'completed', "),
        ("list_runs", {"q": "x" * 501}, "q: Send at most 500 characters, not 501."),
        ("launch_run", {"task": ""}, "task: Send at least 1 character, not 0."),
        ("launch_run", {"task": "x\0"}, "task: The NUL character cannot be stored"),
        ("launch_run", {"files": ["a"]}, "files.0: Send an id, such as "),
        ("launch_run", {"inputs": 5}, "inputs: Send an object, not 5."),
        ("send_message", {"run_id": RUN, "text": "x", "interrupt": []}, "interrupt: Send true or false, not []."),
        ("answer_question", {"question_id": RUN, "answer": 5}, "answer: Send a text or an object, not 5."),
    ],
)
def test_a_wrong_argument_is_told_in_the_words_of_the_api(tool: str, arguments: dict[str, Any], words: str) -> None:
    assert told(tool, **arguments).startswith(words)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(int, "x"), (float, "x"), (bool, "x"), (str, 5), (dict, 5), (list, 5), (list[int], [1, "x"])],
    ids=str,
)
def test_no_type_of_a_field_is_told_in_the_words_of_the_library(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)

    assert faults_in_words(caught.value.errors(include_url=False), "The body").partition(": ")[2].startswith("Send ")


def test_a_thousand_faults_are_told_as_a_few() -> None:
    words = told("get_run", run_id=RUN, **{f"field_{number}": 1 for number in range(1000)})

    assert len(words.splitlines()) == MOST_FAULTS + 1
    assert words.endswith(f"And {1000 - MOST_FAULTS} more.")


@pytest.mark.parametrize("depth", range(700, 1000, 20))
def test_a_value_nested_as_deeply_as_json_allows_is_refused_in_words(program: Program, depth: int) -> None:
    response = program.post("/runs", '{"task": ' + "[" * depth + "]" * depth + "}")

    assert response.status_code in (400, 422)
    assert len(error_of(response)["message"]) < 200


def test_a_long_value_is_shown_by_its_beginning(program: Program) -> None:
    response = program.post("/runs", json.dumps({"task": ["x" * 100_000] * 10}))

    assert response.status_code == 422
    assert len(error_of(response)["message"]) < 200
