"""Parallel execution of tool calls for scripts, each with a result. Runs execute theirs in `runner.py`."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypedDict

from runs.agent.errors.agent_error import AgentError
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.run_limits import RunLimits
from runs.agent.tool_calls.retries import call_with_retries
from runs.agent.tools.toolbox import Toolbox

_DEFAULT = RunLimits()


class ParallelResult(TypedDict):
    """The result of one call."""

    tool: str
    result: Any
    """The output as JSON; None if it failed."""
    error: AgentError | None
    duration_s: float


async def execute_tools_parallel(
    tool_calls: Iterable[tuple[str, JsonMapping]],
    *,
    toolbox: Toolbox | None = None,
    max_parallel: int = _DEFAULT.max_parallel_calls,
    timeout_s: float = _DEFAULT.tool_timeout_s,
) -> list[ParallelResult]:
    """Call the tools in parallel, at most `max_parallel` at once. Returns the results in the order of the calls.

    A call that fails, times out or names an unknown tool gives a result with an error; the others are not affected.
    A tool's own `timeout_s` takes precedence. Cancelling this cancels every call still running.
    Raises `ValueError` if `max_parallel` is below 1.
    """
    if max_parallel < 1:
        raise ValueError(f"max_parallel must be at least 1, not {max_parallel!r}.")
    toolbox = Toolbox() if toolbox is None else toolbox
    places = asyncio.Semaphore(max_parallel)

    async def one(name: str, arguments: JsonMapping) -> ParallelResult:
        async with places:
            output, error, duration_s = await _call_by_name(toolbox, name, arguments, timeout_s)
        return {"tool": name, "result": output, "error": error, "duration_s": duration_s}

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(name, arguments)) for name, arguments in tool_calls]
    return [task.result() for task in tasks]


async def _call_by_name(
    toolbox: Toolbox, name: str, arguments: JsonMapping, timeout_s: float
) -> tuple[Any, AgentError | None, float]:
    try:
        tool = toolbox.get(name)
    except ToolFailed as failure:
        return None, handle_agent_error(failure, {"tool": name}), 0.0
    wanted_s: float = getattr(tool, "timeout_s", None) or timeout_s
    return await call_with_retries(tool, arguments, timeout_s=wanted_s)
