"""Every fault of a model server, in every wire format, is one classified error and nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.messages import ModelRequest
from tests.agent.providers.error_mapping.failures import ASKED, failure_of
from tests.wire import Answer, Cut, Drop, Endless, Hang, Outcome, Raw, Reset, Status, StreamError, WireServer
from tests.wire.models import format_of, model_at

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one event loop, and therefore one client for each format
IMPATIENT = ModelRequest(task="Hi", timeout_s=0.3)
LONG = Answer("This is never said to its end.")
HALF = 6
"""Number of chunks after which every format has sent some text, and none has ended."""


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
    assert len(wire_server.requests) == 1  # the SDK does not retry


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

    # The chat format has no code for an overload.
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
    # Loading the transport takes seconds, which must not count.
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


async def test_a_server_that_is_not_there_is_a_network_failure(model):
    with WireServer() as gone:
        nowhere = gone

    failure = await failure_of(model_at(nowhere, format_of(model)))

    assert (failure.kind, failure.phase) == ("network", "connect")
    assert "could not be reached" in str(failure)
