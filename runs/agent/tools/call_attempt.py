"""One attempt at one tool call, which always ends with a result."""

import asyncio
import logging
import time
from typing import Any

from runs.agent.errors import call_sentences as sentences
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exception_text import for_log, name_of
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.tools.call_limits import place_for
from runs.agent.tools.call_waits import CallWaits
from runs.agent.tools.protocol import Tool, effect_of
from runs.agent.tools.registry import execute_tool_safely

logger = logging.getLogger(__name__)


async def call_tool(
    tool: Tool, arguments: JsonMapping, *, timeout_s: float, limit: str = "tool_timeout_s", may_wait: bool = False
) -> tuple[Any, AgentError | None, float]:
    """Call one tool. Returns the output as JSON or None, the error or None, and the seconds. Raises only when
    cancelled, and `CallWaits` if the call waits for something outside and `may_wait`; else that is an error.

    After `timeout_s` the call is cancelled with the error `tool_timeout`, or `outcome_unknown` for an unsafe tool;
    `limit` is the name of the limit, for the message. A call that the tool's `call_limits` do not let begin in time
    has the error `tool_unavailable`, and was not made.
    """
    task = asyncio.current_task()
    cancels_before = task.cancelling() if task else 0
    output, error = None, None
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s) as deadline, place_for(tool, timeout_s):
            output = await execute_tool_safely(tool, arguments)
    except asyncio.CancelledError as raised:
        if task is None or task.cancelling() > cancels_before:
            raise
        # This task was not cancelled: the CancelledError comes from a task that the tool itself cancelled.
        error = _failed(tool, raised)
    except GeneratorExit:
        raise  # this coroutine is being closed
    except CallWaits:
        if may_wait:
            raise
        error = _failed(tool, ToolFailed(sentences.CANNOT_WAIT.made(tool=tool.name)))
    # SystemExit and the like would end the event loop, and with it every other run of this process.
    except BaseException as raised:  # noqa: BLE001 - a tool's bug is a result
        timed_out = isinstance(raised, TimeoutError) and deadline.expired()
        error = _timed_out(tool, timeout_s, limit) if timed_out else _failed(tool, raised)
    return output, error, time.perf_counter() - started


def _failed(tool: Tool, raised: BaseException) -> AgentError:
    if isinstance(raised, ToolFailed):
        return handle_agent_error(raised, {"tool": tool.name})
    logger.error("Tool %r raised %s.", tool.name, name_of(raised), exc_info=for_log(raised))
    if isinstance(raised, Exception):
        return handle_agent_error(raised, {"tool": tool.name})
    return handle_agent_error(ToolFailed(sentences.TOOL_ENDED_ITSELF.made(error=name_of(raised))), {"tool": tool.name})


def _timed_out(tool: Tool, timeout_s: float, limit: str) -> AgentError:
    context = {"tool": tool.name, "timeout_s": timeout_s, "limit": limit}
    values = {"tool": tool.name, "seconds": f"{timeout_s:.3g}", "limit": limit}
    if effect_of(tool) != "unsafe":
        message, action = sentences.TOOL_TIMED_OUT.made(**values), sentences.MODEL_TRIES_AGAIN.made()
        return AgentError(message, ErrorSeverity.WARNING, context, True, action, code="tool_timeout")
    message, action = sentences.TOOL_TIMED_OUT_UNKNOWN.made(**values), sentences.CHECK_OUTCOME.made()
    return AgentError(message, ErrorSeverity.ERROR, context, False, action, code="outcome_unknown")
