"""Retries of tool calls, for tools with a retry policy."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Protocol

from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.errors.agent_error import AgentError
from runs.agent.errors.codes import TIMEOUT_CODES
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.protocol import Tool, effect_of

_PASSING = TIMEOUT_CODES | {"network", "tool_unavailable"}
"""Errors worth a retry. A `ToolFailed` is not: the tool cannot do this call."""

CallOutput = tuple[Any, AgentError | None, float]
"""Output or None, error or None, and the duration in seconds with all attempts and waits."""


class OnFailedToolAttempt(Protocol):
    """A callback for a failed attempt that another one follows, called before the wait."""

    async def __call__(self, error: AgentError, *, attempt: int, max_attempts: int, wait_s: float) -> None:
        """`wait_s` is the wait before attempt `attempt + 1`."""
        ...


async def _nobody(error: AgentError, *, attempt: int, max_attempts: int, wait_s: float) -> None:
    """The default: do nothing."""


async def call_with_retries(
    tool: Tool,
    arguments: JsonMapping,
    *,
    timeout_s: float,
    time_left: Callable[[], float] = lambda: inf,
    on_failed_attempt: OnFailedToolAttempt = _nobody,
    may_wait: bool = False,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> CallOutput:
    """Call the tool with the retries of its policy, each attempt for at most `timeout_s` and the time left.

    Raises only when cancelled, and as `call_tool` if it `may_wait`. A tool without a policy is called once, and so is
    an unsafe one: the effect of its first call is unknown.
    """
    policy = retry_of(tool)
    started, attempt = time.perf_counter(), 1
    while True:
        left_s = max(0.0, time_left())
        limit = "tool_timeout_s" if timeout_s <= left_s else "max_duration_s"
        allowed_s = min(timeout_s, left_s)
        output, error, _ = await call_tool(tool, arguments, timeout_s=allowed_s, limit=limit, may_wait=may_wait)
        if error is None or error.code not in _PASSING or attempt >= policy.max_attempts:
            break
        wait_s = random.uniform(0, policy.longest_wait_s(attempt))  # noqa: S311 - jitter
        if wait_s >= time_left():
            break
        await on_failed_attempt(error, attempt=attempt, max_attempts=policy.max_attempts, wait_s=wait_s)
        await sleep(wait_s)
        attempt += 1
    return output, error, time.perf_counter() - started


_ONCE = RetryPolicy(max_attempts=1)


def retry_of(tool: Tool) -> RetryPolicy:
    """The retry policy of the tool: a single attempt for unsafe tools and without its own policy."""
    policy: RetryPolicy | None = getattr(tool, "retry", None)
    return policy if policy is not None and effect_of(tool) != "unsafe" else _ONCE
