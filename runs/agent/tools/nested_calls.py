"""Calls of other tools that a tool makes while it runs, such as those of a script.

The tool asks for `call_maker()`, which the run provides: each call is one of the run, with its own row, steps, effect,
approval and limits. A call that is recorded is not made again: the tool starts from its beginning after an approval or
a crash, makes the same calls in the same order, and gets the recorded outcomes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.protocol import Tool


class CallRequest(NamedTuple):
    """One call that a tool wants to make."""

    tool_name: str
    arguments: JsonObject


class CallOutcome(NamedTuple):
    """The outcome of such a call."""

    output: Any
    """The output as JSON, in the form of `stable_json`; None if it failed."""
    error: str = ""
    """What went wrong; empty for a success."""


class CallMaker(Protocol):
    """Makes the calls of one tool."""

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools that can be called."""
        ...

    @property
    def is_repeated(self) -> bool:
        """True if calls of an earlier start of the tool are recorded."""
        ...

    def restart(self) -> None:
        """Begin with the first call again: the tool has lost what it did so far."""
        ...

    async def make(self, requests: Sequence[CallRequest]) -> list[CallOutcome]:
        """Make the calls in parallel. Returns the outcomes in the order of the requests.

        Raises `ToolFailed` if no call can be made any more, or not now: the tool ends, and passes it on.
        """
        ...


_maker: ContextVar[CallMaker | None] = ContextVar("call_maker", default=None)


def call_maker() -> CallMaker | None:
    """What makes the calls of the tool that runs; None outside a run."""
    return _maker.get()


@contextmanager
def calls_made_by(maker: CallMaker) -> Iterator[None]:
    """Make `call_maker()` return `maker` inside the block."""
    token = _maker.set(maker)
    try:
        yield
    finally:
        _maker.reset(token)
