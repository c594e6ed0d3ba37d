"""The process of one job, forked by the fork server of this process."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

from runs.agent.sandbox.fork_client import CLIENT, ForkServerLost, ForkServerProcess
from runs.agent.sandbox.job_process import kill_group
from runs.agent.sandbox.limits import JobLimits
from runs.agent.sandbox.wire import JobOrder

START_S: Final = 10.0
"""In which a fork server starts and forks; it is killed otherwise."""
END_S: Final = 5.0
"""In which a fork server tells that a killed process has ended; it is killed otherwise."""
_LINE_BYTES: Final = 32


class ForkedProcess:
    """A fork of the fork server."""

    def __init__(self, server: ForkServerProcess, line: socket.socket) -> None:
        self.answer, self.notes = asyncio.StreamReader(), asyncio.StreamReader()
        self._transports: list[asyncio.ReadTransport] = []
        self._server, self._line, self._pid = server, line, 0
        self._ended: asyncio.Task[int | None] | None = None

    async def begin(self, pipes: list[int]) -> None:
        """Wait until there is a process, and read its output from the pipes. Raises `ForkServerLost`."""
        loop = asyncio.get_running_loop()
        for reader in (self.answer, self.notes):
            file = os.fdopen(pipes.pop(0), "rb", buffering=0)
            transport, _ = await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), file)
            self._transports.append(transport)
        is_hung = False
        try:
            async with asyncio.timeout(START_S):
                self._pid = int(await self._heard() or 0)
        except TimeoutError:
            is_hung = True
        if not self._pid:
            # One that ended for want of jobs at this moment is replaced at once.
            if is_hung or not self._server.has_forked:
                CLIENT.give_up(self._server)
            raise ForkServerLost("it started no process")
        self._server.has_forked = True
        self._ended = asyncio.create_task(self._code())

    async def _heard(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._line, _LINE_BYTES)
        except OSError:
            return b""

    async def _code(self) -> int | None:
        """The exit code; None if the server ended before the process, which then ends too."""
        if told := await self._heard():
            return int(told)
        kill_group(self._pid)
        return None

    async def send(self) -> None:
        """Nothing: the process was started with the request."""

    async def wait(self) -> int:
        """The exit code, negative for a signal. Raises `ForkServerLost`."""
        code = await asyncio.shield(self._ended) if self._ended else None
        if code is None:
            raise ForkServerLost("it ended before the process")
        return code

    def kill(self) -> None:
        """Kill the process with all that it started."""
        with contextlib.suppress(OSError):  # The server has ended, and the process with it.
            self._line.send(b"k")

    async def end(self) -> None:
        """Kill the process with all that it started, and wait for its end."""
        self.kill()
        for each in self._transports:
            each.close()
        try:
            if self._ended and not (await asyncio.wait([self._ended], timeout=END_S))[0]:
                CLIENT.give_up(self._server)
                kill_group(self._pid)
                await asyncio.wait([self._ended])
        finally:
            self._leave()

    def _leave(self) -> None:
        """Tell the server that nobody waits for the job any more."""
        with contextlib.suppress(OSError):  # The server has ended.
            # Not only closed: a fork of this process may have a copy.
            self._line.shutdown(socket.SHUT_RDWR)
        if self._ended is None or self._ended.done():
            self._line.close()
        else:
            # The event loop still looks at its descriptor, whose number the next one opened would get.
            self._ended.add_done_callback(lambda _: self._line.close())
            self._ended.cancel()
        if not self._ended_by_itself():
            CLIENT.retire(self._server)

    def _ended_by_itself(self) -> bool:
        return (
            self._ended is not None and self._ended.done() and not self._ended.cancelled() and self._ended.result() == 0
        )


async def start_forked(
    module: str, request: bytes, limits: JobLimits, folder: Path, environment: Mapping[str, str]
) -> ForkedProcess:
    """Have the job forked. Raises `ForkServerLost`."""
    numbers = (limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.file_bytes)
    order = json.dumps(asdict(JobOrder(module, numbers, str(folder)))).encode()
    with contextlib.ExitStack() as near:
        try:
            with contextlib.ExitStack() as far:
                line, pipes, descriptors = _descriptors(request, near, far)
                server = CLIENT.send(order, descriptors, environment)
        except OSError as error:
            raise ForkServerLost(f"there are no descriptors: {error}") from error
        near.pop_all()
    process = ForkedProcess(server, line)
    try:
        await process.begin(pipes)
    except BaseException:
        for each in pipes:
            os.close(each)
        await process.end()
        raise
    return process


def _descriptors(
    request: bytes, near: contextlib.ExitStack, far: contextlib.ExitStack
) -> tuple[socket.socket, list[int], list[int]]:
    """The near end of the line, those of the pipes, and the four descriptors of an order."""
    stdin = os.memfd_create("request")
    far.callback(os.close, stdin)
    with open(stdin, "wb", closefd=False) as file:
        file.write(request)
    os.lseek(stdin, 0, os.SEEK_SET)
    pipes, descriptors = [], [stdin]
    for _ in ("output", "error"):
        read, write = os.pipe()
        near.callback(os.close, read)
        far.callback(os.close, write)
        pipes.append(read)
        descriptors.append(write)
    line, far_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.enter_context(line)
    far.enter_context(far_line)
    line.setblocking(False)
    return line, pipes, [*descriptors, far_line.fileno()]
