"""The messages of a server that is a process, as the streams of a session: read and written in the tasks that need
them, with no queue and no task of their own between."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

from runs.engine.mcp.message_pace import MessagePace
from runs.engine.mcp.output_ring import OutputRing

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Of one line. A picture of 6 MB fits in."""
MOST_STRAY_LINES: Final = 200
"""Lines in a connection that are no messages. They are shown among what the server writes to its standard error."""
ROUNDS_OF_AN_ANSWER: Final = 5
"""Of the event loop: from the answer to the end of its call."""
ENDS_WITHIN_S: Final = 2.0
"""From the end of what a server reads to the end of what it writes."""


@dataclass(slots=True)
class ServerOutput:
    """What is known of a connection's server beside its messages."""

    log: OutputRing = field(default_factory=OutputRing)
    ended: str = ""
    """Why the connection ended by itself; empty while it has not."""
    on_end: Callable[[], None] = lambda: None
    """Called when it has."""


class _ClosedByItsSession:
    """A stream that its session enters, leaves and closes."""

    is_closed = False

    async def aclose(self) -> None:
        """Close it."""
        self.is_closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class MessagesFromServer(_ClosedByItsSession):
    """What the server writes, until its output ends, or is none that could be read. One task reads it."""

    def __init__(self, process: asyncio.subprocess.Process, output: ServerOutput) -> None:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        self._process, self._stdout, self._output = process, process.stdout, output
        self._pace, self._stray = MessagePace(), 0
        self.has_ended = asyncio.Event()

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises `anyio.EndOfStream` at the end."""
        while not self.is_closed and not self.has_ended.is_set():
            try:
                line = await self._stdout.readline()
            except ValueError:  # asyncio's way to say that a line is longer than its limit
                self._end(f"It sent a message of more than {MAX_MESSAGE_BYTES:,} bytes.")
                break
            except OSError as error:
                self._end(f"Its output could not be read: {error}.")
                break
            if not line:
                self._end(await _ending(self._process))
                break
            await self._pace.take(len(line))
            message = _message(line)
            if message is None:
                self._note(line)
                continue
            if not isinstance(message.message, types.JSONRPCResponse | types.JSONRPCError):
                await _let_answers_be_taken()
            return message
        raise anyio.EndOfStream

    def _note(self, line: bytes) -> None:
        """A line that is no message."""
        self._output.log.add(line[:500] + b"\n" if len(line) > 500 else line)
        self._stray += bool(line.strip())
        if self._stray > MOST_STRAY_LINES:
            self._end(f"It wrote {self._stray} lines to its standard output that are no messages.")

    def give_up(self) -> None:
        """End it: the server reads no more, and its output goes on."""
        self._end("It closed its input.")
        self._stdout.set_exception(BrokenPipeError("closed input"))  # wakes the task that reads

    def _end(self, told: str) -> None:
        if not self.has_ended.is_set():
            self.has_ended.set()
            self._output.ended = self._output.ended or told
            self._output.on_end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None


class MessagesToServer(_ClosedByItsSession):
    """What the session sends."""

    def __init__(self, process: asyncio.subprocess.Process, from_server: MessagesFromServer) -> None:
        assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        self._stdin, self._from_server = process.stdin, from_server

    async def send(self, message: SessionMessage, /) -> None:
        """Write the message, as soon as the server has taken most of what was written before. Raises
        `anyio.BrokenResourceError` if it takes no more; the session is then told that the connection ended."""
        if self.is_closed:
            raise anyio.ClosedResourceError
        text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            await self._stdin.drain()
            self._stdin.write(text.encode(errors="replace") + b"\n")
            await self._stdin.drain()
        except OSError as error:
            # A server that has ended closes its output too, and the end of that tells how it ended.
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDS_WITHIN_S):
                    await self._from_server.has_ended.wait()
            self._from_server.give_up()
            raise anyio.BrokenResourceError from error


async def _let_answers_be_taken() -> None:
    """Let the calls end whose answers were read before, so that a question that follows is not taken for one of them.
    Lines that are there already are read without a pause: one request after the other would hold up the loop."""
    for _ in range(ROUNDS_OF_AN_ANSWER):
        await asyncio.sleep(0)


async def _ending(process: asyncio.subprocess.Process) -> str:
    """How a server ended whose output has ended."""
    done, _ = await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=1)
    code = process.returncode if done else None
    if code is None:
        return "It closed its output."
    number = -code if code < 0 else code - 128
    return f"It ended by signal {number}." if number > 0 else f"It ended with exit code {code}."


def _message(line: bytes) -> SessionMessage | None:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None
