"""The attempts at one tool call, for tools that may be called again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any, Protocol

from runs.agent.errors import AgentError
from runs.agent.retry import RetryPolicy
from runs.agent.tools.one_call import call_tool
from runs.agent.tools.protocol import Tool, effect_of

_PASSING = frozenset({"tool_timeout", "timeout", "network", "tool_unavailable"})
"""What the same call may survive a moment later. A `ToolFailed` is an answer: the tool cannot do this call."""

Called = tuple[Any, AgentError | None, float]
"""Output or None, error or None, and the seconds it took with all attempts and waits."""


class OnFailedToolAttempt(Protocol):
    """Told of a failed attempt that is followed by another, before the wait starts."""

    async def __call__(self, error: AgentError, *, attempt: int, max_attempts: int, wait_s: float) -> None:
        """The wait comes now."""
        ...


async def _nobody(error: AgentError, *, attempt: int, max_attempts: int, wait_s: float) -> None:
    """Nobody wants to know."""


async def call_with_retries(
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    timeout_s: float,
    time_left: Callable[[], float] = lambda: inf,
    on_failed_attempt: OnFailedToolAttempt = _nobody,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Called:
    """Call the tool, as often as its `retry` policy says, each time for at most `timeout_s` and the time left.

    Raises only when cancelled. A tool without a policy is called once, and so is an unsafe one: nobody knows what its
    first call did.
    """
    policy = retry_of(tool)
    started, attempt = time.perf_counter(), 1
    while True:
        left_s = max(0.0, time_left())
        limit = "tool_timeout_s" if timeout_s <= left_s else "max_duration_s"
        output, error, _ = await call_tool(tool, arguments, timeout_s=min(timeout_s, left_s), limit=limit)
        if error is None or error.code not in _PASSING or attempt >= policy.max_attempts:
            break
        wait_s = random.uniform(0, min(policy.cap_s, policy.base_s * 2 ** (attempt - 1)))  # noqa: S311 - jitter
        if wait_s >= time_left():
            break
        await on_failed_attempt(error, attempt=attempt, max_attempts=policy.max_attempts, wait_s=wait_s)
        await sleep(wait_s)
        attempt += 1
    return output, error, time.perf_counter() - started


_ONCE = RetryPolicy(max_attempts=1)


def retry_of(tool: Tool) -> RetryPolicy:
    """How often a call of the tool is tried."""
    policy: RetryPolicy | None = getattr(tool, "retry", None)
    return policy if policy is not None and effect_of(tool) != "unsafe" else _ONCE
