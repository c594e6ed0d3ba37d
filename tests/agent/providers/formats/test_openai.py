"""The OpenAI provider against a real server on the wire."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.messages import Delta, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.model_server import Server
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.tools.registry import execute_tool_safely
from runs.agent.tools.toolbox import Toolbox
from runs.agent.usage import Usage
from tests.wire import Answer, Drop, Hang, Outcome, Raw, Reset, Status, WireServer
from tests.wire.models import TOOLS, body_after_a_turn


@pytest.fixture
def model(wire_server):
    return RemoteModel(OpenAIFormat("m1", Server("local", wire_server.base_url, "the-key")))


def asks(task="Hi", **more):
    return ModelRequest(task=task, **more)


async def test_an_answer_is_streamed_and_its_tokens_are_counted(wire_server, model):
    wire_server.script(Answer("Hello to you.", reasoning="A greeting.", usage=(12, 3)))
    deltas: list[Delta] = []

    reply = await model.reply(asks(instructions="Be kind."), on_delta=deltas.append)

    assert (reply.text, reply.reasoning, reply.calls) == ("Hello to you.", "A greeting.", ())
    assert reply.usage == Usage(input_tokens=12, output_tokens=3)
    assert [delta.text for delta in deltas if delta.kind == "text"] == ["Hello ", "to ", "you."]
    assert [delta.text for delta in deltas if delta.kind == "reasoning"] == ["A ", "greeting."]
    (request,) = wire_server.requests
    assert request.headers["authorization"] == "Bearer the-key"
    assert request.body["model"] == "m1"
    assert request.body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]


async def test_tools_are_offered_and_several_calls_come_in_their_order(wire_server, model):
    wire_server.script(
        Answer("Both at once.", calls=[("calculator", {"expression": "1+1"}), ("current_time", {"place": "Oslo"})])
    )

    reply = await model.reply(asks(tools=TOOLS))

    assert reply.calls == (
        ToolRequest("calculator", {"expression": "1+1"}),
        ToolRequest("current_time", {"place": "Oslo"}),
    )
    offered = [each["function"] for each in wire_server.requests[0].body["tools"]]
    assert [each["name"] for each in offered] == ["calculator", "current_time"]
    assert offered[0]["parameters"]["required"] == ["expression"]


async def test_later_turns_replay_the_providers_own_call_ids_with_every_result(wire_server, model):
    body = await body_after_a_turn(wire_server, model, "Let me see.", call_id="theirs")

    user, assistant, two, failed = body["messages"]
    assert user == {"role": "user", "content": "Hi"}
    assert assistant["content"] == "Let me see."
    assert [call["id"] for call in assistant["tool_calls"]] == ["theirs-0", "theirs-1"]
    assert two == {"role": "tool", "tool_call_id": "theirs-0", "content": "2"}
    assert failed["tool_call_id"] == "theirs-1"
    assert "Unknown tool: nope." in failed["content"]


@pytest.mark.parametrize("replay", [None, {"format": "somebody else's"}, "text", {"format": "pydantic-ai/2"}])
async def test_a_turn_of_another_provider_is_written_anew(wire_server, model, replay):
    wire_server.script(Answer("2"))
    call = ToolRequest("calculator", {"expression": "1+1"})
    turn = Turn(ModelReply("", "", (call,), replay=replay), (ToolResult("c1", "calculator", {"value": 2}),))

    await model.reply(asks(turns=[turn]))

    _, assistant, result = wire_server.requests[0].body["messages"]
    assert assistant["tool_calls"][0]["function"] == {"name": "calculator", "arguments": '{"expression":"1+1"}'}
    assert result["tool_call_id"] == assistant["tool_calls"][0]["id"]
    assert json.loads(result["content"]) == {"value": 2}


async def test_calls_count_by_their_presence_whatever_the_finish_reason_says(wire_server, model):
    wire_server.script(
        Answer("Beside.", calls=[("calculator", {"expression": "1"})], finish_reason="stop"),
        Answer("The answer.", finish_reason="tool_calls"),
        Answer("No reason given.", finish_reason=None),
    )

    assert (await model.reply(asks())).calls
    assert (await model.reply(asks())).text == "The answer."
    assert (await model.reply(asks())).text == "No reason given."


@pytest.mark.parametrize(
    "written",
    [
        '{"expression": "1+',
        "[1, 2]",
        '"text"',
        "[" * 5_000,
        # Parsed by Python, but not storable as JSON in a database:
        '{"expression": NaN}',
        '{"expression": [-Infinity]}',
        '{"expression": {"value": 1e999}}',
        '{"expression": ' + "[" * 200 + "]" * 200 + "}",
    ],
    ids=lambda text: text[:30],
)
async def test_arguments_that_are_no_json_object_become_a_call_that_fails_readably(wire_server, model, written):
    wire_server.script(Answer(calls=[("calculator", written)]))

    (call,) = (await model.reply(asks())).calls

    with pytest.raises(InvalidArguments, match="The arguments of 'calculator' must be a JSON object, not"):
        await execute_tool_safely(Toolbox().get(call.tool_name), call.arguments)


async def test_half_a_surrogate_pair_in_an_argument_becomes_a_question_mark(wire_server, model):
    wire_server.script(Answer(calls=[("text_stats", r'{"te\udc00xt": ["half \ud800", "whole \ud83d\ude00"]}')]))

    (call,) = (await model.reply(asks())).calls

    assert call.arguments == {"te?xt": ["half ?", "whole 😀"]}


@pytest.mark.parametrize("reported", [(2**62, 2**62), (10**30, 1), (1, 10**10)])
async def test_tokens_no_request_can_have_are_unknown(wire_server, model, reported):
    wire_server.script(Answer("Dear.", usage=reported))

    assert (await model.reply(asks())).usage.total_tokens is None


async def test_a_call_without_any_arguments_text_has_none(wire_server, model):
    wire_server.script(Answer(calls=[("current_time", "")]))

    (call,) = (await model.reply(asks())).calls

    assert call == ToolRequest("current_time", {})


async def test_cached_and_reasoning_tokens_and_the_cost_are_known_if_the_provider_tells_them(wire_server, model):
    wire_server.script(Answer("Hi.", usage=(100, 50), cache_read=40, reasoning_tokens=20, cost_usd=0.0123))

    usage = (await model.reply(asks())).usage

    assert usage == Usage(100, 50, cache_read_tokens=40, reasoning_tokens=20, cost_usd=Decimal("0.0123"))


async def test_the_schema_of_an_answer_goes_along_with_the_tools(wire_server, model):
    schema = {"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]}
    wire_server.script(Answer('{"answer": 2}'))

    await model.reply(asks(tools=tuple(Toolbox(["calculator"])), output_schema=schema))

    body = wire_server.requests[0].body
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["schema"]["properties"] == {"answer": {"type": "number"}}
    assert [tool["function"]["name"] for tool in body["tools"]] == ["calculator"]


async def test_tokens_that_were_not_reported_are_unknown_and_not_zero(wire_server, model):
    wire_server.script(Answer("Free?", usage=None))

    assert (await model.reply(asks())).usage.total_tokens is None


@pytest.mark.parametrize(
    ("outcome", "kind", "status", "retried"),
    [
        (Status(500), "server", 500, True),
        (Status(502), "server", 502, True),
        (Status(503), "overloaded", 503, True),
        (Status(504), "server", 504, True),
        (Status(529), "overloaded", 529, True),
        (Status(429), "rate_limited", 429, True),
        (Status(429, error_code="insufficient_quota"), "out_of_money", 429, False),
        (Status(408), "timeout", 408, True),
        (Status(409), "overloaded", 409, True),
        (Status(425), "overloaded", 425, True),
        (Status(400), "refused", 400, False),
        (Status(400, error_code="content_filter"), "blocked", 400, False),
        (Status(401), "auth", 401, False),
        (Status(403), "forbidden", 403, False),
        (Status(403, message="Invalid API key."), "auth", 403, False),
        (Status(404), "not_found", 404, False),
        (Status(413), "refused", 413, False),
        (Status(422), "refused", 422, False),
        (Drop(), "network", None, True),
        (Reset(), "network", None, True),
        (Raw.events({"choices": [{"index": 0, "delta": {"content": "Cut o"}}]}), "network", None, True),
        (Raw(b'data: {"id": "x"}\n\n', content_length=5000), "network", None, True),
        (Raw.events({"error": {"message": "Too busy.", "code": "server_error"}}), "server", 500, True),
        (Raw.events({"error": {"message": "Odd."}}), "server", None, True),
        (Raw(b'data: {"id": \n\n'), "bad_reply", None, True),
        (Raw(b"no stream at all"), "bad_reply", None, True),
        (Raw(b"<html>", content_type="text/html"), "wrong_address", None, False),
        (Raw(b'{"error": "x"}', content_type="application/json"), "server", None, True),
        (Raw(b"\xff\xfe\x00"), "bad_reply", None, True),
        (Raw(b""), "bad_reply", None, True),
        (Raw.events({"choices": []}, "[DONE]"), "bad_reply", None, True),
        (Raw.events("null"), "bad_reply", None, True),
        (Raw.events("[1, 2]"), "bad_reply", None, True),
        (Raw.events({"choices": "no"}), "bad_reply", None, True),
        (Raw.events({"choices": [{"index": 0, "delta": "text"}]}), "bad_reply", None, True),
        (Raw.events({"choices": [{"index": 0, "delta": {"tool_calls": 5}}]}), "bad_reply", None, True),
        (Answer(""), "bad_reply", None, True),
        (Answer("", finish_reason="content_filter"), "blocked", None, False),
    ],
    ids=str,
)
async def test_every_way_to_fail_is_told_apart(wire_server, model, outcome: Outcome, kind, status, retried):
    wire_server.script(outcome)

    with pytest.raises(ModelFailure) as caught:
        await model.reply(asks())

    failure = caught.value
    assert (failure.kind, failure.status, is_worth_retrying(failure)) == (kind, status, retried)
    assert (failure.provider, failure.model) == ("local", "m1")
    assert str(failure).startswith("local")
    assert len(wire_server.requests) == 1  # the SDK does not retry


@pytest.mark.parametrize(("hang", "phase"), [(Hang(), "first_token"), (Hang(after_chunks=3), "stream")])
async def test_a_server_that_hangs_is_left_in_time(wire_server, model, hang, phase):
    wire_server.script(hang)

    with pytest.raises(ModelFailure) as caught:
        await model.reply(asks(timeout_s=0.3))

    assert (caught.value.kind, caught.value.phase) == ("timeout", phase)
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


async def test_cancelling_closes_the_connection(wire_server, model):
    wire_server.script(Hang(after_chunks=2))
    asking = asyncio.create_task(model.reply(asks()))
    await asyncio.to_thread(wire_server.wait_for_requests, 1)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


async def test_a_server_that_is_not_there_could_not_be_reached():
    with WireServer() as gone:
        base_url = gone.base_url
    model = RemoteModel(OpenAIFormat("m1", Server("local", base_url)))

    with pytest.raises(ModelFailure, match="local could not be reached") as caught:
        await model.reply(asks())
    assert (caught.value.kind, caught.value.phase) == ("network", "connect")


@pytest.mark.parametrize("as_date", [False, True])
async def test_the_wait_a_provider_asks_for_is_understood_as_seconds_and_as_a_date(wire_server, model, as_date):
    retry_at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    wire_server.script(Status(429, retry_after=retry_at if as_date else "20"))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(asks())
    assert caught.value.retry_after_s == pytest.approx(20, abs=3)


async def test_the_providers_own_words_are_told_without_the_key(wire_server, model):
    wire_server.script(Status(401, message="Incorrect API key provided: the-key. Or sk-proj-abcdefghijk."))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(asks())
    assert str(caught.value) == "local answered 401: Incorrect API key provided: [hidden]. Or [hidden]."


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (
            "<!doctype html>\n<html><head><title>502 Bad &amp; Broken</title></head></html>",
            "a web page, “502 Bad & Broken”",
        ),
        ("<html><body>Nothing.</body></html>", "a web page, not the reply of a model"),
    ],
)
async def test_of_a_web_page_instead_of_a_reply_only_the_title_is_told(wire_server, model, page, told):
    wire_server.script(Status(404, message=page))

    with pytest.raises(ModelFailure) as caught:
        await model.reply(asks())
    assert str(caught.value) == f"local answered 404: {told}"


async def test_many_replies_of_a_server_share_its_connections(wire_server):
    server = Server("local", wire_server.base_url)

    for name in ("m1", "m2", "m1"):
        await RemoteModel(OpenAIFormat(name, server)).reply(asks())

    assert wire_server.connections == 1


async def test_a_hundred_replies_at_once_all_come_whole(wire_server, model):
    wire_server.otherwise = lambda request: Answer(f"You said: {request.body['messages'][-1]['content']}")

    replies = await asyncio.gather(*[model.reply(asks(f"number {number}")) for number in range(100)])

    assert [each.text for each in replies] == [f"You said: number {number}" for number in range(100)]


async def test_a_server_of_ones_own_hears_nothing_of_the_openai_account(wire_server, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    await RemoteModel(OpenAIFormat("m1", Server("keyless", wire_server.base_url))).reply(asks())

    headers = wire_server.requests[0].headers
    assert headers["authorization"] == "Bearer none"
    assert "openai-organization" not in headers
    assert "secret" not in str(headers)


def test_connections_are_closed_with_their_event_loop(wire_server):
    from runs.agent.providers import client_pool as clients

    server = Server("local", wire_server.base_url)
    taken: list[Any] = []

    async def one_reply() -> None:
        await RemoteModel(OpenAIFormat("m1", server)).reply(asks())
        taken.extend(clients._loops[asyncio.get_running_loop()].clients.values())

    for _ in range(2):
        asyncio.run(one_reply())

    assert len(taken) == 2
    assert all(client.http.is_closed for client in taken)
    assert not [loop for loop in clients._loops if loop.is_closed()]


def test_nothing_heavy_is_loaded_before_the_first_reply_is_asked_for():
    script = (
        "import sys; from runs.agent.providers.model_catalog.catalog import provider_for\n"
        "keys = {'OPENAI_API_KEY': 'k', 'ANTHROPIC_API_KEY': 'k', 'GOOGLE_API_KEY': 'k'}\n"
        "for name in ('openai:gpt', 'anthropic:claude', 'google:gemini'): provider_for(name, environ=keys)\n"
        "heavy = {'openai', 'anthropic', 'google.genai', 'pydantic_ai', 'httpx', 'httpx2', 'genai_prices'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


async def test_only_the_sdk_that_is_spoken_with_is_loaded():
    script = (
        "import asyncio, sys; from runs.agent.providers.formats.openai import OpenAIFormat\n"
        "from runs.agent.providers.remote_model import RemoteModel\n"
        "from runs.agent.providers.model_server import Server\n"
        "asyncio.run(RemoteModel(OpenAIFormat('m1', Server('local', 'http://127.0.0.1:9'))).load())\n"
        "assert not {'anthropic', 'google.genai'} & set(sys.modules)"
    )
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True)
