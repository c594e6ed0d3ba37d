"""As much HTTP as a model server needs."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

from tests.wire.outcomes import Answer, Raw, Status


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: dict[str, Any]


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
    """The whole reply, as a stream if one was asked for."""
    if request.body.get("stream"):
        await send_stream(answer, writer)
        return
    choice = {"index": 0, "message": answer.message(), "finish_reason": answer.stated_finish_reason}
    completion = {
        "id": "chatcmpl-wire",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "m1",
        "choices": [choice],
        "usage": answer.stated_usage,
    }
    _send_json(200, completion, writer)


async def send_stream(answer: Answer, writer: asyncio.StreamWriter, *, skip: int = 0, limit: int | None = None) -> None:
    """Chunks from `skip` up to `limit`; the headers before the first, [DONE] after the last."""
    if not skip:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for number, chunk in enumerate(answer.chunks()):
        if limit is not None and number >= limit:
            break
        if number >= skip:
            _send_event(json.dumps(chunk), writer)
            await writer.drain()
            await asyncio.sleep(answer.token_delay_s)
    else:
        _send_event("[DONE]", writer)
        writer.write(b"0\r\n\r\n")
    await writer.drain()


def _send_event(text: str, writer: asyncio.StreamWriter) -> None:
    event = f"data: {text}\n\n".encode()
    writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")


def send_status(status: Status, writer: asyncio.StreamWriter) -> None:
    """An HTTP error with the body OpenAI gives it."""
    error = {"message": status.message, "type": status.error_type, "code": status.error_code, "param": None}
    headers = {} if status.retry_after is None else {"retry-after": status.retry_after}
    _send_json(status.code, {"error": error}, writer, **headers)


def _send_json(status: int, value: Any, writer: asyncio.StreamWriter, **headers: str) -> None:
    body = json.dumps(value).encode()
    told = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {each}\r\n" for name, each in told.items())
    writer.write(f"HTTP/1.1 {status} Told So\r\n{lines}\r\n".encode() + body)


def send_raw(raw: Raw, writer: asyncio.StreamWriter) -> None:
    """Any bytes as the body of a 200."""
    length = len(raw.body) if raw.content_length is None else raw.content_length
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: {raw.content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
    writer.write(head.encode() + raw.body)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a TCP reset instead of a proper end."""
    raw_socket: socket.socket = writer.get_extra_info("socket")
    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
