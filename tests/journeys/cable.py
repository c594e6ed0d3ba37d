"""The cable between a browser and a server, which can be pulled."""

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit


class Cable:
    """Forwards bytes to `url`, at an address of its own, until it is pulled."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._socket_answered = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The proxy's address for the browser."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def pull(self) -> None:
        """Wait for a WebSocket that the server has accepted, then cut every connection.

        New connections work at once. Raises `TimeoutError` without a WebSocket for a minute.
        """
        async with asyncio.timeout(60):
            await self._socket_answered.wait()
        self._cut()

    def _cut(self) -> None:
        self._socket_answered.clear()
        for writer in list(self._open):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._cut()
        await self._server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        ends = {writer, far_writer}
        self._open |= ends
        try:
            with contextlib.suppress(ConnectionError):
                request = await reader.read(65536)
                far_writer.write(request)
                writer.write(await far_reader.read(65536))
                if request.startswith(b"GET /ws/"):
                    self._socket_answered.set()
                await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()
    writer.close()
