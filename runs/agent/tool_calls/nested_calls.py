"""The calls that a call makes, such as those of a script: ordinary calls of the run, each made once.

The call that makes them starts from its beginning after an approval, an interruption or a crash. It makes the same
calls again, and each that is recorded gives its recorded result, as it was given at first: `as_stored` and
`stable_json`. A call that differs from the recorded one at its position ends it, before anything is made twice.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from runs.agent.budget.deadline import Deadline
from runs.agent.budget.turn_and_call_limits import CallLimit
from runs.agent.call_ids import nested_call_id
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.errors.exceptions import AgentFailure, LimitReached, ToolFailed
from runs.agent.journal import Entry, Journal, ParkedFor
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.stable_json import stable_json
from runs.agent.messages import NestedCall, ToolInvocation, ToolResult
from runs.agent.text import call_text, changed_text
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.call_idempotency import call_context
from runs.agent.tools.nested_calls import CallOutcome, CallRequest, calls_made_by
from runs.agent.tools.protocol import Tool, makes_calls

NO_LIMIT_S: Final = 1e6
"""Its calls end at their limits and the run's, each with a result, and what it computes has a limit of its own. A limit
for all of it would cut off a call that has started."""
_SHOWN_CHARS: Final = 200


class CallRunner(Protocol):
    """What runs and records the calls of the run (`runner.py`)."""

    offered: Sequence[Tool]
    journal: Journal
    deadline: Deadline
    call_limit: CallLimit
    waits_for: set[ParkedFor]
    nested_places: asyncio.Semaphore

    @property
    def can_wait(self) -> bool:
        """True if calls may wait for something outside."""
        ...

    def add_calls(self, calls: Sequence[ToolInvocation], entry: Entry) -> bool:
        """Add new calls to the entry that records them. Returns True if it asks a person."""
        ...

    async def run_together(self, calls: Sequence[ToolInvocation], places: asyncio.Semaphore) -> dict[str, ToolResult]:
        """Run proposed calls. Returns the results by call id, without those that wait."""
        ...


class NestedCalls:
    """The calls of one call; a `CallMaker`."""

    def __init__(self, runner: CallRunner, call: ToolInvocation, known: dict[int, NestedCall]) -> None:
        """`known`: those that are recorded, by position; new ones are added."""
        self._runner = runner
        self._call = call
        self._known = known
        self._position = 0
        self._is_waiting = False
        self._failure: Exception | None = None
        self.is_repeated = bool(known)

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools that the model has, but those that make calls themselves."""
        return [tool for tool in self._runner.offered if not makes_calls(tool)]

    def restart(self) -> None:
        """Begin with the first call again."""
        self._position = 0

    async def run(self, tool: Tool) -> ToolResult | None:
        """Run the call of `tool`. Returns its result; None if one of its calls waits.

        Raises what its calls raise: `JournalClosed`; and `CallWaits` if the tool itself does.
        """
        with call_context(self._call.call_id), calls_made_by(self):
            output, error, duration_s = await call_tool(
                tool, self._call.arguments, timeout_s=NO_LIMIT_S, may_wait=self._runner.can_wait
            )
        if self._failure is not None:
            raise self._failure from self._failure.__cause__
        if self._is_waiting:
            return None
        return ToolResult(self._call.call_id, self._call.tool_name, output, error, duration_s, self._remark())

    def _remark(self) -> str:
        """A person's part in it, and in its calls."""
        changed = self._call.proposed_arguments is not None
        remarks = [changed_text(self._call.arguments)] if changed else []
        remarks += [
            f"{known.call.tool_name}, call {known.call.position}: {known.result.remark}"
            for known in self._known.values()
            if known.result is not None and known.result.remark
        ]
        return "\n".join(remarks)

    async def make(self, requests: Sequence[CallRequest]) -> list[CallOutcome]:
        """Make the calls, or return what is recorded of them. Raises `ToolFailed` if it cannot go on, or not now."""
        if self._is_waiting or self._failure is not None:
            raise ToolFailed("It has ended already.")
        try:
            return await self._make(requests)
        except ToolFailed:
            raise
        except Exception as failure:
            # The tool must not treat it as the failure of a call: `run` raises it.
            self._failure = failure
            raise ToolFailed("The run cannot go on here.") from failure

    async def _make(self, requests: Sequence[CallRequest]) -> list[CallOutcome]:
        calls = [self._next(request) for request in requests]
        await self._propose([call for call in calls if call.position not in self._known])
        open_calls = [known.call for call in calls if (known := self._known[call.position]).result is None]
        if open_calls and not self._is_waiting:
            results = await self._runner.run_together(open_calls, self._runner.nested_places)
            self._known |= {call.position: NestedCall(call, results.get(call.call_id)) for call in open_calls}
            self._is_waiting = len(results) < len(open_calls)
        if self._is_waiting:
            raise ToolFailed("It waits for one of its calls.")
        return [self._outcome(self._known[call.position].result) for call in calls]

    def _next(self, request: CallRequest) -> ToolInvocation:
        self._position += 1
        parent, position = self._call, self._position
        if (known := self._known.get(position)) is not None:
            self._check_same(known.call, request)
            return known.call
        call_id = nested_call_id(parent.call_id, position)
        return ToolInvocation(
            call_id,
            request.tool_name,
            request.arguments,
            parent.turn,
            parent.index,
            position=position,
            parent_id=parent.call_id,
        )

    def _check_same(self, known: ToolInvocation, request: CallRequest) -> None:
        asked = known.arguments if known.proposed_arguments is None else known.proposed_arguments
        before, now = self._said(known.tool_name, asked), self._said(request.tool_name, request.arguments)
        if before != now:
            raise ToolFailed(
                f"It was ended, so that nothing is done twice: when it started again, its call {known.position} was "
                f"{_shown(*now)}, and before it was {_shown(*before)}."
            )

    def _said(self, tool_name: str, arguments: JsonObject) -> tuple[str, JsonObject]:
        return self._as_recorded(tool_name), self._as_recorded(arguments)

    async def _propose(self, calls: Sequence[ToolInvocation]) -> None:
        """Record new calls, unless the run has reached a limit. They wait if a person has to be asked about one."""
        if not calls:
            return
        try:
            self._runner.deadline.check()
            self._runner.call_limit.take(len(calls))
        except LimitReached as limit:
            raise ToolFailed(str(limit)) from limit
        entry = Entry()
        if self._runner.add_calls(calls, entry):
            self._runner.waits_for.add("approval")
            self._is_waiting = True
        await self._runner.journal.record(entry)
        self._known |= {call.position: NestedCall(call) for call in calls}

    def _outcome(self, result: ToolResult | None) -> CallOutcome:
        if result is None:
            raise AgentFailure("A call without a result has no outcome.")
        if result.error is not None:
            return CallOutcome(None, self._as_recorded(str(result.error.message)))
        return CallOutcome(self._as_recorded(result.output))

    def _as_recorded(self, value: Any) -> Any:
        return stable_json(self._runner.journal.as_stored(value))


def never_made(call: ToolInvocation) -> ToolResult:
    """The result of a recorded call that its script has not come back to."""
    message = f"{call.tool_name} was not called: the script that had asked for it ended before."
    error = AgentError(message, ErrorSeverity.WARNING, {"tool": call.tool_name}, False, code="stopped")
    return ToolResult(call.call_id, call.tool_name, None, error)


def _shown(tool_name: str, arguments: JsonObject) -> str:
    text = call_text(tool_name, arguments)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
