"""Every format against an independent double: text, reasoning, tools, structured output, usage."""

import json

import pytest

from runs.agent import AgentThought, ThoughtType, run_agent
from runs.agent.messages import Delta, ModelProvider, ModelRequest
from tests.doubles.aimock import USED, Aimock, fixture

# It ends Gemini's calls with a finish reason Gemini does not have, and google-genai warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:FUNCTION_CALL is not a valid FinishReason")

TIDE = "The tide comes in twice a day, at six and again at half past six."
CALL = {"toolCalls": [{"name": "calculator", "arguments": '{"expression": "17 * 23"}'}]}
PATHS = {
    "responses": "/v1/responses",
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "gemini": "/v1beta/models/gemini-3.8-flash:streamGenerateContent",
}


async def test_each_model_is_asked_in_its_own_format(aimock: Aimock, wire_format: str, model: ModelProvider):
    aimock.answer(fixture({"content": TIDE}))

    await run_agent("When is high tide?", model=model)

    (request,) = aimock.requests()
    assert request["path"].partition("?")[0] == PATHS[wire_format]


async def test_words_and_thoughts_arrive_in_pieces(aimock: Aimock, model: ModelProvider):
    aimock.answer(fixture({"content": TIDE, "reasoning": "Think of the moon."}))
    told: list[Delta] = []

    reply = await model.reply(ModelRequest(task="When is high tide?"), on_delta=told.append)

    assert (reply.text, reply.reasoning) == (TIDE, "Think of the moon.")
    assert (reply.ending, reply.calls) == ("whole", ())
    assert "".join(each.text for each in told if each.kind == "text") == TIDE
    assert len([each for each in told if each.kind == "text" and each.text]) > 2


async def test_the_usage_is_the_one_reported(aimock: Aimock, model: ModelProvider):
    aimock.answer(fixture({"content": TIDE, "usage": USED}))

    result = await run_agent("When is high tide?", model=model)

    assert result.output == TIDE
    assert result.tokens_used == 120


async def test_a_reply_whose_usage_is_said_to_be_nothing_is_counted_all_the_same(aimock: Aimock, model: ModelProvider):
    nothing = dict.fromkeys(USED, 0)
    aimock.answer(fixture({"content": TIDE, "usage": nothing}))

    result = await run_agent("When is high tide?", model=model)

    assert result.output == TIDE
    assert result.tokens_used > 0


async def test_a_run_with_a_tool_tells_the_result_and_shows_every_step(aimock: Aimock, model: ModelProvider):
    aimock.answer(
        {"match": {"toolResultContains": "391"}, "response": {"content": "It is 391.", "usage": USED}},
        {
            "match": {"hasToolResult": False},
            "response": CALL | {"reasoning": "I had better not do this in my head.", "usage": USED},
        },
    )
    thoughts: list[AgentThought] = []

    result = await run_agent("What is 17 * 23?", model=model, report=thoughts.append)

    assert result.output == "It is 391.", result.error
    assert result.tokens_used == 240
    assert [each.type for each in thoughts] == [
        ThoughtType.REASONING,
        ThoughtType.TOOL_CALL,
        ThoughtType.TOOL_RESULT,
        ThoughtType.ANSWER,
    ]
    assert len(aimock.requests()) == 2


async def test_calls_side_by_side_get_their_results_in_order(aimock: Aimock, model: ModelProvider):
    both = [{"name": "calculator", "arguments": json.dumps({"expression": each})} for each in ("6 * 7", "2 ** 10")]
    aimock.answer_in_turn({"content": "Both at once.", "toolCalls": both}, {"content": "42 and 1024."})

    result = await run_agent("What are 6 * 7 and 2 ** 10?", model=model)

    assert result.output == "42 and 1024.", result.error
    told = [each["content"] for each in aimock.requests()[1]["body"]["messages"] if each["role"] == "tool"]
    assert len(told) == 2
    assert "42" in str(told[0])
    assert "1024" in str(told[1])


async def test_a_call_that_comes_before_the_words_is_carried_out(aimock: Aimock, model: ModelProvider):
    call = {"type": "toolCall", "name": "calculator", "arguments": '{"expression": "6 * 7"}'}
    aimock.answer_in_turn({"blocks": [call, {"type": "text", "text": "Let me calculate."}]}, {"content": "It is 42."})

    result = await run_agent("What is 6 * 7?", model=model)

    assert result.output == "It is 42.", result.error


async def test_an_answer_as_data_is_data(aimock: Aimock, model: ModelProvider):
    aimock.answer(fixture({"content": '{"city": "Ghent", "people": 265000}'}))
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
    }

    result = await run_agent("How many people live in Ghent?", model=model, output=schema)

    assert result.output == {"city": "Ghent", "people": 265000}, result.error


@pytest.mark.parametrize(("reason", "ending"), [("length", "cut"), ("stop", "whole")])
async def test_a_reply_says_how_it_ended(aimock: Aimock, model: ModelProvider, reason, ending):
    aimock.answer(fixture({"content": TIDE, "finishReason": reason}))

    reply = await model.reply(ModelRequest(task="When is high tide?"))

    assert reply.text == TIDE
    assert reply.ending == ending
