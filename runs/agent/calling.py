"""Running the tool calls of one turn together, each recorded as it comes along."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from runs.agent.classify import handle_agent_error
from runs.agent.clock import RunClock
from runs.agent.errors import AgentError, ToolFailed, UnknownTool
from runs.agent.journal import CallChange, CallState, Entry, Journal
from runs.agent.limits import RunLimits
from runs.agent.messages import ToolCall, ToolResult
from runs.agent.redaction import holds_hidden
from runs.agent.resilience.tool_ladder import call_with_retries
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.idempotency import calling
from runs.agent.tools.protocol import Effect, effect_of
from runs.agent.tools.toolbox import Toolbox
from runs.agent.wording import call_text, output_text

REPEATABLE: frozenset[Effect] = frozenset({"pure", "read"})
"""Effects whose call may be started in the same write that proposes it: running it again does no harm."""


class Calling:
    """How a run calls its tools."""

    def __init__(self, toolbox: Toolbox, *, journal: Journal, limits: RunLimits, clock: RunClock) -> None:
        self.toolbox = toolbox
        self.journal = journal
        self.limits = limits
        self.clock = clock
        self.refuses_hidden = False
        """True while calls are run again from the record, in which secrets are hidden."""

    def propose(self, calls: Sequence[ToolCall], entry: Entry) -> None:
        """Add the calls to the entry that records their reply. Repeatable ones are started in the same write."""
        changes, thoughts = [], []
        for call in calls:
            effect = self._effect(call)
            state: CallState = "started" if effect in REPEATABLE else "proposed"
            changes.append(CallChange(call, state, effect, is_new=True))
            thoughts.append(_call_thought(call, effect))
        entry.thoughts = [*entry.thoughts, *thoughts]
        entry.calls = changes
        entry.status = AgentStatus.EXECUTING

    async def results(self, calls: Sequence[ToolCall]) -> dict[int, ToolResult]:
        """Run the proposed calls together; their results by index. None starts before its start is durable.

        A failing, hanging or unknown tool is a result and costs the others nothing. Cancelling this cancels the calls.
        """
        await self.journal.durable()
        places = asyncio.Semaphore(self.limits.max_parallel_calls)
        results: dict[int, ToolResult] = {}

        async def run_one(call: ToolCall) -> None:
            async with places:
                await self._start(call)
                result = await self._call(call)
            results[call.index] = result
            await self._record(call, result, is_last=len(results) == len(calls))

        try:
            async with asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(run_one(call))
        except ExceptionGroup as failures:
            # Only the journal fails here, and it tells every call the same. Its cause says whether it was taken over.
            first = failures.exceptions[0]
            raise first from first.__cause__
        return results

    async def _start(self, call: ToolCall) -> None:
        """Record that the call starts. One that still waits for its place has not: a crash leaves it to be run."""
        if (effect := self._effect(call)) not in REPEATABLE:
            await self.journal.record(Entry(calls=[CallChange(call, "started", effect)]))
            await self.journal.durable()

    async def _call(self, call: ToolCall) -> ToolResult:
        try:
            tool = self.toolbox.get(call.tool_name)
        except UnknownTool as error:
            return ToolResult(call.call_id, call.tool_name, None, handle_agent_error(error, {"tool": call.tool_name}))
        if self.refuses_hidden and holds_hidden(call.arguments):
            failure = ToolFailed("A secret was in the arguments of this call. It was not stored, so the call is lost.")
            return ToolResult(call.call_id, call.tool_name, None, handle_agent_error(failure, {"tool": tool.name}))
        wanted_s: float = getattr(tool, "timeout_s", None) or self.limits.tool_timeout_s
        with calling(call.call_id):
            output, error_, duration_s = await call_with_retries(
                tool,
                call.arguments,
                timeout_s=wanted_s,
                time_left=self.clock.left_s,
                on_failed_attempt=partial(self._record_retry, call),
            )
        return ToolResult(call.call_id, call.tool_name, output, error_, duration_s)

    async def _record_retry(
        self, call: ToolCall, error: AgentError, *, attempt: int, max_attempts: int, wait_s: float
    ) -> None:
        metadata = {
            "turn": call.turn,
            "tool_name": call.tool_name,
            "call_id": call.call_id,
            "attempt": attempt,
            "max_attempts": max_attempts,
            "severity": error.severity.value,
            "recoverable": error.recoverable,
            "suggested_action": error.suggested_action,
            "code": error.code,
            "wait_s": round(wait_s, 3),
            "next_at": time.time() + wait_s,
        }
        await self.journal.record(Entry(thoughts=[AgentThought(ThoughtType.RETRY, error.message, metadata)]))

    async def _record(self, call: ToolCall, result: ToolResult, *, is_last: bool) -> None:
        effect = self._effect(call)
        state: CallState = "succeeded"
        if result.error is not None:
            state = "unknown" if result.error.code == "outcome_unknown" else "failed"
        await self.journal.record(
            Entry(
                thoughts=[_result_thought(call, result)],
                calls=[CallChange(call, state, effect)],
                status=AgentStatus.THINKING if is_last else None,
            )
        )
        if effect not in REPEATABLE:
            await self.journal.durable()

    def _effect(self, call: ToolCall) -> Effect:
        """The effect of the call's tool; a call of an unknown tool does nothing at all."""
        try:
            return effect_of(self.toolbox.get(call.tool_name))
        except UnknownTool:
            return "pure"


def _call_thought(call: ToolCall, effect: Effect) -> AgentThought:
    metadata = {
        "turn": call.turn,
        "tool_name": call.tool_name,
        "call_id": call.call_id,
        "tool_input": call.arguments,
        "effect": effect,
    }
    return AgentThought(ThoughtType.TOOL_CALL, call_text(call.tool_name, call.arguments), metadata)


def _result_thought(call: ToolCall, result: ToolResult) -> AgentThought:
    ended_at = time.time()
    metadata: dict[str, Any] = {
        "turn": call.turn,
        "tool_name": call.tool_name,
        "call_id": call.call_id,
        "started_at": ended_at - result.duration_s,
        "ended_at": ended_at,
    }
    if (error := result.error) is None:
        metadata["tool_output"] = result.output
        return AgentThought(ThoughtType.TOOL_RESULT, output_text(result.output), metadata)
    metadata |= {
        "severity": error.severity.value,
        "recoverable": error.recoverable,
        "suggested_action": error.suggested_action,
        "code": error.code,
    }
    return AgentThought(ThoughtType.TOOL_RESULT, error.message, metadata)
