"""Execution of tool calls in parallel, with each state change recorded: those of a turn, and those that calls make."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from runs.agent.budget.deadline import Deadline
from runs.agent.budget.turn_and_call_limits import CallLimit
from runs.agent.errors.agent_error import AgentError
from runs.agent.errors.call_sentences import ASKED_TOO_OFTEN
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exceptions import ToolFailed, UnknownTool
from runs.agent.files.access import NO_FILES, FileAccess, files_context
from runs.agent.interrupts import Parked
from runs.agent.journal import PARKED_FOR, CallChange, CallState, Entry, Journal, ParkedFor
from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import NestedCall, ToolInvocation, ToolRequest, ToolResult
from runs.agent.output_text import output_text
from runs.agent.payloads.step_fields import StepFields, fields_of_call, fields_of_error
from runs.agent.payloads.steps import RetryPayload, ToolCallPayload, ToolResultPayload
from runs.agent.redaction.redactor import holds_hidden
from runs.agent.run_limits import RunLimits
from runs.agent.skills.access import NO_SKILLS, SkillAccess, skills_context
from runs.agent.state import AgentStatus
from runs.agent.text import call_text, changed_text, default_text
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tool_calls.approval_rules import Approvals, approval_question, outcome_question
from runs.agent.tool_calls.nested_calls import NestedCalls, never_made
from runs.agent.tool_calls.retries import call_with_retries
from runs.agent.tool_calls.waiting_calls import entry_of_wait, failed_call
from runs.agent.tools.call_idempotency import call_context
from runs.agent.tools.call_waits import CallWaits
from runs.agent.tools.child_runs import CALL_AGENT, NO_CHILDREN, ChildRuns, children_context
from runs.agent.tools.person_questions import MAX_ROUNDS, GivenAnswer, answers_context
from runs.agent.tools.protocol import REPEATABLE, Effect, Tool, effect_of, makes_calls, needs_person, runs_from_record
from runs.agent.tools.toolbox import Toolbox
from runs.agent.tools.validation import meant_arguments, validated


class ToolCallRunner:
    """Proposes, starts and records the tool calls of a run."""

    def __init__(
        self,
        toolbox: Toolbox,
        *,
        offered: Sequence[Tool],
        journal: Journal,
        limits: RunLimits,
        deadline: Deadline,
        call_limit: CallLimit | None = None,
        approvals: Approvals | None = None,
        files: FileAccess = NO_FILES,
        skills: SkillAccess = NO_SKILLS,
        children: ChildRuns = NO_CHILDREN,
        nested: Mapping[str, Sequence[NestedCall]] | None = None,
        answers: Mapping[str, Sequence[GivenAnswer]] | None = None,
    ) -> None:
        """`offered` are the tools of the toolbox that calls may make calls of. `approvals` are the rules for asking a
        person; None if no person can be asked. `call_limit` counts the calls that calls make. `nested` are those of
        earlier claims, by the id of the call that makes them. `answers` are those that calls have got so far, by the id
        of the call."""
        self.toolbox = toolbox
        self.offered = offered
        self.journal = journal
        self.limits = limits
        self.deadline = deadline
        self.call_limit = call_limit or CallLimit(limits)
        self.approvals = approvals
        self.files = files
        self.skills = skills
        self.children = children
        self.waits_for: set[ParkedFor] = set()
        """What calls of this turn wait for: decisions and answers of a person, child runs."""
        self._answers = answers or {}
        self._nested: dict[str, dict[int, NestedCall]] = {
            parent_id: {each.call.position: each for each in calls} for parent_id, calls in (nested or {}).items()
        }
        """By the id of the call that makes them, and by their position."""
        self.nested_places = asyncio.Semaphore(limits.max_parallel_calls)
        """Calls that make calls keep their own places meanwhile, so these have others."""
        self._started: set[str] = set()
        """Ids of the calls whose start is recorded."""
        self._made_here: set[str] = set()
        """Ids of the calls that were proposed by this runner, with their own arguments."""
        self.refuses_hidden = False
        """True while calls are run again from the record, where `[hidden]` replaces secrets."""

    def meant(self, request: ToolRequest) -> JsonObject:
        """The arguments as by `meant_arguments`, which are then shown, approved and used."""
        try:
            return dict(meant_arguments(self.toolbox.get(request.tool_name), request.arguments))
        except UnknownTool:
            return request.arguments

    def propose(self, calls: Sequence[ToolInvocation], entry: Entry) -> None:
        """Add the calls to the entry that records their reply. Repeatable ones are started in the same write.

        If any of them needs an approval, none starts: the entry asks for it and parks the run.
        """
        entry.status = AgentStatus.EXECUTING
        if self.add_calls(calls, entry):
            entry.status, entry.parks = AgentStatus.WAITING, "approval"

    def add_calls(self, calls: Sequence[ToolInvocation], entry: Entry) -> bool:
        """The same for calls of any kind, without a change of the run. Returns True if the entry asks a person."""
        asked = {call.call_id for call in calls if self._needs_approval(call)}
        expires_at = self.approvals.expires_at() if self.approvals is not None else None
        changes, thoughts, questions = [], [], []
        for call in calls:
            effect = self._effect(call)
            self._made_here.add(call.call_id)
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
        return bool(asked)

    @contextmanager
    def access(self) -> Iterator[None]:
        """Give the tools called inside the block the files, skills and child runs of the run."""
        with files_context(self.files), skills_context(self.skills), children_context(self.children):
            yield

    @property
    def can_wait(self) -> bool:
        """True if calls may wait for something outside: the run is recorded, and goes on later."""
        return self.approvals is not None

    async def results(self, calls: Sequence[ToolInvocation]) -> dict[int, ToolResult]:
        """Run the proposed calls of a turn in parallel. Returns the results by index.

        Raises `Parked` after all others have ended, if one waits: its outcome is unknown, it asks a person, it has a
        child run, or one that it makes does.
        """
        self.waits_for.clear()
        places = asyncio.Semaphore(self.limits.max_parallel_calls)
        results = await self.run_together(calls, places, ends_turn=True)
        if len(results) < len(calls):
            parks = next(each for each in PARKED_FOR if each in self.waits_for)
            await self.journal.record(Entry(status=AgentStatus.WAITING, parks=parks))
            raise Parked
        return {call.index: results[call.call_id] for call in calls}

    async def run_together(
        self, calls: Sequence[ToolInvocation], places: asyncio.Semaphore, *, ends_turn: bool = False
    ) -> dict[str, ToolResult]:
        """Run proposed calls in parallel. Returns the results by call id, without those that wait.

        No call runs before its start is durable. A failed, timed-out or unknown tool gives a result; the others are not
        affected. Cancelling this cancels the calls.
        """
        await self.journal.durable()
        results: dict[str, ToolResult] = {}

        async def run_one(call: ToolInvocation) -> None:
            async with places:
                result = self._refused(call)
                if result is None:
                    await self._start(call)
                    result = await self._call(call)
            if result is None:
                return
            if self.approvals is not None and _outcome_is_unknown(result):
                await self._ask_for_outcome(call, result)
                self.waits_for.add("decision")
                return
            await self._close_nested(call)
            results[call.call_id] = result
            await self._record(call, result, is_last=ends_turn and len(results) == len(calls))

        try:
            async with asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(run_one(call))
        except ExceptionGroup as failures:
            # Only the journal raises here, the same error in every call. The cause tells whether the run was taken
            # over.
            first = failures.exceptions[0]
            raise first from first.__cause__
        return results

    async def _close_nested(self, call: ToolInvocation) -> None:
        """Give the calls that `call` has not come back to a result: it has ended without them."""
        for known in self._nested.pop(call.call_id, {}).values():
            if known.result is None:
                await self._record(known.call, never_made(known.call), is_last=False)

    def _refused(self, call: ToolInvocation) -> ToolResult | None:
        """The error of a call that needs an approval now but did not when it was proposed: its tool, the agent's rules
        or the meaning of its arguments have changed. If the model repeats the call, a person is asked."""
        if call.is_approved or not self._needs_approval(call):
            return None
        words = f"{call.tool_name} now needs an approval, so this call was not run. Make the call again."
        return failed_call(call, words)

    async def _start(self, call: ToolInvocation) -> None:
        """Record the start of the call, which uses up its approval. A call that waits for a slot has not started, so it
        still runs after a crash."""
        if call.call_id in self._started:
            return
        change = CallChange(call, "started", self._effect(call))
        if change.effect in REPEATABLE:
            await self.journal.record(Entry(calls=[change]))
        else:
            await self.journal.start(change)

    async def _call(self, call: ToolInvocation) -> ToolResult | None:
        """The result of the call; None if it waits, or a call that it makes does."""
        answers = self._answers.get(call.call_id, ())
        try:
            if not self._answers:
                return await self._call_tool(call, answers)
            # Also for a call without answers: it may be one that an answered call makes.
            with answers_context(answers):
                return await self._call_tool(call, answers)
        except CallWaits as waits:
            if len(answers) >= MAX_ROUNDS:
                return failed_call(call, ASKED_TOO_OFTEN.made(tool=call.tool_name, count=MAX_ROUNDS))
            wait_s = self.approvals.wait_s if self.approvals is not None else None
            entry = entry_of_wait(call, self._effect(call), waits, round_=len(answers) + 1, wait_s=wait_s)
            await self.journal.record(entry)
            self.waits_for.add(waits.waits_for)
            return None

    async def _call_tool(self, call: ToolInvocation, answers: Sequence[GivenAnswer]) -> ToolResult | None:
        """The same. Raises `CallWaits` if the call itself waits."""
        try:
            tool = self.toolbox.get(call.tool_name)
        except UnknownTool as error:
            return ToolResult(call.call_id, call.tool_name, None, handle_agent_error(error, {"tool": call.tool_name}))
        # A tool that only asks has all it needs with the answer.
        is_answered = bool(answers) and needs_person(tool)
        is_from_record = self.refuses_hidden and call.call_id not in self._made_here and not runs_from_record(tool)
        if is_from_record and not is_answered and holds_hidden(call.arguments):
            words = "A secret in the arguments of this call was not stored, so it cannot be run again."
            return failed_call(call, words)
        if makes_calls(tool):
            return await NestedCalls(self, call, self._nested.setdefault(call.call_id, {})).run(tool)
        wanted_s: float = getattr(tool, "timeout_s", None) or self.limits.tool_timeout_s
        with call_context(call.call_id):
            output, error_, duration_s = await call_with_retries(
                tool,
                call.arguments,
                timeout_s=wanted_s,
                time_left=self.deadline.left_s,
                on_failed_attempt=partial(self._record_retry, call),
                may_wait=self.can_wait,
            )
        # The call that gets the answer is a short one: what took time is its child run.
        ran = await self.children.ran(call.call_id) if call.tool_name == CALL_AGENT else None
        remark = default_text() if answers and answers[-1].is_default else ""
        if call.proposed_arguments is not None:
            remark = f"{changed_text(call.arguments)} {remark}".rstrip()
        return ToolResult(call.call_id, call.tool_name, output, error_, duration_s, remark, ran)

    async def _ask_for_outcome(self, call: ToolInvocation, result: ToolResult) -> None:
        """Record that the outcome of the call is unknown. It has no result until a person decides."""
        effect = self._effect(call)
        why = result.error.message if result.error is not None else ""
        change = CallChange(call, "unknown", effect)
        await self.journal.record(Entry(thoughts=[outcome_question(call, effect, why)], calls=[change]))
        await self.journal.durable()

    async def _record_retry(
        self, call: ToolInvocation, error: AgentError, *, attempt: int, max_attempts: int, wait_s: float
    ) -> None:
        payload = RetryPayload(code=error.code, wait_s=round(wait_s, 3), next_at=time.time() + wait_s)
        numbers = StepFields(attempt=attempt, max_attempts=max_attempts)
        fields = fields_of_call(call) | numbers | fields_of_error(error)
        thought = AgentThought(ThoughtType.RETRY, error.message, payload=payload, fields=fields)
        await self.journal.record(Entry(thoughts=[thought]))

    async def _record(self, call: ToolInvocation, result: ToolResult, *, is_last: bool) -> None:
        effect = self._effect(call)
        state: CallState = "succeeded"
        if result.error is not None:
            state = "unknown" if _outcome_is_unknown(result) else "failed"
        await self.journal.record(
            Entry(
                thoughts=[_result_thought(call, result)],
                calls=[CallChange(call, state, effect, ran=result.ran)],
                status=AgentStatus.THINKING if is_last else None,
            )
        )
        if effect not in REPEATABLE:
            await self.journal.durable()

    def _needs_approval(self, call: ToolInvocation) -> bool:
        """True if the call needs an approval. A call with invalid arguments is refused without one."""
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

    def _effect(self, call: ToolInvocation) -> Effect:
        """The effect of the call's tool; `pure` for an unknown tool, whose call does nothing."""
        try:
            return effect_of(self.toolbox.get(call.tool_name))
        except UnknownTool:
            return "pure"


def _outcome_is_unknown(result: ToolResult) -> bool:
    return result.error is not None and result.error.code == "outcome_unknown"


def _call_thought(call: ToolInvocation, effect: Effect) -> AgentThought:
    words = call_text(call.tool_name, call.arguments)
    fields = fields_of_call(call, tool_input=call.arguments)
    payload = ToolCallPayload(effect=effect, parent_id=call.parent_id)
    return AgentThought(ThoughtType.TOOL_CALL, words, payload=payload, fields=fields)


def _result_thought(call: ToolInvocation, result: ToolResult) -> AgentThought:
    now = time.time()
    started_at, ended_at = result.ran or (now - result.duration_s, now)
    if (error := result.error) is None:
        fields = fields_of_call(call, tool_output=result.output, started_at=started_at, ended_at=ended_at)
        payload = ToolResultPayload(remark=result.remark)
        return AgentThought(ThoughtType.TOOL_RESULT, output_text(result.output), payload=payload, fields=fields)
    payload = ToolResultPayload(remark=result.remark, code=error.code)
    fields = fields_of_call(call, started_at=started_at, ended_at=ended_at) | fields_of_error(error)
    return AgentThought(ThoughtType.TOOL_RESULT, error.message, payload=payload, fields=fields)
