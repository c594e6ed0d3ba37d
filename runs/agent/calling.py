"""Running the tool calls of one turn together, each recorded as it comes along."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from runs.agent.approvals import Approvals, Parked, approval_question, outcome_question
from runs.agent.classify import handle_agent_error
from runs.agent.clock import RunClock
from runs.agent.errors import AgentError, ToolFailed, UnknownTool
from runs.agent.journal import CallChange, CallState, Entry, Journal
from runs.agent.limits import RunLimits
from runs.agent.messages import ToolCall, ToolRequest, ToolResult
from runs.agent.redaction import holds_hidden
from runs.agent.resilience.tool_ladder import call_with_retries
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.idempotency import calling
from runs.agent.tools.protocol import Effect, effect_of
from runs.agent.tools.toolbox import Toolbox
from runs.agent.tools.validation import meant_arguments, validated
from runs.agent.wording import call_text, changed_text, output_text

REPEATABLE: frozenset[Effect] = frozenset({"pure", "read"})
"""Effects whose call may be started in the same write that proposes it: running it again does no harm."""


class Calling:
    """How a run calls its tools."""

    def __init__(
        self,
        toolbox: Toolbox,
        *,
        journal: Journal,
        limits: RunLimits,
        clock: RunClock,
        approvals: Approvals | None = None,
    ) -> None:
        """`approvals` are the rules for asking a person; None where there is nobody to ask."""
        self.toolbox = toolbox
        self.journal = journal
        self.limits = limits
        self.clock = clock
        self.approvals = approvals
        self._started: set[str] = set()
        """Ids of the calls whose start is recorded already."""
        self.refuses_hidden = False
        """True while calls are run again from the record, in which secrets are hidden."""

    def meant(self, request: ToolRequest) -> dict[str, Any]:
        """The arguments the model means, where what it wrote leaves no doubt: they are shown, decided about and run."""
        try:
            return dict(meant_arguments(self.toolbox.get(request.tool_name), request.arguments))
        except UnknownTool:
            return request.arguments

    def propose(self, calls: Sequence[ToolCall], entry: Entry) -> None:
        """Add the calls to the entry that records their reply. Repeatable ones are started in the same write.

        If a person has to decide about some of them, none starts: the entry asks, and parks the run.
        """
        asked = {call.call_id for call in calls if self._needs_approval(call)}
        expires_at = self.approvals.expires_at() if self.approvals is not None else None
        changes, thoughts, questions = [], [], []
        for call in calls:
            effect = self._effect(call)
            thoughts.append(_call_thought(call, effect))
            if call.call_id in asked:
                changes.append(CallChange(call, "awaiting_approval", effect, is_new=True, expires_at=expires_at))
                questions.append(approval_question(call, effect, expires_at))
                continue
            starts = effect in REPEATABLE and not asked
            changes.append(CallChange(call, "started" if starts else "proposed", effect, is_new=True))
            if starts:
                self._started.add(call.call_id)
        entry.thoughts = [*entry.thoughts, *thoughts, *questions]
        entry.calls = changes
        entry.status = AgentStatus.EXECUTING
        if asked:
            entry.status, entry.parks = AgentStatus.WAITING, "approval"

    async def results(self, calls: Sequence[ToolCall]) -> dict[int, ToolResult]:
        """Run the proposed calls together; their results by index. None starts before its start is durable.

        A failing, hanging or unknown tool is a result and costs the others nothing. Cancelling this cancels the calls.
        Raises `Parked` when all have ended, if nobody knows what one of them did and there is a person to ask.
        """
        await self.journal.durable()
        places = asyncio.Semaphore(self.limits.max_parallel_calls)
        results: dict[int, ToolResult] = {}

        async def run_one(call: ToolCall) -> None:
            async with places:
                result = self._refused(call)
                if result is None:
                    await self._start(call)
                    result = await self._call(call)
            if self.approvals is not None and _outcome_is_unknown(result):
                await self._ask_for_outcome(call, result)
                return
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
        if len(results) < len(calls):
            await self.journal.record(Entry(status=AgentStatus.WAITING, parks="decision"))
            raise Parked
        return results

    def _refused(self, call: ToolCall) -> ToolResult | None:
        """The result of a call that needs an approval it never had: its tool, its agent's rules or what its arguments
        mean have changed since it was proposed. The model may ask again, and then a person is asked."""
        if call.is_approved or not self._needs_approval(call):
            return None
        failure = ToolFailed(f"{call.tool_name} needs an approval by now, so this call was not run. Ask for it again.")
        return ToolResult(call.call_id, call.tool_name, None, handle_agent_error(failure, {"tool": call.tool_name}))

    async def _start(self, call: ToolCall) -> None:
        """Record that the call starts, which uses up its approval. One that waits for its place has not started: a
        crash leaves it to be run."""
        if call.call_id in self._started:
            return
        change = CallChange(call, "started", self._effect(call))
        if change.effect in REPEATABLE:
            await self.journal.record(Entry(calls=[change]))
        else:
            await self.journal.start(change)

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
        remark = "" if call.proposed_arguments is None else changed_text(call.arguments)
        return ToolResult(call.call_id, call.tool_name, output, error_, duration_s, remark)

    async def _ask_for_outcome(self, call: ToolCall, result: ToolResult) -> None:
        """Record that nobody knows what the call did. It has no result until a person has said."""
        effect = self._effect(call)
        why = result.error.message if result.error is not None else ""
        change = CallChange(call, "unknown", effect)
        await self.journal.record(Entry(thoughts=[outcome_question(call, effect, why)], calls=[change]))
        await self.journal.durable()

    async def _record_retry(
        self, call: ToolCall, error: AgentError, *, attempt: int, max_attempts: int, wait_s: float
    ) -> None:
        numbers = {"attempt": attempt, "max_attempts": max_attempts}
        waits = {"wait_s": round(wait_s, 3), "next_at": time.time() + wait_s}
        metadata = call.as_metadata() | numbers | error.as_metadata() | waits
        await self.journal.record(Entry(thoughts=[AgentThought(ThoughtType.RETRY, error.message, metadata)]))

    async def _record(self, call: ToolCall, result: ToolResult, *, is_last: bool) -> None:
        effect = self._effect(call)
        state: CallState = "succeeded"
        if result.error is not None:
            state = "unknown" if _outcome_is_unknown(result) else "failed"
        await self.journal.record(
            Entry(
                thoughts=[_result_thought(call, result)],
                calls=[CallChange(call, state, effect)],
                status=AgentStatus.THINKING if is_last else None,
            )
        )
        if effect not in REPEATABLE:
            await self.journal.durable()

    def _needs_approval(self, call: ToolCall) -> bool:
        """True if a person decides about the call. One that will be refused for its arguments needs nobody."""
        if self.approvals is None:
            return False
        try:
            tool = self.toolbox.get(call.tool_name)
            if not self.approvals.needed_for(tool):
                return False
            validated(tool, call.arguments)
        except (ToolFailed, TypeError, ValueError):
            return False
        return True

    def _effect(self, call: ToolCall) -> Effect:
        """The effect of the call's tool; a call of an unknown tool does nothing at all."""
        try:
            return effect_of(self.toolbox.get(call.tool_name))
        except UnknownTool:
            return "pure"


def _outcome_is_unknown(result: ToolResult) -> bool:
    return result.error is not None and result.error.code == "outcome_unknown"


def _call_thought(call: ToolCall, effect: Effect) -> AgentThought:
    metadata = call.as_metadata() | {"tool_input": call.arguments, "effect": effect}
    return AgentThought(ThoughtType.TOOL_CALL, call_text(call.tool_name, call.arguments), metadata)


def _result_thought(call: ToolCall, result: ToolResult) -> AgentThought:
    ended_at = time.time()
    metadata = call.as_metadata() | {"started_at": ended_at - result.duration_s, "ended_at": ended_at}
    if result.remark:
        metadata["remark"] = result.remark
    if (error := result.error) is None:
        metadata["tool_output"] = result.output
        return AgentThought(ThoughtType.TOOL_RESULT, output_text(result.output), metadata)
    return AgentThought(ThoughtType.TOOL_RESULT, error.message, metadata | error.as_metadata())
