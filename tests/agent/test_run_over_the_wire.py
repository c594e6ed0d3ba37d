"""A whole run with a real model server: the loop, the retries, the tools and the wire together."""

import pytest

from runs.agent import AgentThought, RetryPolicy, ThoughtType, run_agent
from runs.agent.providers.openai import OpenAIModel, Server
from tests.wire import Answer, Reset, Status
from tests.wire.__main__ import reply_to

SOON = RetryPolicy(base_s=0.001)


@pytest.fixture
def model(wire_server):
    return OpenAIModel("m1", Server("local", wire_server.base_url))


async def test_a_model_that_fails_twice_then_answers_shows_both_attempts(wire_server, model):
    wire_server.script(Status(503), Reset(), Answer("Here I am."))
    thoughts: list[AgentThought] = []

    result = await run_agent("Hello?", model=model, retry=SOON, report=thoughts.append)

    assert result.output == "Here I am."
    assert result.tokens_used == 18
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


async def test_arguments_that_make_no_sense_are_told_to_the_model_which_may_try_again(wire_server, model):
    wire_server.script(
        Answer(calls=[("calculator", '{"expression": "1 +')]),
        Answer(calls=[("calculator", {"expresion": "1 + 1"})]),
        Answer(calls=[("calculator", {"expression": "1 + 1"})]),
        Answer("2"),
    )

    result = await run_agent("What is 1 + 1?", model=model)

    assert result.output == "2"
    told = [message["content"] for message in wire_server.requests[-1].body["messages"] if message["role"] == "tool"]
    assert "must be a JSON object" in told[0]
    assert "expression: is required" in told[1]
    assert told[2] == "2"
