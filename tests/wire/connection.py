"""One connection: reads requests and performs the outcome planned for each."""

import asyncio
import contextlib
from typing import Any, Protocol

from tests.wire.http import (
    Request,
    end_stream,
    read_request,
    reset,
    send_answer,
    send_frame,
    send_json,
    send_raw,
    send_status,
    send_stream,
    start_stream,
)
from tests.wire.outcomes import Answer, Cut, Drop, Endless, Hang, Outcome, Raw, Reset, Status, StreamError


class Plans(Protocol):
    """The server, as a connection uses it."""

    breaks_off: bool
    """Resets hanging connections instead of letting them continue on release."""
    released: asyncio.Event
    """Set once everything that hangs may continue."""

    def outcome_of(self, request: Request) -> Outcome | Any:
        """Record the request. Returns what to do with it; the JSON of a model list is sent as it is."""
        ...

    def client_left(self) -> None:
        """Record that a client has closed a connection on which a reply hung."""
        ...


async def serve(server: Plans, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests until the client leaves or an outcome ends the connection."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        while await _answer(server, await read_request(reader), reader, writer):
            pass
    writer.close()


async def _answer(server: Plans, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request. Returns True if the connection may be used again."""
    outcome = server.outcome_of(request)
    match outcome:
        case Answer():
            await send_answer(outcome, request, writer)
        case Status():
            send_status(outcome, request, writer)
        case Raw():
            send_raw(outcome, writer)
        case Drop():
            return False
        case Reset():
            await send_stream(outcome.answer, request, writer, limit=outcome.after_chunks)
            reset(writer)
            return False
        case Cut():
            await send_stream(outcome.answer, request, writer, limit=outcome.after_chunks)
            end_stream(writer)
        case StreamError():
            await send_stream(outcome.answer, request, writer, limit=outcome.after_chunks)
            send_frame(request.format.error_frame(Status(outcome.status), outcome.after_chunks), writer)
            end_stream(writer)
        case Endless():
            return await _go_on_for_ever(server, outcome, request, reader, writer)
        case Hang():
            return await _hang(server, outcome, request, reader, writer)
        case _:
            send_json(200, outcome, writer)
    await writer.drain()
    return not isinstance(outcome, Raw)


async def _hang(
    server: Plans, hang: Hang, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    try:
        if hang.after_chunks is not None:
            await send_stream(hang.answer, request, writer, limit=hang.after_chunks)
        if not await _released_before_the_client_leaves(server, reader):
            raise ConnectionResetError
    except ConnectionError:
        server.client_left()
        return False
    if server.breaks_off:
        reset(writer)
        return False
    if hang.after_chunks is None:
        await send_answer(hang.answer, request, writer)
    else:
        await send_stream(hang.answer, request, writer, skip=hang.after_chunks)
    return True


async def _go_on_for_ever(
    server: Plans, endless: Endless, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    frames = list(request.format.frames(Answer("again ", word_chars=6), request.body))
    # The first frame with the text: earlier frames open the block of the text, or repeat the request.
    text = next(frame for frame in frames if "again" in str(frame) and "response" not in frame[1])
    start_stream(writer)
    for frame in frames[: frames.index(text)]:
        send_frame(frame, writer)
    try:
        while not reader.at_eof():
            send_frame(_unfinished(text), writer)
            await writer.drain()
            await asyncio.sleep(endless.pause_s)
    except ConnectionError:
        pass
    server.client_left()
    return False


async def _released_before_the_client_leaves(server: Plans, reader: asyncio.StreamReader) -> bool:
    leaves = asyncio.ensure_future(reader.read(1))
    released = asyncio.ensure_future(server.released.wait())
    try:
        await asyncio.wait({leaves, released}, return_when=asyncio.FIRST_COMPLETED)
        if leaves.done():
            leaves.exception()  # retrieved: a client may leave by a reset
            return False
        return True
    finally:
        leaves.cancel()
        released.cancel()
        await asyncio.wait({leaves, released})  # Until then the stream refuses another reader.


def _unfinished(frame: tuple[str | None, Any]) -> tuple[str | None, Any]:
    """The frame without its finish reason."""
    name, data = frame
    candidates = [{key: each[key] for key in each if key != "finishReason"} for each in data.get("candidates", ())]
    return name, {**data, "candidates": candidates} if candidates else data
