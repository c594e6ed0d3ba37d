"""Calls as a model server sends them, and as they are sent back."""

import json
from typing import Any

import pytest

from runs.agent.messages import ModelRequest, ToolRequest
from runs.agent.tools.validation import MALFORMED, MALFORMED_BECAUSE
from tests.agent.providers.error_mapping.failures import ASKED
from tests.wire import Answer
from tests.wire.models import FORMATS, model_at

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one event loop, and therefore one client for each format


async def test_strange_calls_come_through_for_the_run_to_refuse(wire_server, model):
    wire_server.script(Answer(calls=[("nope", {"a": 1}), ("calculator", {"expression": 5})]))

    reply = await model.reply(ASKED)

    assert reply.calls == (ToolRequest("nope", {"a": 1}), ToolRequest("calculator", {"expression": 5}))


@pytest.mark.parametrize("wire_format", [each for each in FORMATS if each != "google"])  # its arguments are not text
async def test_arguments_that_are_no_json_are_kept_for_the_model_to_see(wire_server, wire_format):
    wire_server.script(Answer(calls=[("calculator", '{"expr')]))

    (call,) = (await model_at(wire_server, wire_format).reply(ASKED)).calls

    told = "the string that begins at character 2 has no closing quote"
    assert call == ToolRequest("calculator", {MALFORMED: '{"expr', MALFORMED_BECAUSE: told})


@pytest.mark.parametrize("wire_format", ["openai", "anthropic"])
async def test_arguments_are_read_by_their_meaning_and_sent_back_as_an_object(wire_server, wire_format):
    from runs.agent.messages import ToolResult, Turn

    written = ["null", '{"text": "one\ntwo"}', json.dumps('{"expression": "1+1"}'), "{'a': 1"]
    wire_server.script(Answer(calls=[("nope", each) for each in written]), Answer("Done."))
    model = model_at(wire_server, wire_format)

    reply = await model.reply(ASKED)
    results = tuple(ToolResult(str(number), "nope", "1") for number in range(len(written)))
    await model.reply(ModelRequest(task="Hi", turns=[Turn(reply, results)]))

    meant = [{}, {"text": "one\ntwo"}, {"expression": "1+1"}, {"a": 1}]
    assert [call.arguments for call in reply.calls] == meant
    assert _arguments_sent(wire_server.requests[-1].body, wire_format) == meant


def _arguments_sent(body: dict[str, Any], wire_format: str) -> list[Any]:
    said = body["messages"][1]
    if wire_format == "anthropic":
        return [block["input"] for block in said["content"] if block["type"] == "tool_use"]
    return [json.loads(call["function"]["arguments"]) for call in said["tool_calls"]]


@pytest.mark.parametrize("wire_format", ["openai", "anthropic"])
@pytest.mark.parametrize("written", ["", '{"expression": "1+1"', '{"expression": "1+'])
async def test_arguments_of_a_reply_that_was_cut_are_not_completed(wire_server, wire_format, written):
    reason = "length" if wire_format == "openai" else "max_tokens"
    wire_server.script(Answer(calls=[("calculator", written)], finish_reason=reason))

    (call,) = (await model_at(wire_server, wire_format).reply(ASKED)).calls

    assert "cut off" in call.arguments[MALFORMED_BECAUSE]


async def test_calls_with_the_same_id_are_told_apart_when_their_results_are_sent(wire_server, model):
    from runs.agent.messages import ToolResult, Turn

    wire_server.script(Answer(calls=[("a", {}), ("b", {})], call_id="wire", same_call_ids=True), Answer("Done."))
    reply = await model.reply(ASKED)
    turn = Turn(reply, (ToolResult("1", "a", "first"), ToolResult("2", "b", "second")))

    await model.reply(ModelRequest(task="Hi", turns=[turn]))

    sent = str(wire_server.requests[-1].body)
    assert sent.count("'wire-0'") == 2  # the call and its result
    assert sent.count("'wire-0_2'") == 2
