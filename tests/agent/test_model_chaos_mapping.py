"""Every fault of a model server, in every wire format, is one classified error and nothing else."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from runs.agent.classify import handle_agent_error, is_worth_retrying
from runs.agent.errors import ModelFailure
from runs.agent.messages import ModelRequest, ToolRequest
from runs.agent.providers.openai import OpenAIModel
from runs.agent.providers.served import ServedModel, Server
from runs.agent.tools.validation import MALFORMED, MALFORMED_BECAUSE
from tests.wire import Answer, Cut, Drop, Endless, Hang, Outcome, Raw, Reset, Status, StreamError, WireServer
from tests.wire.models import FORMATS, format_of, model_at

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one loop, and so one client for each format

ASKED = ModelRequest(task="Hi")
IMPATIENT = ModelRequest(task="Hi", timeout_s=0.3)
LONG = Answer("This is never said to its end.")
HALF = 6
"""Chunks after which every format has said some words of it, and none its last."""


@pytest.fixture(scope="module")
def _one_server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


@pytest.fixture
def wire_server(_one_server: WireServer) -> WireServer:
    """The same server for every test, with nothing in its memory."""
    _one_server.forget()
    return _one_server


@pytest.fixture(params=FORMATS)
def model(request: pytest.FixtureRequest, wire_server: WireServer) -> ServedModel:
    """A model of each format in turn."""
    return model_at(wire_server, request.param)


async def failure_of(model: ServedModel, asked: ModelRequest = ASKED) -> ModelFailure:
    with pytest.raises(ModelFailure) as caught:
        await model.reply(asked)
    failure = caught.value
    assert (failure.provider, failure.model) == ("local", "m1")
    assert str(failure).startswith("local")
    assert handle_agent_error(failure, {}).code == f"model_{failure.kind}"
    return failure


@pytest.mark.parametrize(
    ("code", "kind", "retried"),
    [
        (400, "refused", False),
        (401, "auth", False),
        (402, "out_of_money", False),
        (403, "forbidden", False),
        (404, "not_found", False),
        (408, "timeout", True),
        (409, "overloaded", True),
        (413, "refused", False),
        (422, "refused", False),
        (425, "overloaded", True),
        (429, "rate_limited", True),
        (500, "server", True),
        (502, "server", True),
        (503, "overloaded", True),
        (504, "server", True),
        (529, "overloaded", True),
    ],
)
async def test_every_status_is_told_apart(wire_server, model, code, kind, retried):
    wire_server.script(Status(code, message="So it was."))

    failure = await failure_of(model)

    assert (failure.kind, failure.status, is_worth_retrying(failure)) == (kind, code, retried)
    assert str(failure) == f"local answered {code}: So it was."
    assert len(wire_server.requests) == 1  # nobody below us tries again


@pytest.mark.parametrize(
    ("asked", "understood_s"),
    [
        ("20", 20),
        ("0", 0),
        ("1000000000", 1e9),
        ("garbage", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("", None),
    ],
)
async def test_the_wait_asked_for_is_understood_or_ignored(wire_server, model, asked, understood_s):
    wire_server.script(Status(429, retry_after=asked))

    assert (await failure_of(model)).retry_after_s == understood_s


async def test_the_wait_asked_for_may_be_a_date(wire_server, model):
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    wire_server.script(Status(429, retry_after=at))

    assert (await failure_of(model)).retry_after_s == pytest.approx(20, abs=3)


@pytest.mark.parametrize("after_chunks", [0, 2, 4])
@pytest.mark.parametrize(("status", "kinds"), [(429, {"rate_limited"}), (500, {"server"}), (529, {"overloaded"})])
async def test_an_error_told_in_the_stream_counts_as_if_told_before(wire_server, model, status, kinds, after_chunks):
    wire_server.script(StreamError(status, after_chunks=after_chunks))

    failure = await failure_of(model)

    # The chat format knows no word for being overloaded.
    assert failure.kind in kinds | {"server"}
    assert is_worth_retrying(failure)


@pytest.mark.parametrize(
    "outcome",
    [
        Drop(),
        Reset(after_chunks=0),
        Reset(after_chunks=HALF),
        Cut(after_chunks=HALF),
        Raw(b"data: {}\n\n", content_length=999),
    ],
    ids=str,
)
async def test_a_connection_that_ends_too_soon_is_tried_again(wire_server, model, outcome: Outcome):
    wire_server.script(outcome)

    failure = await failure_of(model)

    assert failure.kind == "network"
    assert is_worth_retrying(failure)


@pytest.mark.parametrize(
    "hang", [Hang(), Hang(after_chunks=0), Hang(after_chunks=HALF, answer=LONG), Endless()], ids=str
)
async def test_a_server_that_never_ends_is_left_at_the_deadline(wire_server, model, hang: Outcome):
    # Loading the transport takes seconds, which are nobody's fault.
    await model.reply(ASKED)
    wire_server.script(hang)

    async with asyncio.timeout(5):
        failure = await failure_of(model, IMPATIENT)

    assert failure.kind == "timeout"
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


@pytest.mark.parametrize("hang", [Hang(), Hang(after_chunks=HALF, answer=LONG), Endless()], ids=str)
async def test_cancelling_closes_the_connection(wire_server, model, hang: Outcome):
    wire_server.script(hang)
    asking = asyncio.create_task(model.reply(ASKED))
    await asyncio.to_thread(wire_server.wait_for_requests, 1)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


async def test_a_listener_that_fails_leaves_no_connection_behind(wire_server, model):
    wire_server.script(Endless())

    def fails(_delta: object) -> None:
        raise KeyboardInterrupt  # nothing the transport would catch

    with pytest.raises(KeyboardInterrupt):
        await model.reply(ASKED, on_delta=fails)
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no stream at all",
        b"\xff\xfe\x00",
        b'data: "\xff\xfe"\n\n',
        b'data: {"id": \n\n',
        b"data: null\n\n",
        b"data: 5\n\n",
        b"data: [1, 2]\n\n",
        b'data: "text"\n\n',
        b"data: {}\n\n",
        b'data: {"choices": []}\n\n',
        b'data: {"choices": "no"}\n\n',
        b'data: {"choices": [{"index": 0, "delta": "text"}]}\n\n',
        b'data: {"candidates": []}\n\n',
        b'data: {"candidates": 5}\n\n',
        b'data: {"candidates": [{"content": {"parts": [{"text": 5}]}}]}\n\n',
        b'data: {"candidates": [{"content": {"parts": [{"odd": 1}]}}]}\n\n',
        b"event: message_start\ndata: 5\n\n",
        b'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n',
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 9, "delta": {}}\n\n',
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
async def test_a_stream_that_makes_no_sense_is_a_bad_reply(wire_server, model, body):
    wire_server.script(Raw(body))

    assert (await failure_of(model)).kind == "bad_reply"


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Raw(b"<html><h1>Sign in</h1></html>", content_type="text/html"), "wrong_address"),
        (Raw(b'{"error": "x"}', content_type="application/json"), "server"),
        (Raw(b"Moved.", content_type="text/plain"), "bad_reply"),
    ],
    ids=str,
)
async def test_what_comes_in_place_of_a_stream_is_told_as_what_it_is(wire_server, model, outcome: Outcome, kind):
    wire_server.script(outcome)

    assert (await failure_of(model)).kind == kind


async def test_an_empty_reply_is_a_bad_one_and_a_filtered_one_is_blocked(wire_server, model):
    wire_server.script(Answer(""), Answer("", finish_reason="content_filter"))

    assert (await failure_of(model)).kind == "bad_reply"
    assert (await failure_of(model)).kind == "blocked"


async def test_ten_megabytes_in_one_piece_arrive_whole(wire_server, model):
    wire_server.script(Answer("x" * 10_000_000, word_chars=10_000_000))

    assert len((await model.reply(ASKED)).text) == 10_000_000


async def test_a_reply_longer_than_anybody_can_use_is_given_up(wire_server, model, monkeypatch):
    from runs.agent.providers import transport

    monkeypatch.setattr(transport, "MAX_REPLY_CHARS", 1000)
    wire_server.script(Endless(pause_s=0))

    failure = await failure_of(model)

    assert failure.kind == "bad_reply"
    assert "longer than 1000 characters" in str(failure)
    await asyncio.to_thread(wire_server.wait_for_client_to_leave)


async def test_two_thousand_tiny_pieces_are_told_one_by_one(wire_server, model):
    wire_server.script(Answer("x" * 2000, word_chars=1))
    told: list[str] = []

    reply = await model.reply(ASKED, on_delta=lambda delta: told.append(delta.text))

    assert reply.text == "x" * 2000
    assert len([text for text in told if text]) == 2000


async def test_strange_calls_come_through_for_the_run_to_refuse(wire_server, model):
    wire_server.script(Answer(calls=[("nope", {"a": 1}), ("calculator", {"expression": 5})]))

    reply = await model.reply(ASKED)

    assert reply.calls == (ToolRequest("nope", {"a": 1}), ToolRequest("calculator", {"expression": 5}))


@pytest.mark.parametrize("wire_format", [each for each in FORMATS if each != "google"])  # its arguments are no text
async def test_arguments_that_are_no_json_are_kept_for_the_model_to_see(wire_server, wire_format):
    wire_server.script(Answer(calls=[("calculator", '{"expr')]))

    (call,) = (await model_at(wire_server, wire_format).reply(ASKED)).calls

    told = "the text that begins at character 2 has no closing quote"
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


async def test_a_server_that_is_not_there_is_a_network_failure(model):
    with WireServer() as gone:
        nowhere = gone

    failure = await failure_of(model_at(nowhere, format_of(model)))

    assert (failure.kind, failure.phase) == ("network", "connect")
    assert "could not be reached" in str(failure)


def refusal(status: int, body: object, **headers: str) -> Raw:
    """A refusal with exactly this body."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Raw(sent, content_type="application/json", status=status, headers=named)


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (refusal(422, {"detail": "no such field"}), "refused", "local answered 422: no such field"),
        (
            refusal(422, {"detail": [{"loc": ["body", "tools"], "msg": "too many"}]}),
            "refused",
            "local answered 422: body.tools: too many",
        ),
        (
            refusal(400, [{"error": {"code": 400, "message": "Wrong.", "status": "INVALID_ARGUMENT"}}]),
            "refused",
            "local answered 400: Wrong.",
        ),
        (refusal(400, {"error": "odd", "message": "very"}), "refused", "local answered 400: odd. very"),
        (
            refusal(400, {"error": {"message": "Provider returned error", "metadata": {"raw": "too hot"}}}),
            "refused",
            "local answered 400: Provider returned error. too hot",
        ),
        (refusal(400, b"plain words"), "refused", "local answered 400: plain words"),
        (refusal(502, b""), "server", "local answered 502: no explanation (Bad Gateway)"),
        (
            refusal(502, b"<html><title>502 Bad Gateway</title></html>"),
            "server",
            "local answered 502: a web page, “502 Bad Gateway”",
        ),
        (
            refusal(402, {"error": {"message": "Insufficient Balance"}}),
            "out_of_money",
            "local answered 402: Insufficient Balance",
        ),
        (
            refusal(403, {"error": {"code": "unsupported_country_region_territory", "message": "Not there"}}),
            "forbidden",
            "local answered 403: Not there (unsupported_country_region_territory)",
        ),
        (
            refusal(400, {"error": {"message": "m1 does not support tools"}}),
            "no_tools",
            "local answered 400: m1 does not support tools",
        ),
        (refusal(404, b"404 page not found"), "wrong_address", "local answered 404: 404 page not found"),
        (
            refusal(308, b"", Location="https://models.example.org/v1"),
            "wrong_address",
            "local answered 308: it redirects to https://models.example.org/v1. That is the address to configure.",
        ),
        (
            refusal(301, b"<html><title>Moved</title></html>", Location="/v1/"),
            "wrong_address",
            "local answered 301: it redirects to /v1/. That is the address to configure.",
        ),
    ],
    ids=lambda each: str(each)[:60],
)
async def test_a_refusal_is_told_in_the_servers_words_whatever_shape_they_have(
    wire_server, model, outcome, kind, words
):
    wire_server.script(outcome)

    failure = await failure_of(model)

    assert (failure.kind, str(failure), failure.status) == (kind, words, outcome.status)
    assert len(wire_server.requests) == 1


async def test_a_request_larger_than_the_window_is_told_with_the_window(wire_server, model):
    said = "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it"
    wire_server.script(refusal(400, {"error": {"code": 400, "message": said, "type": "exceed_context_size_error"}}))

    failure = await failure_of(model)

    assert (failure.kind, failure.context_tokens) == ("context_overflow", 4096)


@pytest.mark.parametrize(
    ("outcome", "wait_s"),
    [
        (refusal(429, {"error": {"message": "Slow down."}}, retry_after="2.5"), 2.5),
        (refusal(429, {"error": {"message": "Slow down."}}, retry_after_ms="1500", retry_after="9"), 1.5),
        (refusal(429, {"error": {"message": "Slow down. Please try again in 1.25s."}}), 1.25),
        (refusal(503, {"error": {"message": "Later.", "details": [{"retryDelay": "12.5s"}]}}), 12.5),
    ],
    ids=str,
)
async def test_a_wait_with_a_fraction_is_understood(wire_server, model, outcome, wait_s):
    wire_server.script(outcome)

    assert (await failure_of(model)).retry_after_s == wait_s


async def test_an_address_that_wants_http_and_not_https_is_a_wrong_one():
    async def answers_in_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answers_in_clear, "127.0.0.1", 0) as clear:
        port = clear.sockets[0].getsockname()[1]
        failure = await failure_of(OpenAIModel("m1", Server("local", f"https://127.0.0.1:{port}/v1", "the-key")))

    assert failure.kind == "wrong_address"
    assert "does not speak TLS" in str(failure)
