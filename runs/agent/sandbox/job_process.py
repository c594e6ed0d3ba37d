"""The process of one job, and a fresh Python as one."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.sandbox.limits import JobLimits


class JobProcess(Protocol):
    """A process that answers one request."""

    answer: asyncio.StreamReader
    notes: asyncio.StreamReader
    """Its standard output and error."""

    async def send(self) -> None:
        """Send the request, as far as the process reads it."""

    async def wait(self) -> int:
        """The exit code, negative for a signal. Raises `ForkServerLost` if a fork server ended first."""

    def kill(self) -> None:
        """Kill the process with all that it started."""

    async def end(self) -> None:
        """Kill the process with all that it started, and wait for its end."""


class FreshProcess:
    """A Python of its own."""

    def __init__(self, process: asyncio.subprocess.Process, request: bytes) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("The process was started without pipes.")
        self.answer, self.notes = process.stdout, process.stderr
        self._input, self._process, self._request = process.stdin, process, request

    async def send(self) -> None:
        """Send the request, as far as the process reads it."""
        # A process that ended needs no request; its answer or exit status says why.
        with contextlib.suppress(ConnectionError):
            self._input.write(self._request)
            await self._input.drain()
            self._input.close()
            await self._input.wait_closed()

    async def wait(self) -> int:
        """The exit code, negative for a signal."""
        return await self._process.wait()

    def kill(self) -> None:
        """Kill the process with all that it started."""
        kill_group(self._process.pid)

    async def end(self) -> None:
        """Kill the process with all that it started, and wait for its end."""
        self.kill()
        # asyncio waits for the end of pipes, which it stops reading when nobody takes what it has: nothing public
        # closes them.
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
        # asyncio.wait cancels nothing: a second cancellation must not leave the process unreaped.
        await asyncio.wait([asyncio.ensure_future(self._process.wait())])


async def start_fresh(
    module: str, request: bytes, limits: JobLimits, folder: Path, environment: Mapping[str, str]
) -> FreshProcess:
    """Start a Python for the job. Raises `ToolUnavailable`."""
    numbers = (limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.file_bytes, int(limits.has_network))
    try:
        process = await asyncio.create_subprocess_exec(
            # -P: no module is loaded from the folder, whose files come from people.
            *(sys.executable, "-P", "-s"),
            *("-m", "runs.agent.sandbox.worker", module, *map(str, numbers)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            # The temporary files of libraries go where the folder's owner removes them.
            env={**environment, "TMPDIR": str(folder), "HOME": str(folder)},
            start_new_session=True,
        )
    except OSError as error:
        raise ToolUnavailable(f"No process could be started for this: {error.strerror or error}.") from error
    return FreshProcess(process, request)


def kill_group(leader: int) -> None:
    """Kill a process that leads a group, with its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
