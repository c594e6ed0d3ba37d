"""The transport to a server that is a process: its messages are lines, none of which may be endless."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from runs.agent.concurrency.tasks import cancel_and_wait, run_to_completion
from runs.engine.mcp.output_ring import OutputRing
from runs.engine.mcp.stdio_settings import StdioServer

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Of one line. A picture of 6 MB fits in."""
MOST_STRAY_LINES: Final = 200
"""Lines in a connection that are no messages. They are shown among what the server writes to its standard error."""
MESSAGES_A_SECOND: Final = 1000
"""A server that sends more is read more slowly, and waits."""
LEAVES_WITHIN_S: Final = 2.0
"""From the end of its input to the signals."""
ENDS_WITHIN_S: Final = 2.0
"""From the end of what a server reads to the end of what it writes."""
_GUARD: Final = Path(__file__).with_name("server_guard.py")
_Send = MemoryObjectSendStream[SessionMessage | Exception]


@dataclass(slots=True)
class ServerOutput:
    """What is known of a connection's server beside its messages."""

    log: OutputRing = field(default_factory=OutputRing)
    ended: str = ""
    """Why the connection ended by itself; empty while it has not."""
    on_end: Callable[[], None] = lambda: None
    """Called when it has."""


@asynccontextmanager
async def stdio_transport(server: StdioServer, output: ServerOutput) -> AsyncIterator[TransportStreams]:
    """Start the server and connect to it. At the end its input is closed, and soon all its processes are ended.

    `output` gets its standard error. Raises `OSError` if its guard cannot be started.
    """
    async with _process(server) as process:
        to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)
        reading = asyncio.create_task(_read_messages(process, to_session, output))
        tasks = [
            reading,
            asyncio.create_task(_write_messages(process, from_session, to_session, reading)),
            asyncio.create_task(_read_log(process, output.log)),
        ]
        try:
            yield from_server, to_server
        finally:
            for stream in (from_server, to_server, to_session, from_session):
                stream.close()
            await run_to_completion(_leave(process, tasks))


@asynccontextmanager
async def _process(server: StdioServer) -> AsyncIterator[asyncio.subprocess.Process]:
    # The other end stays in this process, and closes with it whatever becomes of it. No child inherits it.
    lifeline, held = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_GUARD), str(lifeline), str(server.memory_mib)),
            *(server.command, *server.args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_MESSAGE_BYTES,
            cwd=server.folder,
            env=server.environment() | {"AGENTSITE_MCP_SERVER": server.name},
            pass_fds=(lifeline,),
            start_new_session=True,
        )
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(lifeline)
    try:
        yield process
    finally:
        os.close(held)
        await run_to_completion(_ended(process))


async def _leave(process: asyncio.subprocess.Process, tasks: list[asyncio.Task[None]]) -> None:
    """Close the server's input and give it a moment to end by itself, as the protocol says."""
    assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
    await cancel_and_wait(tasks[:2])
    with contextlib.suppress(OSError):
        process.stdin.close()
    await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=LEAVES_WITHIN_S)
    await cancel_and_wait(tasks)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the guard, which ends everything once the lifeline is closed."""
    transport: Any = getattr(process, "_transport", None)
    if transport is not None and (output := transport.get_pipe_transport(1)) is not None:
        # Nobody reads it any more, and asyncio waits for the end of a full pipe for ever.
        output.close()
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.wait([waiting], timeout=10)
    if not waiting.done():
        process.kill()
        await asyncio.wait([waiting])
    # A descendant in a session of its own could hold the pipes open; nobody reads them any more.
    if transport is not None:
        transport.close()


async def _read_messages(process: asyncio.subprocess.Process, to_session: _Send, output: ServerOutput) -> None:
    """Pass messages on until the server's output ends, or is none that could be read."""
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    pace, stray = _Pace(), 0
    try:
        while stray <= MOST_STRAY_LINES:
            line = await process.stdout.readline()
            if not line:
                output.ended = await _ending(process)
                return
            await pace.take(len(line))
            message = _message(line)
            if message is None:
                stray += bool(line.strip())
                output.log.add(line[:500] + b"\n" if len(line) > 500 else line)
            else:
                await to_session.send(message)
        output.ended = f"It wrote {stray} lines to its standard output that are no messages."
    except ValueError:  # asyncio's way to say that a line is longer than its limit
        output.ended = f"It sent a message of more than {MAX_MESSAGE_BYTES:,} bytes."
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
        output.ended = output.ended or f"Its output could not be read: {error}."
    finally:
        to_session.close()
        output.on_end()


async def _ending(process: asyncio.subprocess.Process) -> str:
    """How a server ended whose output has ended."""
    done, _ = await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=1)
    code = process.returncode if done else None
    if code is None:
        return "It closed its output."
    return f"It ended by signal {code - 128}." if code > 128 else f"It ended with exit code {code}."


def _message(line: bytes) -> SessionMessage | None:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None


class _Pace:
    """Limits what is read: about `MESSAGES_A_SECOND`, of which a large one counts as several."""

    def __init__(self) -> None:
        self._left = float(MESSAGES_A_SECOND)
        self._at = asyncio.get_running_loop().time()

    async def take(self, size: int) -> None:
        """Wait until a message of `size` bytes may be handled."""
        now = asyncio.get_running_loop().time()
        self._left = min(MESSAGES_A_SECOND, self._left + (now - self._at) * MESSAGES_A_SECOND)
        self._at = now
        self._left -= 1 + size / 65_536
        if self._left < 0:
            await asyncio.sleep(-self._left / MESSAGES_A_SECOND)


async def _write_messages(
    process: asyncio.subprocess.Process,
    from_session: MemoryObjectReceiveStream[SessionMessage],
    to_session: _Send,
    reading: asyncio.Task[None],
) -> None:
    """Write what the session sends. If the server takes no more, the session is told that the connection ended."""
    assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
    try:
        async for message in from_session:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode(errors="replace") + b"\n")
            await process.stdin.drain()
    except OSError:
        # A server that has ended closes its output too, and the end of that tells how it ended.
        await asyncio.wait([reading], timeout=ENDS_WITHIN_S)
        to_session.close()


async def _read_log(process: asyncio.subprocess.Process, log: OutputRing) -> None:
    assert process.stderr is not None  # noqa: S101 - for the type checker: it is a pipe
    with contextlib.suppress(OSError):
        while data := await process.stderr.read(65_536):
            log.add(data)
