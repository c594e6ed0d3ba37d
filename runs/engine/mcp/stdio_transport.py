"""The transport to a server that is a process: its messages are lines, none of which may be endless."""

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from mcp.client._transport import TransportStreams

from runs.agent.concurrency.tasks import cancel_and_wait, run_to_completion
from runs.engine.mcp.leftover_processes import CONNECTION, end_leftovers
from runs.engine.mcp.output_ring import OutputRing
from runs.engine.mcp.stdio_settings import StdioServer
from runs.engine.mcp.stdio_streams import MAX_MESSAGE_BYTES, MessagesFromServer, MessagesToServer, ServerOutput

LEAVES_WITHIN_S: Final = 2.0
"""From the end of its input to the signals."""
_GUARD: Final = Path(__file__).with_name("server_guard.py")


@asynccontextmanager
async def stdio_transport(server: StdioServer, output: ServerOutput) -> AsyncIterator[TransportStreams]:
    """Start the server and connect to it. At the end its input is closed, and soon all its processes are ended.

    `output` gets its standard error. Raises `OSError` if its guard cannot be started.
    """
    async with _process(server) as process:
        from_server = MessagesFromServer(process, output)
        log = asyncio.create_task(_read_log(process, output.log))
        try:
            yield from_server, MessagesToServer(process, from_server)
        finally:
            await run_to_completion(_leave(process, log))


@asynccontextmanager
async def _process(server: StdioServer) -> AsyncIterator[asyncio.subprocess.Process]:
    # The other end stays in this process, and closes with it whatever becomes of it. No child inherits it.
    lifeline, held = os.pipe()
    connection_id = uuid.uuid4().hex
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_GUARD), str(lifeline), str(server.memory_mib)),
            *(server.command, *server.args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_MESSAGE_BYTES,
            cwd=server.folder,
            env=server.environment() | {"AGENTSITE_MCP_SERVER": server.name, CONNECTION: connection_id},
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
        await run_to_completion(_ended(process, connection_id))


async def _leave(process: asyncio.subprocess.Process, log: asyncio.Task[None]) -> None:
    """Close the server's input and give it a moment to end by itself, as the protocol says."""
    assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
    with contextlib.suppress(OSError):
        process.stdin.close()
    await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=LEAVES_WITHIN_S)
    await cancel_and_wait([log])


async def _ended(process: asyncio.subprocess.Process, connection_id: str) -> None:
    """Wait for the keeper, which ends everything once the lifeline is closed. What it leaves when it is killed is ended
    here."""
    transport: Any = getattr(process, "_transport", None)
    if transport is not None and (output := transport.get_pipe_transport(1)) is not None:
        # Nobody reads it any more, and asyncio waits for the end of a full pipe for ever.
        output.close()
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.wait([waiting], timeout=10)
    if not waiting.done():
        process.kill()
        await asyncio.wait([waiting])
    if process.returncode != 0:
        await end_leftovers(connection_id, process.pid)
    # A descendant in a session of its own could hold the pipes open; nobody reads them any more.
    if transport is not None:
        transport.close()


async def _read_log(process: asyncio.subprocess.Process, log: OutputRing) -> None:
    assert process.stderr is not None  # noqa: S101 - for the type checker: it is a pipe
    with contextlib.suppress(OSError):
        while data := await process.stderr.read(65_536):
            log.add(data)
