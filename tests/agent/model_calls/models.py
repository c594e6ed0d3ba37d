"""Models and journals controlled by the test, with a clock."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from runs.agent.budget.deadline import Deadline
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.errors.model_exceptions import FailureKind, ModelFailure
from runs.agent.journal import CallChange, Entry, ReportingJournal
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.attempt import ReceivedReply
from runs.agent.model_calls.composition import ModelComposition
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.run_limits import RunLimits
from runs.agent.state import AgentState
from runs.agent.thoughts import AgentThought, ThoughtType

Behaviour = Callable[[OnDelta], Awaitable[ModelReply]]


def failure(
    kind: FailureKind = "overloaded", *, status: int | None = None, retry_after_s: float | None = None
) -> ModelFailure:
    """A failed attempt."""
    return ModelFailure("It broke.", kind=kind, provider="p", model="m", status=status, retry_after_s=retry_after_s)


class Model:
    """A model with one behaviour per request; the last one is repeated."""

    def __init__(self, *behaviours: Behaviour | ModelReply | Exception, name: str = "p", model: str = "m") -> None:
        self.name = name
        self.model = model
        self.streams = True
        self.account: str | None = None
        self.behaviours = behaviours
        self.requests: list[ModelRequest] = []
        self.left = 0
        """Number of requests that have ended, in any way."""

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
    """Never reply."""
    await asyncio.Event().wait()
    raise AssertionError


def speaks(*pieces: Delta, then: Behaviour | ModelReply) -> Behaviour:
    """Send the pieces, then continue with `then`."""

    async def reply(on_delta: OnDelta) -> ModelReply:
        for piece in pieces:
            on_delta(piece)
        return then if isinstance(then, ModelReply) else await then(on_delta)

    return reply


class Notebook(ReportingJournal):
    """A journal that keeps its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.shown: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    async def record(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.changed.set()

    async def durable(self) -> None:
        """Return at once."""

    async def start(self, change: CallChange) -> None:
        self.entries.append(Entry(calls=[change]))

    def as_stored(self, value: Any) -> Any:
        return value

    def show(self, card: str, delta: Delta) -> None:
        self.shown.append((card, delta.text))

    def thoughts(self, kind: ThoughtType) -> list[AgentThought]:
        return [each for entry in self.entries for each in entry.thoughts if each.type is kind]

    async def has(self, kind: ThoughtType, count: int = 1) -> list[AgentThought]:
        """Wait until there are `count` thoughts of a kind, and return them."""
        async with asyncio.timeout(5):
            while len(self.thoughts(kind)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.thoughts(kind)


async def until(happened: Callable[[], object]) -> None:
    """Yield to other tasks until `happened()` is true."""
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110 - a fact of the product, which sets no event for tests
            await asyncio.sleep(0)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def composition_of(providers: Sequence[Model], notebook: Notebook, **options: Any) -> ModelComposition:
    """The models of a run with their own health: nothing is shared with other tests."""
    policy = options.pop("retry", RetryPolicy(base_s=0.001))
    limits = options.pop("limits", RunLimits())
    health = options.pop("health", None) or HealthRegistry()
    deadline = Deadline(limits.max_duration_s)
    return ModelComposition(
        providers, journal=notebook, retry=policy, deadline=deadline, limits=limits, health=health, **options
    )


async def reply_of(providers: Sequence[Model], notebook: Notebook, **options: Any) -> ReceivedReply:
    """The reply of the first turn of a run with these providers."""
    model = composition_of(providers, notebook, **options).model_for(AgentState(), 1)
    await model.reply(ModelRequest(task="Hello?"))
    return model.received
