"""Tool calls that run together, each ending in a result."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from runs.agent.classify import handle_agent_error
from runs.agent.errors import AgentError, ToolFailed
from runs.agent.limits import RunLimits
from runs.agent.resilience.tool_ladder import call_with_retries
from runs.agent.tools.toolbox import Toolbox

_DEFAULT = RunLimits()


class ParallelResult(TypedDict):
    """How one of several calls ended."""

    tool: str
    result: Any
    """The output as JSON; None if it failed."""
    error: AgentError | None
    duration_s: float


async def execute_tools_parallel(
    tool_calls: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    toolbox: Toolbox | None = None,
    max_parallel: int = _DEFAULT.max_parallel_calls,
    timeout_s: float = _DEFAULT.tool_timeout_s,
) -> list[ParallelResult]:
    """Call the tools at the same time, at most `max_parallel` at once. The results in the order of the calls.

    A call that fails, hangs or asks for an unknown tool is a result with an error and costs the others nothing.
    A tool's own `timeout_s` goes before ours. Cancelling this cancels every call still running.
    Raises `ValueError` if nothing could ever run.
    """
    if max_parallel < 1:
        raise ValueError(f"max_parallel must be at least 1, not {max_parallel!r}.")
    toolbox = Toolbox() if toolbox is None else toolbox
    places = asyncio.Semaphore(max_parallel)

    async def one(name: str, arguments: Mapping[str, Any]) -> ParallelResult:
        async with places:
            output, error, duration_s = await _call_by_name(toolbox, name, arguments, timeout_s)
        return {"tool": name, "result": output, "error": error, "duration_s": duration_s}

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(name, arguments)) for name, arguments in tool_calls]
    return [task.result() for task in tasks]


async def _call_by_name(
    toolbox: Toolbox, name: str, arguments: Mapping[str, Any], timeout_s: float
) -> tuple[Any, AgentError | None, float]:
    try:
        tool = toolbox.get(name)
    except ToolFailed as failure:
        return None, handle_agent_error(failure, {"tool": name}), 0.0
    wanted_s: float = getattr(tool, "timeout_s", None) or timeout_s
    return await call_with_retries(tool, arguments, timeout_s=wanted_s)
