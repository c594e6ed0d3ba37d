"""Something that happens exactly at the n-th await of a run: a cancellation, or the end of its time limits.

    strikes = Strikes(lambda coro: coro.__qualname__ == "run_agent")
    strikes.watch(asyncio.get_running_loop())
    strikes.prepare(at=[7], do=lambda root, which: root.cancel())

The task that `is_root` selects, and every task created inside it, is counted at each point where it is about to wait.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Generator
from typing import Any

Strike = Callable[["asyncio.Task[Any]", int], object]
"""Called with the root task and the number of the strike, from 1."""


class Strikes:
    """Counts the waits of one run after another and strikes at the prepared ones; 0 is before the first step."""

    def __init__(self, is_root: Callable[[Any], bool]) -> None:
        self.is_root = is_root
        self.waits = 0
        self.struck = 0
        self.root: asyncio.Task[Any] | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        """Every task of the run, including ended ones."""
        self.unhandled: list[dict[str, Any]] = []
        """Errors on the loop that nobody awaited."""
        self._at: Collection[int] = ()
        self._do: Strike = _nothing

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Create the loop's tasks from now on, and collect its unhandled errors."""
        loop.set_exception_handler(lambda _, context: self.unhandled.append(context))
        loop.set_task_factory(self.make_task)

    def prepare(self, at: Collection[int] = (), do: Strike | None = None) -> None:
        """Forget the last run; call `do` at these waits of the next one."""
        self.waits = self.struck = 0
        self.root = None
        self.tasks = set()
        self._at, self._do = at, do or _nothing

    def make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        """The loop's task factory."""
        is_root = self.root is None and self.is_root(coro)
        if not is_root and _current_task() not in self.tasks:
            return asyncio.Task(coro, loop=loop, **options)
        task: asyncio.Task[Any] = asyncio.Task(_Counted(coro, self), loop=loop, **options)
        self.tasks.add(task)
        if is_root:
            self.root = task
            self._strike_if_due()
        return task

    def waiting(self) -> None:
        """Count a wait: a task of the run is about to wait."""
        self.waits += 1
        self._strike_if_due()

    def _strike_if_due(self) -> None:
        if self.waits in self._at and self.root is not None and not self.root.done():
            self.struck += 1
            self._do(self.root, self.struck)


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that reports to `strikes` before each wait."""

    def __init__(self, coro: Coroutine[Any, Any, Any], strikes: Strikes) -> None:
        self._coro = coro
        self._strikes = strikes
        self.__qualname__ = self.__name__ = getattr(coro, "__qualname__", "counted")

    def send(self, value: Any) -> Any:
        awaited = self._coro.send(value)
        self._strikes.waiting()
        return awaited

    def throw(self, *error: Any) -> Any:
        awaited = self._coro.throw(*error)
        self._strikes.waiting()
        return awaited

    def close(self) -> None:
        self._coro.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise TypeError("Only a task awaits this.")


def _nothing(_root: "asyncio.Task[Any]", _which: int) -> None:
    pass


def _current_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # created outside the loop's callbacks
        return None
