"""A receiver of webhooks for tests, on 127.0.0.1, in a thread of its own: it keeps what it gets and answers as told."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from standardwebhooks.webhooks import Webhook as Verifier

from runs.agent.json_data.json_types import JsonObject

SOON_S = 30.0


@dataclass(frozen=True)
class ReceivedEvent:
    """One request."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> JsonObject:
        """What it tells. Raises an error of the library if the signature is not by this secret."""
        told: JsonObject = Verifier(secret).verify(self.body, self.headers)
        return told


@dataclass(frozen=True)
class Reply:
    """A response, or what comes instead of it."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    kind: str = "whole"
    """`whole`; `endless`: a body without end; `dripping`: a body of a byte now and then; `never`: nothing; `reset`: the
    connection is reset instead of a response; `broken`: reset after the head; `garbage`: no HTTP."""


NEVER, RESET, BROKEN = Reply(kind="never"), Reply(kind="reset"), Reply(200, kind="broken")
GARBAGE, ENDLESS, DRIPPING = Reply(kind="garbage"), Reply(200, kind="endless"), Reply(200, kind="dripping")


@dataclass
class WebhookReceiver:
    """Answers each request with the next reply for its path, the last one again and again; 204 without any."""

    tls: ssl.SSLContext | None = None
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    choose: Callable[[ReceivedEvent], Reply] | None = None
    """Chooses the reply instead."""
    received: list[ReceivedEvent] = field(default_factory=list)
    port: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _tasks: set[Any] = field(default_factory=set)

    def __enter__(self) -> Self:
        is_up = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=[is_up], name="receiver", daemon=True)
        self._thread.start()
        assert is_up.wait(SOON_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(SOON_S)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def at(self, path: str = "/hook") -> list[ReceivedEvent]:
        """What came to this path, in order."""
        return [each for each in list(self.received) if each.path == path]

    def until(self, is_true: Callable[[], bool]) -> None:
        """Return once `is_true` is true of what came. Fails after `SOON_S`."""
        give_up_at = time.monotonic() + SOON_S
        with self._changed:
            while not is_true():
                left = give_up_at - time.monotonic()
                assert left > 0, f"{len(self.received)} requests came: {[each.path for each in self.received]}"
                self._changed.wait(min(left, 0.05))

    def _serve(self, is_up: threading.Event) -> None:
        self._loop.run_until_complete(self._listen(is_up))
        self._loop.close()

    async def _listen(self, is_up: threading.Event) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        is_up.set()
        await self._end.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # Their aborted transports are closed in the next round of the loop.

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = head[0].split(" ")[1]
        with self._changed:
            self.received.append(ReceivedEvent(path, headers, body))
            reply = self._reply_to(self.received[-1])
            self._changed.notify_all()
        await _send(reply, writer)

    def _reply_to(self, event: ReceivedEvent) -> Reply:
        if self.choose is not None:
            return self.choose(event)
        planned = self.replies.get(event.path, [Reply()])
        return planned.pop(0) if len(planned) > 1 else planned[0]


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> None:
    if reply.kind == "never":
        await asyncio.Event().wait()
    if reply.kind == "reset":
        return _reset(writer)
    if reply.kind == "garbage":
        writer.write(b"\x16\x03\x01 no HTTP\r\n\r\n")
    else:
        headers = [*reply.headers, *([("content-length", str(len(reply.body)))] if reply.kind == "whole" else [])]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        writer.write(f"HTTP/1.1 {reply.status} Told\r\n{head}connection: close\r\n\r\n".encode() + reply.body)
    await writer.drain()
    if reply.kind == "broken":
        return _reset(writer)
    while reply.kind == "endless":
        writer.write(b"x" * 65536)
        await writer.drain()
    while reply.kind == "dripping":
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    return None


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
