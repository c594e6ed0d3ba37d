"""A bad network: a TCP proxy that delays, holds back or resets its traffic."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from typing import Literal, Self

PIECE = 64 * 1024

Direction = Literal["to the server", "to the client"]


class Proxy:
    """A proxy to one local port, on a loop and a thread of its own, inside a `with` block."""

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        """The port it listens on."""
        self.latency_s = (0.0, 0.0)
        """Delay of each piece of data: minimum, maximum."""
        self.stalled: Direction | None = None
        """The direction in which nothing arrives any more, while the connection stays open."""
        self._upstream_port = upstream_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(10)

    def reset_all(self) -> None:
        """Reset every open connection, in both directions."""
        self._loop.call_soon_threadsafe(self._reset_all)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving = task
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            await asyncio.Event().wait()
        finally:  # asyncio.Runner cancels the connections afterwards.
            server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            self._writers |= {writer, far_writer}
            pipes = [
                asyncio.ensure_future(self._pass_on(reader, far_writer, "to the server")),
                asyncio.ensure_future(self._pass_on(far_reader, writer, "to the client")),
            ]
            try:
                await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pipe in pipes:
                    pipe.cancel()
                await asyncio.gather(*pipes, return_exceptions=True)
                self._writers -= {writer, far_writer}
                far_writer.close()
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        while piece := await reader.read(PIECE):
            while self.stalled == direction:  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.05)
            await asyncio.sleep(random.uniform(*self.latency_s))
            writer.write(piece)
            await writer.drain()

    def _reset_all(self) -> None:
        for writer in self._writers:
            raw_socket: socket.socket = writer.get_extra_info("socket")
            # A linger time of zero turns the close into a reset.
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
