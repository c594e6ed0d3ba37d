"""Models whose time the test holds in its hand."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from runs.agent.asking import Asking
from runs.agent.clock import RunClock
from runs.agent.errors import FailureKind, ModelFailure
from runs.agent.journal import CallChange, Entry
from runs.agent.limits import RunLimits
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.resilience.attempt import Asked
from runs.agent.resilience.shared import Shared
from runs.agent.retry import RetryPolicy
from runs.agent.state import AgentState
from runs.agent.thoughts import AgentThought, ThoughtType

Behaviour = Callable[[OnDelta], Awaitable[ModelReply]]


def failure(
    kind: FailureKind = "overloaded", *, status: int | None = None, retry_after_s: float | None = None
) -> ModelFailure:
    """A failed attempt."""
    return ModelFailure("It broke.", kind=kind, provider="p", model="m", status=status, retry_after_s=retry_after_s)


class Model:
    """Does what it is told, one behaviour a request, the last one for ever."""

    def __init__(self, *behaviours: Behaviour | ModelReply | Exception, name: str = "p", model: str = "m") -> None:
        self.name = name
        self.model = model
        self.streams = True
        self.account: str | None = None
        self.behaviours = behaviours
        self.requests: list[ModelRequest] = []
        self.left = 0
        """Requests that have ended, in whatever way."""

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        self.requests.append(request)
        does = self.behaviours[min(len(self.requests), len(self.behaviours)) - 1]
        try:
            if isinstance(does, Exception):
                raise does
            if isinstance(does, ModelReply):
                return does
            return await does(on_delta or (lambda _: None))
        finally:
            await asyncio.sleep(0)  # closing a connection takes a moment
            self.left += 1


async def hangs(_: OnDelta) -> ModelReply:
    """Says nothing, for ever."""
    await asyncio.Event().wait()
    raise AssertionError


def speaks(*pieces: Delta, then: Behaviour | ModelReply) -> Behaviour:
    """Says the pieces, and then goes on as told."""

    async def reply(on_delta: OnDelta) -> ModelReply:
        for piece in pieces:
            on_delta(piece)
        return then if isinstance(then, ModelReply) else await then(on_delta)

    return reply


class Notebook:
    """A journal that can be read."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.shown: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    async def record(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.changed.set()

    async def durable(self) -> None:
        """At once."""

    async def start(self, change: CallChange) -> None:
        self.entries.append(Entry(calls=[change]))

    def show(self, card: str, delta: Delta) -> None:
        self.shown.append((card, delta.text))

    def thoughts(self, kind: ThoughtType) -> list[AgentThought]:
        return [each for entry in self.entries for each in entry.thoughts if each.type is kind]

    async def has(self, kind: ThoughtType, count: int = 1) -> list[AgentThought]:
        """The thoughts of a kind, as soon as there are so many."""
        async with asyncio.timeout(5):
            while len(self.thoughts(kind)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.thoughts(kind)


async def until(happened: Callable[[], object]) -> None:
    """Let the other tasks go on until it has happened."""
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110 - a fact of the product, which sets no event for tests
            await asyncio.sleep(0)


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def asking_of(providers: Sequence[Model], notebook: Notebook, **options: Any) -> Asking:
    """An `Asking` of its own world: nothing is shared with other tests."""
    policy = options.pop("retry", RetryPolicy(base_s=0.001))
    limits = options.pop("limits", RunLimits())
    shared = options.pop("shared", None) or Shared()
    clock = RunClock(limits.max_duration_s)
    return Asking(providers, journal=notebook, retry=policy, clock=clock, limits=limits, shared=shared, **options)


async def reply_of(providers: Sequence[Model], notebook: Notebook, **options: Any) -> Asked:
    """What a run that asks these providers gets for its first turn."""

    def request(timeout_s: float) -> ModelRequest:
        return ModelRequest(task="Hello?", timeout_s=timeout_s)

    return await asking_of(providers, notebook, **options).reply(AgentState(), 1, request)
