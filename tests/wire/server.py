"""The server: an asyncio loop in a thread of its own, for tests of any kind and for other processes."""

import asyncio
import contextlib
import dataclasses
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self

from tests.wire import connection
from tests.wire.dialects import OPEN, Dialect
from tests.wire.formats import format_of
from tests.wire.http import Request
from tests.wire.model_lists import Listed, listed_in
from tests.wire.outcomes import Answer, Cut, Hang, Outcome, Reset, Status, StreamError
from tests.wire.rules import Rules

ANSWER = Answer("I am the wire server.")


class WireServer:
    """Answers requests of all formats with the scripted outcomes in turn, and with `otherwise` after them.

    A request that its provider would refuse today is refused likewise, and consumes no scripted outcome.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        otherwise: Outcome | Callable[[Request], Outcome] = ANSWER,
        models: Sequence[Listed] = (Listed("m1"),),
        dialect: Dialect = OPEN,
        strict: bool = False,
    ) -> None:
        """`dialect`: features a self-hosted server lacks. `strict`: refuse fields that the format does not have."""
        self.port = port
        self.otherwise = otherwise
        self.models = list(models)
        """The entries of its model lists; requests for unlisted models are answered too."""
        self.requests: list[Request] = []
        """Every request for a reply so far, in the order of arrival, including refused ones."""
        self.lookups: list[Request] = []
        """Every request for a model list."""
        self.rules = Rules(dataclasses.replace(dialect, unknown_fields=dialect.unknown_fields and not strict))
        self.connections = 0
        """Connections accepted so far."""
        self._scripted: deque[Outcome] = deque()
        self._changed = threading.Condition()
        self._left = 0
        self._loop = asyncio.new_event_loop()
        self.released = asyncio.Event()
        self.breaks_off = False
        self.has_failed = False
        """True once a reply was anything but whole, or a request was refused."""
        self._thread = threading.Thread(target=self._serve, name="wire server", daemon=True)
        self._ready = threading.Event()

    @property
    def refusals(self) -> list[Status]:
        """The refusals so far by the providers' rules."""
        return self.rules.refusals

    @property
    def stored(self) -> list[Request]:
        """The requests whose replies a provider would store: those that do not turn it off."""
        return self.rules.stored

    @property
    def base_url(self) -> str:
        """The base URL for clients of the formats of OpenAI and Anthropic."""
        return f"{self.url}/v1"

    @property
    def url(self) -> str:
        """The base URL for clients of Google's format."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *outcomes: Outcome) -> None:
        """Use these outcomes for the next requests, in this order."""
        self._scripted.extend(outcomes)

    def forget(self) -> None:
        """Forget every request, every client that left, and the unused scripted outcomes.

        Replies stay known: clients may still send them back.
        """
        with self._changed:
            self.requests.clear()
            self.lookups.clear()
            self.refusals.clear()
            self.stored.clear()
            self._scripted.clear()
            self._left = 0

    def renew(self) -> None:
        """Be as new, to clients that have only seen whole replies: forget, hang again, and answer with `ANSWER`."""
        self.forget()
        self._loop.call_soon_threadsafe(self.released.clear)
        self.otherwise = ANSWER

    def release(self) -> None:
        """Let everything that hangs continue."""
        self._loop.call_soon_threadsafe(self.released.set)

    def break_off(self) -> None:
        """Reset the connections of everything that hangs."""
        self.breaks_off = self.has_failed = True
        self.release()

    def wait_for_requests(self, count: int, *, timeout_s: float = 10) -> None:
        """Return once `count` requests have come. Raises `TimeoutError`."""
        self._wait(lambda: len(self.requests) >= count, f"{count} requests", timeout_s)

    def wait_for_client_to_leave(self, *, times: int = 1, timeout_s: float = 10) -> None:
        """Return once clients have closed `times` connections on which a reply hung. Raises `TimeoutError`."""
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
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        task = asyncio.current_task()
        assert task is not None
        self._main = task
        self._ready.set()
        try:
            await asyncio.Event().wait()
        finally:  # asyncio.Runner cancels the connections afterwards
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await connection.serve(self, reader, writer)

    def outcome_of(self, request: Request) -> Outcome | Any:
        """Record the request. Returns what to do with it; the JSON of a model list is sent as it is."""
        if format_of(request.path) is None or request.method != "POST":
            self.lookups.append(request)
            missing = Status(404, message=f"No {request.method} {request.path} here.", error_type="not_found")
            return listed_in(self.models, request) or missing
        outcome = self.rules.refusal(request) or self._planned(request)
        self.has_failed |= not isinstance(outcome, Answer | Hang)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        return outcome

    def _planned(self, request: Request) -> Outcome:
        if self._scripted:
            outcome = self._scripted.popleft()
        else:
            outcome = self.otherwise(request) if callable(self.otherwise) else self.otherwise
        match outcome:
            case Answer():
                return self.rules.finished(outcome, request)
            case Reset() | Cut() | StreamError() | Hang():
                return dataclasses.replace(outcome, answer=self.rules.finished(outcome.answer, request))
            case _:
                return outcome

    def client_left(self) -> None:
        """Record that a client has closed a connection on which a reply hung."""
        with self._changed:
            self._left += 1
            self._changed.notify_all()
