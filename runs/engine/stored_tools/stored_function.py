"""A stored tool as the registry has it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.protocol import Effect
from runs.agent.tools.registry import stored_tools

RETRY: Final = RetryPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRecord:
    """What is known of a stored tool, for its calls."""

    source_id: int
    source: str
    """The name of its source."""
    kind: str
    """That of its source: a value of `ToolSource.Kind`."""
    options: JsonObject
    """Those of its source."""
    name: str
    remote_name: str
    description: str
    schema: JsonObject
    request: JsonObject
    """How the request of an operation is made; empty for MCP."""
    hash: str
    effect: Effect
    is_on: bool
    """True if staff turned it on, whether it can be called now or not."""
    refusal: str
    """Why it is not called now, for models; empty if it is."""


Caller = Callable[[ToolRecord, JsonObject], Awaitable[Any]]
"""Makes a call with validated arguments. Returns what `Tool.execute` returns, and raises what it raises."""
_callers: dict[str, Caller] = {}


def set_caller(kind: str, caller: Caller) -> None:
    """Have the tools of the sources of this kind called by `caller`, in this process."""
    _callers[kind] = caller


class StoredFunctionTool(FunctionTool):
    """A stored tool. A run keeps it as it was when its claim began: a call fails if it is another one by now."""

    def __init__(self, record: ToolRecord, refresh: Callable[[], Awaitable[None]]) -> None:
        """`refresh` brings the registry up to date before a call."""

        async def call(**arguments: Any) -> Any:
            await refresh()
            self._check()
            caller = _callers.get(record.kind)
            if caller is None:
                raise ToolUnavailable(f"{record.name} cannot be called in this process.")
            return await caller(self._as_reached_now(), arguments)

        super().__init__(
            call,
            name=record.name,
            description=record.description or record.name,
            parameters=record.schema,
            effect=record.effect,
            retry=None if record.effect == "unsafe" else RETRY,
            is_offered=lambda: not self._refusal(),
            is_checked=True,
        )
        self.record = record

    @property
    def source(self) -> str:
        """The name of its source."""
        return self.record.source

    def _refusal(self) -> str:
        now = stored_tools().get(self.name)
        if not isinstance(now, StoredFunctionTool):
            return f"{self.name} was removed from this site."
        if now.record.refusal:
            return now.record.refusal
        if now.record.hash != self.record.hash:
            return f"{self.name} has been replaced by another version since this run went on. Do without it."
        return ""

    def _as_reached_now(self) -> ToolRecord:
        """The record with the options that its source has now: how people sign in may have been changed."""
        now = stored_tools().get(self.name)
        if isinstance(now, StoredFunctionTool) and now.record.options != self.record.options:
            return replace(self.record, options=now.record.options)
        return self.record

    def _check(self) -> None:
        """Raise `ToolFailed` if it may not be called now."""
        if refusal := self._refusal():
            raise ToolFailed(refusal)
