"""Streams of servers and gateways: data that is not an event, repetitions, and replies in one piece."""

import asyncio
import json
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from runs.agent import RetryPolicy, run_agent
from runs.agent.budget.pricing import Price, cost_of
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelRequest
from runs.agent.providers.event_streams.server_sent_events import EventDecoder, EventTooLarge
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.model_server import Server
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.providers.thinking_tags import ThoughtSplitter
from runs.agent.thoughts import AgentThought, ThoughtType
from tests.agent.providers.event_streams.chunks import call, chunk, stream
from tests.wire import Answer, Hang, Raw, Status
from tests.wire.formats import FORMATS
from tests.wire.models import TOOLS, model_at


async def reply_to(server, events, wire_format="openai", *, task="Hi"):
    server.script(events)
    return await model_at(server, wire_format).reply(ModelRequest(task=task, tools=TOOLS))


KEEP_ALIVES = {
    "a comment": b": ping\n\n",
    "an id and nothing else": b"id: 7\n\n",
    "data without a text": b"data:\n\n",
    "data of one space": b"data: \n\n",
    "an event without data": b"event: ping\n\n",
    "a wait before a reconnection": b"retry: 3000\n\n",
    "blank lines": b"\n\n\n\n",
    "carriage returns": b": ping\r\n\r\n",
}


@pytest.mark.parametrize("keep_alive", KEEP_ALIVES)
async def test_what_keeps_a_connection_alive_is_no_event(wire_server, keep_alive):
    between = KEEP_ALIVES[keep_alive]
    events = [between, b"id: 1\n", chunk(content="It is "), between, b"id: 2\n", chunk(content="391."), between]

    reply = await reply_to(wire_server, stream(*events, chunk("stop")))

    assert reply.text == "It is 391."


@pytest.mark.parametrize("wire_format", ["anthropic", "google"])
async def test_keep_alives_are_none_in_other_formats_either(wire_server, wire_format):
    model = model_at(wire_server, wire_format)
    frames = [
        f"{f'event: {name}' + chr(10) if name else ''}data: {json.dumps(data)}\n\n".encode()
        for name, data in _frames(wire_format, Answer("It is 391."))
    ]
    wire_server.script(Raw(b": ping\n\nid: 1\n\ndata:\n\n".join(frames)))

    assert (await model.reply(ModelRequest(task="Hi"))).text == "It is 391."


def _frames(wire_format, answer):
    names = {"responses": "Responses", "openai": "ChatCompletions", "anthropic": "Messages", "google": "Gemini"}
    return next(each for each in FORMATS if type(each).__name__ == names[wire_format]).frames(answer, {})


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_events_are_read_whatever_ends_their_lines_and_however_they_are_cut(wire_server, line_end, size):
    body = b'\xef\xbb\xbfdata: {"a": 1}\n\nevent: x\ndata: one\ndata: two\n\n: no\n\ndata: last'.replace(
        b"\n", line_end
    )
    decoder = EventDecoder()

    events = [each for start in range(0, len(body), size) for each in decoder.feed(body[start : start + size])]
    events += decoder.end()

    assert [(each.name, each.data) for each in events if each.data] == [
        (None, '{"a": 1}'),
        ("x", "one\ntwo"),
        (None, "last"),
    ]


REPORTS: dict[str, list[Any]] = {
    "with every chunk, so far": [{"prompt_tokens": 1000, "completion_tokens": n} for n in (1, 2, 3, 4)],
    "twice, the same": [{"prompt_tokens": 1000, "completion_tokens": 4}] * 2,
    "the input first, the output last": [{"prompt_tokens": 1000, "completion_tokens": 0}, {"completion_tokens": 4}],
    "null in every chunk but one": [None, {"prompt_tokens": 1000, "completion_tokens": 4}, None],
    "zeros at the end": [{"prompt_tokens": 1000, "completion_tokens": 4}, {"prompt_tokens": 0, "completion_tokens": 0}],
}


@pytest.mark.parametrize("reports", REPORTS)
async def test_the_last_report_of_the_usage_counts(wire_server, reports):
    events = [{**chunk(content="x"), "usage": each} for each in REPORTS[reports]]

    reply = await reply_to(wire_server, stream(*events, chunk("stop")))

    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (1000, 4)


async def test_more_read_from_a_cache_than_read_at_all_makes_nothing_cheaper(wire_server):
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10_000}}
    price = Price(input=Decimal(1), output=Decimal(10), cache_read=Decimal(0))
    model = RemoteModel(OpenAIFormat("m1", Server("local", wire_server.base_url, None)), price=price)
    wire_server.script(stream(chunk("stop", usage, content="x")))

    reply = await model.reply(ModelRequest(task="Hi"))

    assert cost_of(reply.usage, model) == Decimal("0.00005")


WHOLE = {
    "openai": {
        "id": "c",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "On it.", "tool_calls": [call("calculator", '{"a": 1}')]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    },
    "anthropic": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m1",
        "content": [
            {"type": "text", "text": "On it."},
            {"type": "tool_use", "id": "t", "name": "calculator", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    },
    "google": {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [{"text": "On it."}, {"functionCall": {"name": "calculator", "args": {"a": 1}}}],
                },
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
    },
}


@pytest.mark.parametrize("wire_format", WHOLE)
async def test_a_server_that_does_not_stream_is_read_all_the_same(wire_server, wire_format):
    whole = Raw(json.dumps(WHOLE[wire_format]).encode(), content_type="application/json")

    reply = await reply_to(wire_server, whole, wire_format)

    assert (reply.text, [(each.tool_name, each.arguments) for each in reply.calls]) == (
        "On it.",
        [("calculator", {"a": 1})],
    )
    assert reply.usage.total_tokens == 15


async def test_google_without_events_sends_a_list(wire_server):
    body = json.dumps([WHOLE["google"]]).encode()

    reply = await reply_to(wire_server, Raw(body, content_type="application/json"), "google")

    assert reply.text == "On it."


async def test_blocks_and_deltas_nobody_knows_are_left_out(wire_server):
    known = [(name, data) for name, data in _frames("anthropic", Answer("It is 391."))]
    odd = [
        ("content_block_start", {"type": "content_block_start", "index": 7, "content_block": {"type": "vendor"}}),
        ("content_block_delta", {"type": "content_block_delta", "index": 7, "delta": {"type": "vendor_delta"}}),
        ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "odd", "text": "!"}}),
        ("content_block_stop", {"type": "content_block_stop", "index": 7}),
        ("vendor_event", {"type": "vendor_event"}),
    ]
    frames = [*known[:1], *odd, *known[1:3], *odd, *known[3:]]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in frames).encode()

    assert (await reply_to(wire_server, Raw(body), "anthropic")).text == "It is 391."


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None, "output_tokens": None}, "many"])
async def test_a_message_that_does_not_say_what_it_used_is_a_reply(wire_server, usage):
    body = ""
    for name, data in _frames("anthropic", Answer("It is 391.")):
        changed = {**data, "usage": usage} if name == "message_delta" else dict(data)
        if name == "message_start":
            changed["message"] = {**data["message"], "usage": usage}
        body += f"event: {name}\ndata: {json.dumps(changed)}\n\n"

    reply = await reply_to(wire_server, Raw(body.encode()), "anthropic")

    assert (reply.text, reply.usage.total_tokens) == ("It is 391.", None)


async def test_events_without_their_names_are_read_by_their_types(wire_server):
    body = "".join(f"data: {json.dumps(data)}\n\n" for _, data in _frames("anthropic", Answer("It is 391.")))

    assert (await reply_to(wire_server, Raw(body.encode()), "anthropic")).text == "It is 391."


THINKING = {
    "in pieces": (["<th", "ink>Hm. ", "Yes.</thi", "nk>\n\n39", "1"], "Hm. Yes."),
    "inside a longer piece": (["<think>Hm. Yes.</think>391"], "Hm. Yes."),
    "never opened": (["Hm. Yes.", "</think>", "\n\n391"], "Hm. Yes."),
    "never opened, in one piece": (["Hm. Yes.\n</think>\n\n391"], "Hm. Yes."),
    "opened after blank lines": (["\n\n<think>\nHm. Yes.\n</think>\n391"], "Hm. Yes."),
    "another tag": (["<thinking>Hm. Yes.</thinking>", "391"], "Hm. Yes."),
    "Mistral's": (["[THINK]Hm. Yes.", "[/THINK]391"], "Hm. Yes."),
    "twice": (["<think>Hm.</think>\n<think>Yes.</think>391"], "Hm.\n\nYes."),
    "nothing thought": (["<think>\n\n</think>\n\n391"], ""),
}


@pytest.mark.parametrize("thinking", THINKING)
async def test_thoughts_left_in_the_text_are_told_apart(wire_server, thinking):
    pieces, thought = THINKING[thinking]

    reply = await reply_to(wire_server, stream(*[chunk(content=each) for each in pieces], chunk("stop")))

    assert (reply.text, reply.reasoning) == ("391", thought)


@pytest.mark.parametrize(
    "text",
    [
        "Use the `<think>` tag, and close it with `</think>`.",
        "Close it with </think> here, and go on.",
        "A < b and b > c.",
        "```\nHm.</think>\n```",
    ],
)
async def test_a_text_about_tags_is_a_text(wire_server, text):
    reply = await reply_to(wire_server, stream(chunk(content=text), chunk("stop")))

    assert (reply.text, reply.reasoning) == (text, "")


async def test_thoughts_are_shown_as_thoughts_while_they_come(wire_server):
    heard: list[Delta] = []
    pieces = ["<th", "ink>Hm. ", "Yes.</thi", "nk>\n\n39", "1"]
    wire_server.script(stream(*[chunk(content=each) for each in pieces], chunk("stop")))

    await model_at(wire_server, "openai").reply(ModelRequest(task="Hi"), on_delta=heard.append)

    shown = [(each.kind, each.text) for each in heard if each.text]
    assert shown == [("reasoning", "Hm. "), ("reasoning", "Yes."), ("text", "\n\n39"), ("text", "1")]


ERRORS = {
    "in a 200": (Raw(b'{"error": "Unexpected endpoint or method."}', content_type="application/json"), "Unexpected"),
    "as a list": (Raw(b'[{"error": {"code": 503, "message": "Overloaded now."}}]'), "Overloaded now"),
    "in the stream": (
        stream(chunk(content="It"), {"error": {"message": "The GPU is gone.", "code": 500}}),
        "GPU is gone",
    ),
    "as an event with plain text": (Raw(b"event: error\ndata: upstream timed out\n\n"), "upstream timed out"),
    "in the choice": (
        stream({**chunk(content=""), "choices": [{"index": 0, "delta": {}, "error": {"message": "Upstream died."}}]}),
        "Upstream died",
    ),
    "as a page": (Raw(b"<html><title>Sign in</title></html>", content_type="text/html"), "Sign in"),
}


@pytest.mark.parametrize("error", ERRORS)
async def test_an_error_where_a_reply_was_expected_is_told_in_its_own_words(wire_server, error):
    outcome, words = ERRORS[error]

    with pytest.raises(ModelFailure, match=words):
        await reply_to(wire_server, outcome)


async def test_a_server_that_refuses_to_be_asked_for_the_usage_is_asked_without(wire_server):
    wire_server.script(Status(400, message="stream_options: Extra inputs are not permitted"), Answer("Done."))
    thoughts: list[AgentThought] = []
    # A separate name, because adaptations are remembered.
    model = model_at(wire_server, "openai", model="without-stream-options")

    result = await run_agent("Hi", model=model, retry=RetryPolicy(max_attempts=1), report=thoughts.append)

    assert result.output == "Done."
    assert "stream_options" in wire_server.requests[0].body
    assert "stream_options" not in wire_server.requests[1].body
    told = [each.content for each in thoughts if each.type is ThoughtType.RETRY]
    assert ["without `stream_options`" in each for each in told] == [True]


async def test_reasoning_details_go_back_as_they_came(wire_server):
    details = [
        {"type": "reasoning.text", "text": "Use ", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "text": "it.", "signature": "s", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "b3Bh", "id": "call_1", "index": 1},
    ]
    events = [chunk(content="", reasoning_details=[each]) for each in details]
    wire_server.script(
        stream(
            *events, chunk(tool_calls=[call("calculator", '{"expression": "1"}', call_id="a")]), chunk("tool_calls")
        ),
        Answer("Done."),
    )
    await run_agent("Hi", model=model_at(wire_server, "openai"), tools=["calculator"])

    assistant = next(each for each in wire_server.requests[1].body["messages"] if each["role"] == "assistant")
    assert assistant["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Use it.", "signature": "s", "index": 0, "format": "anthropic-claude-v1"},
        details[2],
    ]


@pytest.mark.parametrize("wire_format", ["openai", "responses", "anthropic"])
async def test_a_connection_that_stays_open_after_the_last_event_is_left(wire_server, wire_format):
    count = len(list(_frames(wire_format, Answer("It is 391."))))
    wire_server.script(Hang(after_chunks=count, answer=Answer("It is 391.")))

    async with asyncio.timeout(10):
        reply = await model_at(wire_server, wire_format).reply(ModelRequest(task="Hi"))

    assert reply.text == "It is 391."


class FailsTogether(RemoteModel):
    """A model that raises a refusal only after the other request was refused too."""

    both = asyncio.Barrier(2)

    async def reply(self, request, *, on_delta=None):
        try:
            return await super().reply(request, on_delta=on_delta)
        except ModelFailure:
            await self.both.wait()
            raise


async def test_two_requests_refused_at_once_are_both_made_again(wire_server):
    refusal = Status(400, message="stream_options: Extra inputs are not permitted")
    wire_server.script(refusal, refusal, Answer("Done."), Answer("Done."))
    model = FailsTogether(model_at(wire_server, "openai", model="refused-at-once").wire_format)

    results = await asyncio.gather(*[run_agent("Hi", model=model, retry=RetryPolicy(max_attempts=1)) for _ in "ab"])

    assert [each.output for each in results] == ["Done.", "Done."]


async def test_a_report_of_the_request_alone_is_completed_by_our_own_count(wire_server):
    usage = {"prompt_tokens": 40}
    wire_server.script(stream(*[chunk(content="word ") for _ in range(50)], chunk("stop", usage)))

    result = await run_agent("Hi", model=model_at(wire_server, "openai"), tools=[])

    assert 85 <= (result.tokens_used or 0) <= 130


@pytest.mark.parametrize("reason", ["content_filter", "moonset", None])
async def test_a_call_without_arguments_runs_only_if_its_reply_is_whole(wire_server, reason):
    cut = [chunk(tool_calls=[call("current_time", "", call_id="a")]), *([chunk(reason)] if reason else [])]
    used = {**chunk(), "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    wire_server.script(stream(*cut, used, done=reason is not None))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert reply.calls[0].arguments != {}


def test_many_thoughts_in_one_piece_are_told_apart():
    deltas = ThoughtSplitter().feed("<think>a</think>" * 3_000 + "Done.")

    assert {each.kind for each in deltas} == {"reasoning", "text"}


async def test_endless_empty_data_lines_are_too_large():
    decoder = EventDecoder(max_bytes=100_000)
    pieces = (decoder.feed(b"data:\n" * 1_000) for _ in range(200))

    with pytest.raises(EventTooLarge):
        list(chain.from_iterable(pieces))
