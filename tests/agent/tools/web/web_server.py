"""A web server for tests, on 127.0.0.1 and a free port, that sends what each test tells it to, byte by byte."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from runs.agent.tools.web.host_rules import HostRules

Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]
CHUNK = b"x" * 65536


@dataclass
class WebServer:
    """What it sends, by path, and what it was asked. Its names are resolved to 127.0.0.1 by `resolve`."""

    port: int
    pages: dict[str, bytes | Respond] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """Each request line with headers."""
    scheme: str = "http"
    looked_up: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str = "/", host: str = "site.test") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def rules(self, *hosts: str) -> HostRules:
        """Rules that name these hosts at this port, `site.test` without any."""
        return HostRules(frozenset((host, self.port) for host in hosts or ("site.test",)))

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.looked_up.append(host)
        return ["127.0.0.1"]

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._one_page(reader, writer)
            writer.close()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _one_page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((line.split(":")[1] for line in head.lower().split("\r\n") if "content-length" in line), "0")
        self.requests.append(head + (await reader.readexactly(int(length))).decode("latin-1"))
        page = self.pages.get(head.split(" ")[1].partition("?")[0], not_found)
        if isinstance(page, bytes):
            writer.write(page)
            await writer.drain()
        else:
            await page(writer)


@contextlib.asynccontextmanager
async def web_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    made = WebServer(0, scheme="https" if tls else "http")
    listener = await asyncio.start_server(made.connected, "127.0.0.1", 0, ssl=tls)
    made.port = listener.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listener.close()
        for task in tuple(made.tasks):
            task.cancel()
        await asyncio.gather(*made.tasks)


def response(body: bytes | str = b"", *, status: str = "200 OK", **headers: str) -> bytes:
    """A response; `content_type` and the like become headers."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *lines])
    return f"{head}\r\n\r\n".encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return response(status=f"{status} Moved", location=location)


async def not_found(writer: asyncio.StreamWriter) -> None:
    writer.write(response("nothing here", status="404 Not Found"))


def endless(head: bytes, piece: bytes = CHUNK) -> Respond:
    """The head, and then the same piece until the reader goes away."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return respond


def slow(head: bytes) -> Respond:
    """The head, and then a byte now and then."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    return respond
