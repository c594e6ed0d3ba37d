"""Whole runs with a real model server: loop, retries, tools and wire together."""

import pytest

from runs.agent import AgentThought, RetryPolicy, ThoughtType, run_agent
from tests.wire import Answer, Reset, Status
from tests.wire.__main__ import reply_to
from tests.wire.models import FORMATS, model_at

SOON = RetryPolicy(base_s=0.001)


@pytest.fixture(params=FORMATS)
def model(request, wire_server):
    return model_at(wire_server, request.param)


async def test_a_model_that_fails_twice_then_answers_shows_both_attempts(wire_server, model):
    wire_server.script(Status(503), Reset(), Answer("Here I am."))
    thoughts: list[AgentThought] = []

    result = await run_agent("Hello?", model=model, retry=SOON, report=thoughts.append)

    assert result.output == "Here I am."
    # The use of interrupted attempts is our own count: it is not reported.
    assert result.tokens_used >= 18
    retries = [each.metadata for each in thoughts if each.type is ThoughtType.RETRY]
    assert [(each["attempt"], each["max_attempts"], each["code"]) for each in retries] == [
        (1, 3, "model_overloaded"),
        (2, 3, "model_network"),
    ]


async def test_a_model_that_never_answers_ends_the_run_with_an_error_that_says_what_to_do(wire_server, model):
    wire_server.script(*[Status(500, message="Out of order.")] * 3)

    result = await run_agent("Hello?", model=model, retry=SOON)

    assert not result.success
    assert result.error is not None
    assert result.error.code == "model_server"
    assert result.error.recoverable
    assert "local answered 500: Out of order." in result.error.message
    assert len(wire_server.requests) == 3


async def test_a_wrong_key_is_not_tried_again(wire_server, model):
    wire_server.script(Status(401))

    result = await run_agent("Hello?", model=model, retry=SOON)

    assert result.error is not None
    assert result.error.code == "model_auth"
    assert len(wire_server.requests) == 1


async def test_the_model_is_told_the_results_of_its_calls_and_answers_with_them(wire_server, model):
    wire_server.otherwise = reply_to

    result = await run_agent("What is 17 * 23?", model=model)

    assert result.output == "The calculator says 391."
    assert result.steps_taken == 4


@pytest.mark.parametrize("wire_format", ["openai", "responses", "anthropic"])  # Google's arguments are not text
async def test_arguments_that_are_no_json_are_told_to_the_model_which_may_try_again(wire_server, wire_format):
    wire_server.script(
        Answer(calls=[("calculator", '{"expression": "1 +')]),
        Answer(calls=[("calculator", {"expression": "1 + 1"})]),
        Answer("2"),
    )

    result = await run_agent("What is 1 + 1?", model=model_at(wire_server, wire_format))

    assert result.output == "2"
    assert "must be a JSON object" in str(wire_server.requests[-1].body)


async def test_arguments_that_do_not_fit_are_told_to_the_model_which_may_try_again(wire_server, model):
    wire_server.script(
        Answer(calls=[("calculator", {"expresion": "1 + 1"}), ("no_such_tool", {})]),
        Answer(calls=[("calculator", {"expression": "1 + 1"})]),
        Answer("2"),
    )

    result = await run_agent("What is 1 + 1?", model=model)

    assert result.output == "2"
    told = str(wire_server.requests[-1].body)
    assert "expression: is required" in told
    assert "Unknown tool: no_such_tool" in told


async def test_an_answer_that_does_not_fit_its_schema_is_asked_for_again(wire_server, model):
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
    wire_server.script(Answer('{"answer": "two"}'), Answer('```json\n{"answer": 2}\n```'))

    result = await run_agent("What is 1 + 1?", model=model, output=schema)

    assert result.output == {"answer": 2}
    assert "does not fit" in str(wire_server.requests[-1].body)


async def test_thoughts_of_the_model_are_steps_of_the_run_and_go_back_to_it_with_their_signature(wire_server, model):
    wire_server.script(
        Answer(reasoning="I had better compute.", signature="c2ln", calls=[("calculator", {"expression": "17 * 23"})]),
        Answer("391", reasoning="There it is."),
    )
    thoughts: list[AgentThought] = []

    result = await run_agent("What is 17 * 23?", model=model, report=thoughts.append)

    assert result.output == "391"
    said = [each.content for each in thoughts if each.type is ThoughtType.REASONING]
    assert said == ["I had better compute.", "There it is."]
    assert "I had better compute." in str(wire_server.requests[-1].body)
