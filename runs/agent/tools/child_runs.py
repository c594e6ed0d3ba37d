"""Child runs: the runs of other agents that a call launches, and waits for.

A tool asks `current_children()`. In the engine that is the database; in other places there are none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.call_waits import CallWaits, WaitingState, WaitsFor

CALL_AGENT: Final = "call_agent"
"""The name of the tool that launches them."""
MOST_AGENTS: Final = 30
"""How many agents an agent may call."""
MAX_DEPTH: Final = 3
"""How deep a tree is: the child of a child of a child launches no runs."""
MAX_TASK_CHARS: Final = 100_000
"""Length limit of a child's task."""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An agent as the models of others are told of it."""

    name: str
    description: str = ""


class ChildAwaited(CallWaits):
    """The call waits for its child run. When that has ended, the call runs again, and finds it."""

    state: ClassVar[WaitingState] = "awaiting_child"
    waits_for: ClassVar[WaitsFor] = "child"


class ChildRuns(Protocol):
    """The child runs of one run. All methods may be called from several tool calls at once."""

    async def answer_of(self, agent: str, task: str, *, call_id: str) -> Any:
        """The answer of the call's child run. The first time it launches that run, and only once for a call.

        Raises `ChildAwaited` until it has ended, and `ToolFailed` if it has no answer or may not be launched.
        """
        ...

    async def ran(self, call_id: str) -> tuple[float, float] | None:
        """When the call's child run was launched and ended, in seconds since 1970; None if it has not."""
        ...


class NoChildren:
    """No child runs, outside of runs."""

    async def answer_of(self, agent: str, task: str, *, call_id: str) -> Any:  # noqa: ARG002
        """Raises `ToolFailed`."""
        raise ToolFailed("Other agents can be called in a run only.")

    async def ran(self, call_id: str) -> tuple[float, float] | None:  # noqa: ARG002
        """None."""
        return None


NO_CHILDREN: Final[ChildRuns] = NoChildren()
_current: ContextVar[ChildRuns] = ContextVar("current_children", default=NO_CHILDREN)


def current_children() -> ChildRuns:
    """The child runs of the run whose tool call this is."""
    return _current.get()


@contextmanager
def children_context(children: ChildRuns) -> Iterator[None]:
    """Make `current_children()` return `children` inside the block."""
    token = _current.set(children)
    try:
        yield
    finally:
        _current.reset(token)
