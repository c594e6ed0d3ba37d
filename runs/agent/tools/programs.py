"""Runs programs for tools: however much one writes, only the beginning is kept, and the rest is counted.

`subprocess.run(capture_output=True)` keeps all of it: 5 GB of a program are 5 GB of the server's memory.
"""

import asyncio
import codecs
import contextlib
import hashlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runs.agent.concurrency.tasks import run_to_completion
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.output_limit import shortened, with_cut_line

KEPT_BYTES: Final = 1 << 20
"""Of each of the two outputs."""
TEXT_BYTES: Final = (1 << 20) - 512
"""Of a text with its line about the cut: a tool may return it, and it is not cut again."""
AFTER_EXIT_S: Final = 1.0
"""How long the outputs are read after the end of the program, if another process holds them open."""
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """What a program wrote to its standard output or its standard error."""

    kept: bytes
    """The beginning."""
    size: int
    """Bytes in all."""
    sha256: str
    """Of all bytes, in hexadecimal."""

    def text(self) -> str:
        """The beginning as text, after a line with size and hash if there is more. Bytes that are no UTF-8 become
        U+FFFD."""
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(self.kept, final=len(self.kept) == self.size)
        kept = shortened(text, TEXT_BYTES)
        if kept == text and len(self.kept) == self.size:
            return text
        return with_cut_line(kept, self.size, self.sha256)


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended, and what it wrote."""

    exit_code: int
    """Negative for the signal that ended it."""
    stdout: ProgramOutput
    stderr: ProgramOutput
    timed_out: bool
    """True if it was killed at its time limit."""


async def run_program(
    program: str | Path,
    *arguments: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> ProgramResult:
    """Run a program to its end, without a shell, and return what it wrote. After `timeout_s` it is killed.

    It has none of the server's variables but PATH, HOME, LANG, LC_ALL, TZ and TMPDIR, and so no keys; `env` adds
    others. When this returns, or is cancelled, everything that the program has started is killed with it. Raises
    `ToolFailed` if it cannot be started.
    """
    started: list[tuple[asyncio.SubprocessTransport, _Reader]] = []

    async def start() -> None:
        started.append(await _started((program, *arguments), reads=bool(stdin), cwd=cwd, env=env or {}))

    try:
        # To its end: a start that is cancelled would kill the program, but not what that has started by then.
        await run_to_completion(start())
        [(transport, reader)] = started
        _send(transport, stdin)
        timed_out = not await _is_done(reader.exited, timeout_s)
        _kill_group(transport.get_pid())
        await _is_done(reader.closed, AFTER_EXIT_S)
    except OSError as error:
        if started:
            raise
        raise ToolFailed(f"The program {program} could not be started: {error.strerror or error}.") from error
    finally:
        for transport, reader in started:
            _kill_group(transport.get_pid())
            transport.close()
            # asyncio.wait cancels nothing: a second cancellation must not leave the process unreaped.
            await asyncio.wait([reader.closed])
    stdout, stderr = (stream.output() for stream in reader.streams)
    return ProgramResult(transport.get_returncode() or 0, stdout, stderr, timed_out)


async def _started(
    command: Sequence[str | Path], *, reads: bool, cwd: Path | None, env: Mapping[str, str]
) -> "tuple[asyncio.SubprocessTransport, _Reader]":
    """`reads`: whether it has a standard input."""
    inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return await asyncio.get_running_loop().subprocess_exec(
        _Reader,
        *map(str, command),
        stdin=asyncio.subprocess.PIPE if reads else asyncio.subprocess.DEVNULL,
        cwd=cwd,
        env={**inherited, **env},
        start_new_session=True,
    )


class _Reader(asyncio.SubprocessProtocol):
    """Takes what the program writes as it comes."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.streams = (_Stream(), _Stream())
        self.exited: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        """Done after its end, once its outputs are closed too."""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.streams[fd - 1].add(data)

    def process_exited(self) -> None:
        self.exited.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed.set_result(None)


class _Stream:
    def __init__(self) -> None:
        self._kept = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self._kept += data[: KEPT_BYTES - len(self._kept)]
        self._size += len(data)
        self._digest.update(data)

    def output(self) -> ProgramOutput:
        return ProgramOutput(bytes(self._kept), self._size, self._digest.hexdigest())


def _send(transport: asyncio.SubprocessTransport, stdin: bytes) -> None:
    pipe: Any = transport.get_pipe_transport(0)
    if pipe is not None:
        pipe.write(stdin)
        pipe.write_eof()


async def _is_done(future: "asyncio.Future[None]", within_s: float | None) -> bool:
    done, _ = await asyncio.wait([future], timeout=within_s)
    return bool(done)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
