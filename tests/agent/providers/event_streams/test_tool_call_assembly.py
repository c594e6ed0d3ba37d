"""Assembly of tool calls in the chat format, in the variants that servers send."""

import pytest

from runs.agent.messages import ModelRequest
from tests.agent.providers.event_streams.chunks import call, chunk, stream
from tests.wire.models import TOOLS, model_at

SUM, POWER = '{"expression": "17 * 23"}', '{"expression": "2 ** 10"}'
BOTH = [("calculator", {"expression": "17 * 23"}), ("calculator", {"expression": "2 ** 10"})]
TWO_TOOLS = [("calculator", {"expression": "17 * 23"}), ("current_time", {"timezone": "Asia/Tokyo"})]
ONE = BOTH[:1]


def pieces(*deltas):
    return [chunk(tool_calls=[each]) for each in deltas]


DIALECTS = {
    "each whole with an id of its own, all at index 0 (Ollama)": (
        pieces(call("calculator", SUM, call_id="a"), call("calculator", POWER, call_id="b")),
        BOTH,
    ),
    "as it should be": (
        pieces(
            call("calculator", "", call_id="a"),
            call(None, SUM[:9]),
            call(None, SUM[9:]),
            call("calculator", "", index=1, call_id="b"),
            call(None, POWER, index=1),
        ),
        BOTH,
    ),
    "pieces of two calls in turn": (
        pieces(
            call("calculator", "", call_id="a"),
            call("calculator", "", index=1, call_id="b"),
            call(None, SUM[:9]),
            call(None, POWER[:9], index=1),
            call(None, SUM[9:]),
            call(None, POWER[9:], index=1),
        ),
        BOTH,
    ),
    "the name and the id again in every piece": (
        pieces(
            call("calculator", SUM[:9], call_id="a"),
            call("calculator", SUM[9:15], call_id="a"),
            call("calculator", SUM[15:], call_id="a"),
        ),
        ONE,
    ),
    "the name again in every piece, no id at all": (
        pieces(call("calculator", SUM[:9]), call("calculator", SUM[9:15]), call("calculator", SUM[15:])),
        ONE,
    ),
    "the name in pieces": (pieces(call("calcu", None, call_id="a"), call("lator", None), call(None, SUM)), ONE),
    "no ids, all at index 0, each whole": (pieces(call("calculator", SUM), call("calculator", POWER)), BOTH),
    "no ids, another tool at the same index": (
        pieces(call("calculator", SUM), call("current_time", '{"timezone": "Asia/Tokyo"}')),
        TWO_TOOLS,
    ),
    "no index at all": (
        pieces(
            call("calculator", SUM, index=None, call_id="a"),
            call("current_time", None, index=None, call_id="b"),
            call(None, '{"timezone": "Asia/Tokyo"}', index=None),
        ),
        TWO_TOOLS,
    ),
    "an empty id in every later piece": (
        pieces(call("calculator", "", call_id="a"), call(None, SUM[:9], call_id=""), call(None, SUM[9:], call_id="")),
        ONE,
    ),
    "the same id for every call": (
        pieces(call("calculator", SUM, call_id="x"), call("calculator", POWER, index=1, call_id="x")),
        BOTH,
    ),
    "arguments as an object": (pieces(call("calculator", {"expression": "17 * 23"}, call_id="a")), ONE),
    "the whole call once more at the end": (
        pieces(call("calculator", "", call_id="a"), call(None, SUM), call("calculator", SUM, call_id="a")),
        ONE,
    ),
    "all calls in one chunk, all at index 0": (
        [chunk(tool_calls=[call("calculator", SUM, call_id="a"), call("calculator", POWER, call_id="b")])],
        BOTH,
    ),
    "one object in place of a list": ([chunk(tool_calls=call("calculator", SUM, call_id="a"))], ONE),
    "the old function_call": (
        [chunk(function_call={"name": "calculator", "arguments": ""}), chunk(function_call={"arguments": SUM})],
        ONE,
    ),
    "null in every other place": (
        pieces(
            {"index": 0, "id": "a", "type": None, "function": {"name": "calculator", "arguments": None}},
            {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": SUM}},
            {"index": 0, "function": None},
        ),
        ONE,
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_calls_of_a_reply_are_told_apart_however_a_server_sends_them(wire_server, dialect):
    events, expected = DIALECTS[dialect]
    wire_server.script(stream(*events, chunk("tool_calls")))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert [(each.tool_name, each.arguments) for each in reply.calls] == expected


async def test_what_a_provider_puts_beside_a_call_goes_back_with_it(wire_server):
    signed = {**call("calculator", SUM, call_id="a"), "extra_content": {"google": {"thought_signature": "s"}}}
    wire_server.script(stream(chunk(tool_calls=[signed]), chunk("tool_calls")))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert "thought_signature" in str(reply.replay)


async def test_text_around_calls_stays_whole(wire_server):
    events = [chunk(content="First "), *pieces(call("calculator", SUM, call_id="a")), chunk(content="this.")]
    wire_server.script(stream(*events, chunk("tool_calls")))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert (reply.text, len(reply.calls)) == ("First this.", 1)
