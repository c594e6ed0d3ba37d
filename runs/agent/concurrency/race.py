"""Several attempts at one result: the first success wins, failures before it are ignored."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal, TypeVar

from runs.agent.concurrency.tasks import cancel_and_wait

T = TypeVar("T")

Strategy = Literal["fallback", "hedge", "race"]
CoroutineOrFactory = Coroutine[Any, Any, T] | Callable[[], Awaitable[T]]

HEDGE_AFTER_S = 8.0
"""How long a hedge waits for an attempt before it starts the next one in parallel."""


class AllFailed(ExceptionGroup[Exception]):
    """No attempt succeeded. `exceptions` holds the cause of each, in the order of the attempts."""

    def derive(self, excs: Sequence[Exception]) -> "AllFailed":  # type: ignore[override]
        """An `AllFailed` with a part of the causes, needed by `except*`."""
        return AllFailed(self.message, excs)


async def first_success(
    *attempts: CoroutineOrFactory[T],
    strategy: Strategy = "race",
    hedge_after_s: float = HEDGE_AFTER_S,
    before_cancel: Callable[[], None] | None = None,
) -> tuple[T, int]:
    """The result of the first attempt that succeeds, and its index. An attempt is a coroutine or a function that makes
    one.

    `race` starts all at once; `fallback` starts the next when one has failed; `hedge` also when there was no result
    for `hedge_after_s`. The losers are cancelled and awaited before this returns, also when it is cancelled itself.
    `before_cancel` is called before that: an attempt may respond to its cancellation with an error of its own.
    Raises `AllFailed` if none succeeds, `ValueError` if there are none.
    """
    if not attempts:
        raise ValueError("first_success needs at least one attempt.")
    if strategy not in ("fallback", "hedge", "race"):
        _close_unstarted(attempts)
        raise ValueError(f"The strategy is one of fallback, hedge, race, not {strategy!r}.")
    race = _Race(attempts)
    try:
        return await race.run(
            at_start=len(attempts) if strategy == "race" else 1,
            hedge_after_s=hedge_after_s if strategy == "hedge" else None,
        )
    finally:
        if before_cancel is not None:
            before_cancel()
        await race.end()


call_first_to_respond = first_success


class _Race:
    def __init__(self, attempts: Sequence[CoroutineOrFactory[T]]) -> None:
        self.attempts = attempts
        self.tasks: list[asyncio.Task[Any]] = []

    def start_next(self) -> None:
        if len(self.tasks) < len(self.attempts):
            self.tasks.append(asyncio.create_task(_begin(self.attempts[len(self.tasks)])))

    async def run(self, *, at_start: int, hedge_after_s: float | None) -> tuple[Any, int]:
        for _ in range(at_start):
            self.start_next()
        while pending := [task for task in self.tasks if not task.done()]:
            done, _ = await asyncio.wait(pending, timeout=hedge_after_s, return_when=asyncio.FIRST_COMPLETED)
            # By index: of two that succeed at the same moment the preferred one wins.
            for index, task in enumerate(self.tasks):
                if task in done and not task.cancelled() and task.exception() is None:
                    return task.result(), index
            for _ in range(len(done) or 1):  # each failure starts one; so does a hedge timeout
                self.start_next()
            if len(self.tasks) == len(self.attempts):
                hedge_after_s = None
        raise AllFailed("All attempts failed", [_cause(task) for task in self.tasks])

    async def end(self) -> None:
        """Cancel the running attempts and wait for their end, even if this is cancelled meanwhile."""
        try:
            await cancel_and_wait(self.tasks)
        finally:
            _close_unstarted(self.attempts)


async def _begin(attempt: CoroutineOrFactory[T]) -> T:
    return await (attempt() if callable(attempt) else attempt)


def _cause(task: asyncio.Task[Any]) -> Exception:
    """The exception of a failed attempt. An attempt that raises CancelledError by itself has failed too."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Exception):
        return error
    return RuntimeError("The attempt cancelled itself.")


def _close_unstarted(attempts: Sequence[CoroutineOrFactory[Any]]) -> None:
    for attempt in attempts:
        if inspect.iscoroutine(attempt):
            attempt.close()  # else Python warns that it was never awaited
