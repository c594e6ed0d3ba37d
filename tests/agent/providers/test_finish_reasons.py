"""Endings of replies in every provider's terms: whole, cut, paused, refused, failed, or none."""

import pytest

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.messages import ModelRequest
from runs.agent.tools.registry import execute_tool_safely
from tests.agent.providers.event_streams.chunks import call, chunk, stream
from tests.wire import Answer, Raw
from tests.wire.models import TOOLS, model_at

CUT = [
    ("openai", "length"),
    ("openai", "max_tokens"),
    ("anthropic", "max_tokens"),
    ("anthropic", "model_context_window_exceeded"),
    ("google", "MAX_TOKENS"),
]
FAILED = [
    ("openai", "error"),
    ("openai", "network_error"),
    ("openai", "insufficient_system_resource"),
    ("openai", "abort"),
    ("google", "OTHER"),
]
MALFORMED = [
    ("google", "MALFORMED_FUNCTION_CALL"),
    ("google", "UNEXPECTED_TOOL_CALL"),
    ("google", "MALFORMED_RESPONSE"),
]
BLOCKED = [("openai", "content_filter"), ("anthropic", "refusal"), ("google", "SAFETY"), ("google", "RECITATION")]


async def reply_with(server, wire_format, **about):
    server.script(Answer(**about))
    return await model_at(server, wire_format).reply(ModelRequest(task="Hi", tools=TOOLS))


@pytest.mark.parametrize(("wire_format", "reason"), CUT)
async def test_a_reply_cut_at_a_limit_says_so(wire_server, wire_format, reason):
    reply = await reply_with(wire_server, wire_format, text="First, open the", finish_reason=reason)

    assert (reply.text, reply.ending, reply.ending_reason) == ("First, open the", "cut", reason)


@pytest.mark.parametrize("wire_format", ["openai", "anthropic", "google"])
async def test_a_whole_reply_says_nothing_of_its_end(wire_server, wire_format):
    reply = await reply_with(wire_server, wire_format, text="Done.")

    assert (reply.ending, reply.ending_reason) == ("whole", "")


async def test_a_reply_its_provider_has_paused_says_so(wire_server):
    reply = await reply_with(wire_server, "anthropic", text="I am at it", finish_reason="pause_turn")

    assert reply.ending == "paused"


async def test_a_word_nobody_knows_is_told_as_it_is(wire_server):
    reply = await reply_with(wire_server, "openai", text="Hm.", finish_reason="moonset")

    assert (reply.ending, reply.ending_reason) == ("whole", "moonset")


@pytest.mark.parametrize(("wire_format", "reason"), FAILED)
async def test_half_a_reply_of_a_failed_provider_is_a_failed_attempt(wire_server, wire_format, reason):
    with pytest.raises(ModelFailure, match=reason) as caught:
        await reply_with(wire_server, wire_format, text="The answer is", finish_reason=reason)

    assert caught.value.kind == "server"
    assert is_worth_retrying(caught.value)


@pytest.mark.parametrize(("wire_format", "reason"), MALFORMED)
async def test_a_reply_its_provider_could_not_take_is_tried_again_with_its_reason(wire_server, wire_format, reason):
    with pytest.raises(ModelFailure, match=reason) as caught:
        await reply_with(wire_server, wire_format, finish_reason=reason, usage=(11, 7))

    assert caught.value.kind == "bad_reply"
    assert is_worth_retrying(caught.value)
    assert caught.value.usage.total_tokens == 18


@pytest.mark.parametrize(("wire_format", "reason"), BLOCKED)
async def test_a_refused_reply_is_blocked_and_not_asked_for_again(wire_server, wire_format, reason):
    with pytest.raises(ModelFailure) as caught:
        await reply_with(wire_server, wire_format, text="I cannot", finish_reason=reason)

    assert caught.value.kind == "blocked"
    assert not is_worth_retrying(caught.value)


@pytest.mark.parametrize("wire_format", ["openai", "anthropic", "google"])
async def test_an_empty_reply_is_tried_again_and_what_it_used_is_known(wire_server, wire_format):
    with pytest.raises(ModelFailure, match="empty") as caught:
        await reply_with(wire_server, wire_format, text="", usage=(1000, 4096))

    assert is_worth_retrying(caught.value)
    assert caught.value.usage.output_tokens == 4096


async def test_a_models_own_words_of_refusal_are_told(wire_server):
    wire_server.script(stream(chunk(refusal="I will not "), chunk(refusal="write malware."), chunk("stop")))

    with pytest.raises(ModelFailure, match=r"I will not write malware\.") as caught:
        await model_at(wire_server, "openai").reply(ModelRequest(task="Hi"))

    assert caught.value.kind == "blocked"


async def test_the_reason_google_gives_for_a_blocked_prompt_is_told(wire_server):
    feedback = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "Not this."}}
    wire_server.script(Raw.events({**feedback, "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}}))

    with pytest.raises(ModelFailure, match="PROHIBITED_CONTENT: Not this") as caught:
        await model_at(wire_server, "google").reply(ModelRequest(task="Hi"))

    assert caught.value.kind == "blocked"


@pytest.mark.parametrize("said", ["", '{"timezone": "Asia/To', "{", "{}"])
async def test_a_call_that_was_cut_off_is_never_run(wire_server, said):
    wire_server.script(stream(chunk(tool_calls=[call("current_time", said, call_id="a")]), chunk("length")))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    with pytest.raises(InvalidArguments, match="cut off before they were complete"):
        await execute_tool_safely(TOOLS[1], reply.calls[0].arguments)


async def test_calls_before_the_one_that_was_cut_off_are_whole(wire_server):
    whole = call("calculator", '{"expression": "1 + 1"}', call_id="a")
    cut = call("calculator", '{"expression": "2 +', index=1, call_id="b")
    wire_server.script(stream(chunk(tool_calls=[whole]), chunk(tool_calls=[cut]), chunk("length")))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert reply.calls[0].arguments == {"expression": "1 + 1"}
    assert "expression" not in reply.calls[1].arguments


async def test_a_whole_call_without_arguments_is_no_cut_one(wire_server):
    wire_server.script(stream(chunk(tool_calls=[call("current_time", "", call_id="a")]), chunk("tool_calls")))

    reply = await model_at(wire_server, "openai").reply(ModelRequest(task="Hi", tools=TOOLS))

    assert reply.calls[0].arguments == {}


async def test_done_is_an_end_and_no_end_at_all_is_a_broken_connection(wire_server):
    model = model_at(wire_server, "openai")
    wire_server.script(stream(chunk(content="It is 391.")), stream(chunk(content="It is"), done=False))

    assert (await model.reply(ModelRequest(task="Hi"))).text == "It is 391."
    with pytest.raises(ModelFailure) as caught:
        await model.reply(ModelRequest(task="Hi"))

    assert caught.value.kind == "network"
