"""The part of HTTP that a model server needs."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

from tests.wire.formats import FORMATS, Format, as_event, format_of
from tests.wire.outcomes import Answer, Raw, Status


@dataclass(frozen=True)
class Request:
    """One request as received."""

    method: str
    path: str
    headers: dict[str, str]
    """Header names are in lower case."""
    body: dict[str, Any]

    @property
    def model(self) -> str:
        """The requested model: named in the body, in Google's format in the path."""
        named = self.body.get("model") or self.path.partition("?")[0].rpartition("/models/")[2].rpartition(":")[0]
        return str(named)

    @property
    def format(self) -> Format:
        """The request's wire format; the chat format for unknown paths."""
        return format_of(self.path) or FORMATS[0]


async def read_request(reader: asyncio.StreamReader) -> Request:
    """The next request. Raises `asyncio.IncompleteReadError` when the client has left."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, json.loads(body) if body else {})


async def send_answer(answer: Answer, request: Request, writer: asyncio.StreamWriter) -> None:
    """Send the whole reply, as a stream if the request asks for one."""
    if request.format.wants_stream(request.path, request.body):
        await send_stream(answer, request, writer)
    else:
        send_json(200, request.format.whole(answer, request.body), writer)


async def send_stream(
    answer: Answer, request: Request, writer: asyncio.StreamWriter, *, skip: int = 0, limit: int | None = None
) -> None:
    """Send the events from `skip` up to `limit`; the headers before the first, the end of the body after the last."""
    if not skip:
        start_stream(writer)
    for number, frame in enumerate(request.format.frames(answer, request.body)):
        if limit is not None and number >= limit:
            break
        if number >= skip:
            send_frame(frame, writer)
            await writer.drain()
            if answer.token_delay_s:
                await asyncio.sleep(answer.token_delay_s)
    else:
        end_stream(writer)
    await writer.drain()


def start_stream(writer: asyncio.StreamWriter) -> None:
    """Send the headers of a stream."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")


def send_frame(frame: tuple[str | None, Any], writer: asyncio.StreamWriter) -> None:
    """Send one event of a stream."""
    event = as_event(frame)
    writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")


def end_stream(writer: asyncio.StreamWriter) -> None:
    """End a stream properly."""
    writer.write(b"0\r\n\r\n")


def send_status(status: Status, request: Request, writer: asyncio.StreamWriter) -> None:
    """Send an HTTP error with the format's body."""
    headers = {} if status.retry_after is None else {"retry-after": status.retry_after}
    body = request.format.error(status) if status.body is None else status.body
    send_json(status.code, body, writer, **headers)


def send_json(status: int, value: Any, writer: asyncio.StreamWriter, **headers: str) -> None:
    """Send a JSON body."""
    body = json.dumps(value).encode()
    told = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {each}\r\n" for name, each in told.items())
    writer.write(f"HTTP/1.1 {status} Told So\r\n{lines}\r\n".encode() + body)


def send_raw(raw: Raw, writer: asyncio.StreamWriter) -> None:
    """Send any bytes as the body."""
    length = len(raw.body) if raw.content_length is None else raw.content_length
    told = {"content-type": raw.content_type, "content-length": str(length), "connection": "close", **raw.headers}
    lines = "".join(f"{name}: {each}\r\n" for name, each in told.items())
    writer.write(f"HTTP/1.1 {raw.status} Told So\r\n{lines}\r\n".encode() + raw.body)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a TCP reset instead of a proper end."""
    raw_socket: socket.socket = writer.get_extra_info("socket")
    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
