"""The connection test of a model: one turn with a tool, with its latency and cost."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from typing import Final, Literal

from runs.agent.budget.pricing import cost_of
from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.agent_error import AgentError
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exceptions import UnknownTool
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.tools.builtin.calculator import calculator
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.toolbox import Toolbox
from runs.agent.usage import Usage

TASK: Final = "What is 17 * 23? Use the calculator, then reply with the number alone."
TASK_WITHOUT_TOOLS: Final = "What is 17 * 23? Reply with the number alone."
TIMEOUT_S = 60.0
"""Time limit of the whole turn: the default limit of a run for the first token, and bearable for a person who waits."""
TOOL_TIMEOUT_S: Final = 5.0


ToolUse = Literal["called", "not called", "not offered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The result of a test."""

    total_s: float
    first_token_s: float | None = None
    """Time from the first request to the first sign of a reply; None without one."""
    usage: Usage = field(default_factory=Usage)
    """The sum over its replies."""
    cost_usd: Decimal | None = None
    """None: unknown."""
    tool_use: ToolUse = "not called"
    """`not offered`: the model does not support tools, so runs do not offer them either."""
    error: AgentError | None = None
    """The reason for a missing answer."""


async def probe(model: ModelProvider, *, timeout_s: float | None = None) -> Probe:
    """Send a request as a run would, with one harmless tool, and a second one with the result if the model calls it.

    A failed request is repeated only without a part that the server has refused. The test takes at most `timeout_s`
    (None: `TIMEOUT_S`). A failure is a result: only cancellations and bugs are raised.
    """
    return await _Probing(model, TIMEOUT_S if timeout_s is None else timeout_s).probe()


class _Probing:
    """A test in progress."""

    def __init__(self, model: ModelProvider, timeout_s: float) -> None:
        self.model = model
        self.timeout_s = timeout_s
        capabilities: Capabilities = getattr(model, "capabilities", UNKNOWN)
        self.toolbox = Toolbox([] if capabilities.tools is False else [calculator])
        self.replies: list[ModelReply] = []
        self.started_at = time.monotonic()
        self.first_at: float | None = None

    async def probe(self) -> Probe:
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._take_turn()
        except ModelFailure as failure:
            return self._seen(handle_agent_error(failure, self._about()))
        except TimeoutError:
            return self._seen(self._timed_out())
        return self._seen(None)

    async def _take_turn(self) -> None:
        reply = await self._ask([])
        if reply.calls:
            results = [await self._result(index, call) for index, call in enumerate(reply.calls)]
            await self._ask([Turn(reply, tuple(results))])

    async def _ask(self, turns: Sequence[Turn]) -> ModelReply:
        request = ModelRequest(
            task=TASK if len(self.toolbox) else TASK_WITHOUT_TOOLS,
            turns=turns,
            tools=tuple(self.toolbox),
            timeout_s=self.timeout_s,
        )
        reply = await self._reply(request)
        self._hear()
        self.replies.append(reply)
        return reply

    async def _reply(self, request: ModelRequest) -> ModelReply:
        """The reply; the request is repeated without the parts that the server refuses."""
        while True:
            try:
                return await self.model.reply(request, on_delta=self._hear)
            except ModelFailure as failure:
                if not failure.again:
                    raise

    def _hear(self, _: Delta | None = None) -> None:
        self.first_at = self.first_at or time.monotonic()

    async def _result(self, index: int, call: ToolRequest) -> ToolResult:
        call_id = f"test-{index}"
        try:
            tool = self.toolbox.get(call.tool_name)
        except UnknownTool as error:
            return ToolResult(call_id, call.tool_name, None, handle_agent_error(error, self._about()))
        output, failed, took_s = await call_tool(tool, call.arguments, timeout_s=TOOL_TIMEOUT_S)
        return ToolResult(call_id, call.tool_name, output, failed, took_s)

    def _seen(self, error: AgentError | None) -> Probe:
        costs = [cost_of(reply.usage, self.model) for reply in self.replies]
        has_called = any(reply.calls for reply in self.replies)
        return Probe(
            total_s=time.monotonic() - self.started_at,
            first_token_s=None if self.first_at is None else self.first_at - self.started_at,
            usage=reduce(_both, (reply.usage for reply in self.replies)) if self.replies else Usage(),
            cost_usd=_sum(costs),
            tool_use="not offered" if not len(self.toolbox) else "called" if has_called else "not called",
            error=error,
        )

    def _about(self) -> dict[str, str]:
        return {"provider": self.model.name, "model": self.model.model}

    def _timed_out(self) -> AgentError:
        message = sentences.TEST_TIMED_OUT.made(model=repr(self.model.model), limit_s=f"{self.timeout_s:g}")
        failure = ModelFailure(message, kind="timeout", provider=self.model.name, model=self.model.model)
        return replace(handle_agent_error(failure, self._about()), suggested_action=sentences.TEST_AGAIN.made())


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    """The sum; None if there are none, or one is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(costs) else None


def _both(one: Usage, other: Usage) -> Usage:
    """The sum of two usages; a count is None if it is None in either."""

    def total(name: str) -> int | None:
        counts = [getattr(one, name), getattr(other, name)]
        return None if None in counts else sum(counts)

    return Usage(input_tokens=total("input_tokens"), output_tokens=total("output_tokens"))
