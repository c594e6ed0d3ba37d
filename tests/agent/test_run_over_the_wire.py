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


async def test_the_steps_that_have_the_tokens_of_a_reply_have_them_in_parts(wire_server, model):
    calls = [("calculator", {"expression": "1 + 1"}), ("calculator", {"expression": "2 + 2"})]
    wire_server.script(
        Answer(calls=calls, usage=(100, 50), cache_read=40), Answer("2 and 4.", usage=(200, 60), cache_read=80)
    )
    thoughts: list[AgentThought] = []

    await run_agent("Add.", model=model, report=thoughts.append)

    parts = [(each.type, each.metadata["token_parts"]) for each in thoughts if "token_parts" in each.metadata]
    assert [kind for kind, _ in parts] == [ThoughtType.TOOL_CALL, ThoughtType.ANSWER]
    known = ("input_tokens", "output_tokens", "cache_read_tokens")
    assert [[told[name] for name in known] for _, told in parts] == [[100, 50, 40], [200, 60, 80]]


async def test_a_reply_without_a_report_of_its_tokens_has_no_parts_that_were_reported(wire_server, model):
    wire_server.script(Answer("Here I am.", usage=None))
    thoughts: list[AgentThought] = []

    await run_agent("Hello?", model=model, report=thoughts.append)

    told = thoughts[-1].metadata
    assert told["tokens_are_estimated"]
    assert not {"cache_read_tokens", "reasoning_tokens"} & told["token_parts"].keys()


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
