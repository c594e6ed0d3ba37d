"""The server: an asyncio loop in a thread of its own, so that tests of any kind and other processes can use it."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from tests.wire.formats import format_of
from tests.wire.http import (
    Request,
    end_stream,
    read_request,
    reset,
    send_answer,
    send_frame,
    send_raw,
    send_status,
    send_stream,
    start_stream,
)
from tests.wire.outcomes import Answer, Cut, Drop, Endless, Hang, Outcome, Raw, Reset, Status, StreamError

ANSWER = Answer("I am the wire server.")


class WireServer:
    """Answers requests of all formats with the scripted outcomes in turn, and with `otherwise` after them."""

    def __init__(self, *, port: int = 0, otherwise: Outcome | Callable[[Request], Outcome] = ANSWER) -> None:
        self.port = port
        self.otherwise = otherwise
        self.requests: list[Request] = []
        """Every request so far, in the order of arrival."""
        self.connections = 0
        """Connections accepted so far."""
        self._scripted: deque[Outcome] = deque()
        self._changed = threading.Condition()
        self._left = 0
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._breaks_off = False
        self._thread = threading.Thread(target=self._serve, name="wire server", daemon=True)
        self._ready = threading.Event()

    @property
    def base_url(self) -> str:
        """What a client of the chat format or of Anthropic's is told."""
        return f"{self.url}/v1"

    @property
    def url(self) -> str:
        """What a client of Google's format is told."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *outcomes: Outcome) -> None:
        """Do this with the next requests, in this order."""
        self._scripted.extend(outcomes)

    def forget(self) -> None:
        """Forget every request, every client that left, and what was scripted and never asked for."""
        with self._changed:
            self.requests.clear()
            self._scripted.clear()
            self._left = 0

    def release(self) -> None:
        """Let everything that hangs go on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def break_off(self) -> None:
        """Reset the connections of everything that hangs."""
        self._breaks_off = True
        self.release()

    def wait_for_requests(self, count: int, *, timeout_s: float = 10) -> None:
        """Return once `count` requests have come. Raises `TimeoutError`."""
        self._wait(lambda: len(self.requests) >= count, f"{count} requests", timeout_s)

    def wait_for_client_to_leave(self, *, times: int = 1, timeout_s: float = 10) -> None:
        """Return once clients have closed `times` connections on which something hung. Raises `TimeoutError`."""
        self._wait(lambda: self._left >= times, f"{times} clients to leave", timeout_s)

    def _wait(self, happened: Callable[[], bool], what: str, timeout_s: float) -> None:
        with self._changed:
            if not self._changed.wait_for(happened, timeout_s):
                raise TimeoutError(f"Waited {timeout_s:g} s for {what}.")

    def start(self) -> Self:
        """Listen; `port` and `base_url` are known afterwards."""
        self._thread.start()
        self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        task = asyncio.current_task()
        assert task is not None
        self._main = task
        self._ready.set()
        try:
            await asyncio.Event().wait()
        finally:  # asyncio.Runner cancels the connections afterwards
            server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answer(await read_request(reader), reader, writer):
                pass
        writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; True if the connection may be used again."""
        outcome = self._next_outcome(request)
        self._record(request)
        match outcome:
            case Answer():
                await send_answer(outcome, request, writer)
            case Status():
                send_status(outcome, request, writer)
            case Raw():
                send_raw(outcome, writer)
            case Drop():
                return False
            case Reset():
                await send_stream(outcome.answer, request, writer, limit=outcome.after_chunks)
                reset(writer)
                return False
            case Cut():
                await send_stream(outcome.answer, request, writer, limit=outcome.after_chunks)
                end_stream(writer)
            case StreamError():
                await send_stream(outcome.answer, request, writer, limit=outcome.after_chunks)
                send_frame(request.format.error_frame(Status(outcome.status)), writer)
                end_stream(writer)
            case Endless():
                return await self._go_on_for_ever(outcome, request, reader, writer)
            case Hang():
                return await self._hang(outcome, request, reader, writer)
        await writer.drain()
        return not isinstance(outcome, Raw)

    def _record(self, request: Request) -> None:
        if request.method == "GET":
            return  # a site asks for the list of models on its own: that is no model call
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def _next_outcome(self, request: Request) -> Outcome:
        if format_of(request.path) is None or request.method != "POST":
            return Status(404, message=f"No {request.method} {request.path} here.", error_type="not_found")
        if self._scripted:
            return self._scripted.popleft()
        return self.otherwise(request) if callable(self.otherwise) else self.otherwise

    async def _hang(
        self, hang: Hang, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        try:
            if hang.after_chunks is not None:
                await send_stream(hang.answer, request, writer, limit=hang.after_chunks)
            if not await self._released_before_the_client_leaves(reader):
                raise ConnectionResetError
        except ConnectionError:
            self._client_left()
            return False
        if self._breaks_off:
            reset(writer)
            return False
        if hang.after_chunks is None:
            await send_answer(hang.answer, request, writer)
        else:
            await send_stream(hang.answer, request, writer, skip=hang.after_chunks)
        return True

    async def _go_on_for_ever(
        self, endless: Endless, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        frames = list(request.format.frames(Answer("again ", word_chars=6)))
        # The frame with the text is the longest of those that come before the last.
        text = max(frames[:-1] or frames, key=lambda frame: "again" in str(frame))
        start_stream(writer)
        for frame in frames[: frames.index(text)]:
            send_frame(frame, writer)
        try:
            while not reader.at_eof():
                send_frame(_unfinished(text), writer)
                await writer.drain()
                await asyncio.sleep(endless.pause_s)
        except ConnectionError:
            pass
        self._client_left()
        return False

    def _client_left(self) -> None:
        with self._changed:
            self._left += 1
            self._changed.notify_all()

    async def _released_before_the_client_leaves(self, reader: asyncio.StreamReader) -> bool:
        leaves = asyncio.ensure_future(reader.read(1))
        released = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({leaves, released}, return_when=asyncio.FIRST_COMPLETED)
            if leaves.done():
                leaves.exception()  # seen: a reset is a way to leave
                return False
            return True
        finally:
            leaves.cancel()
            released.cancel()


def _unfinished(frame: tuple[str | None, Any]) -> tuple[str | None, Any]:
    """The frame without the reason why it would be the last one."""
    name, data = frame
    candidates = [{key: each[key] for key in each if key != "finishReason"} for each in data.get("candidates", ())]
    return name, {**data, "candidates": candidates} if candidates else data
