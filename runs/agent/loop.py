"""The agent loop: ask the model, run the tools it asks for, until it answers.

`AgentLoop` is what the engine executes. `run_agent` is the same loop for a script.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from runs.agent.asking import Asking
from runs.agent.calling import Calling
from runs.agent.classify import handle_agent_error
from runs.agent.clock import RunClock
from runs.agent.errors import AgentError, LimitReached, ModelFailure
from runs.agent.execution import agent_execution
from runs.agent.journal import Entry, Journal, JournalClosed, ReportingJournal
from runs.agent.limits import RunLimits
from runs.agent.messages import History, ModelProvider, ModelReply, ModelRequest, ToolCall, ToolResult, Turn
from runs.agent.race import Strategy
from runs.agent.resilience.shared import Shared
from runs.agent.resilience.waits import Waits
from runs.agent.results import AgentResult
from runs.agent.retry import RetryPolicy
from runs.agent.state import AgentState, AgentStatus, AgentStep
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.protocol import Tool
from runs.agent.tools.toolbox import Toolbox

logger = logging.getLogger(__name__)


class AgentLoop:
    """One run's loop over one claim. `state` and the journal always agree on the status."""

    def __init__(
        self,
        task: str,
        *,
        providers: Sequence[ModelProvider],
        toolbox: Toolbox,
        journal: Journal,
        run_id: uuid.UUID,
        instructions: str = "",
        limits: RunLimits | None = None,
        retry: RetryPolicy | None = None,
        history: History | None = None,
        strategy: Strategy = "fallback",
        waits: Waits | None = None,
        shared: Shared | None = None,
    ) -> None:
        """`waits` are those between attempts, to cut them short; `shared` is what all runs know about the providers.

        Raises `ValueError` without a provider.
        """
        self.task = task
        self.instructions = instructions
        self.run_id = run_id
        self.journal = journal
        self.limits = limits or RunLimits()
        self.history = history or History()
        self.turns = self.history.turns
        self.tools: list[Tool] = list(toolbox)
        self.clock = RunClock(self.limits.max_duration_s, self.history.active_s)
        self.calling = Calling(toolbox, journal=journal, limits=self.limits, clock=self.clock)
        self.asking = Asking(
            providers,
            journal=journal,
            retry=retry or RetryPolicy(),
            clock=self.clock,
            limits=self.limits,
            strategy=strategy,
            waits=waits,
            shared=shared,
        )

    async def run(self, state: AgentState) -> str:
        """Work until the model answers; the answer. Goes on from `history` where there is one.

        Raises `ModelFailure`, `LimitReached`, `JournalClosed`. Cancelling it cancels the calls that run; which they
        were is in the journal.
        """
        state.total_tokens += self.history.tokens
        if self.history.open_reply is not None:
            await self._finish_turn(state, self.history.open_reply, self.history.open_results)
        while True:
            reply = await self._next_reply(state)
            if not reply.calls:
                return reply.text
            await self._finish_turn(state, reply, {})

    async def _next_reply(self, state: AgentState) -> ModelReply:
        """The next reply, recorded together with the calls it proposes, or with the answer and the run's success."""
        turn = len(self.turns) + 1
        self.limits.check_turn(turn)
        self.clock.check()
        state.mark_thinking()
        asked = await self.asking.reply(state, turn, self._request)
        reply, provider = asked.reply, asked.provider
        tokens = reply.usage.total_tokens
        state.total_tokens += tokens or 0
        about = {
            "turn": turn,
            "provider": provider.name,
            "model": provider.model,
            "tokens": tokens,
            "started_at": asked.started_at,
            "ended_at": asked.ended_at,
        }
        entry = Entry(tokens=tokens, replay=reply.replay)
        if reply.calls:
            # Text beside calls is said on the way; only a reply without calls is the answer.
            said = "\n\n".join(part for part in (reply.reasoning, reply.text) if part.strip())
            entry.thoughts = _reasoning(said, about)
            self.calling.propose(self._calls(reply, turn), entry)
            state.mark_executing()
        else:
            # A reply's tokens are told once, by the thought that ends it.
            entry.thoughts = [
                *_reasoning(reply.reasoning, about | {"tokens": None}),
                AgentThought(ThoughtType.ANSWER, reply.text, about),
            ]
            entry.status = AgentStatus.COMPLETED
            state.add_step(AgentStep(state.step_count + 1, "answer", None, None, reply.text, reply.reasoning))
            state.mark_completed()
        entry.thoughts[-1].metadata["card"] = asked.card
        await self.journal.record(entry)
        return reply

    def _request(self, timeout_s: float) -> ModelRequest:
        return ModelRequest(
            task=self.task, instructions=self.instructions, turns=self.turns, tools=self.tools, timeout_s=timeout_s
        )

    async def _finish_turn(self, state: AgentState, reply: ModelReply, known: dict[int, ToolResult]) -> None:
        """Run the reply's calls that have no result yet, and add the turn to the history."""
        state.mark_executing()
        calls = [call for call in self._calls(reply, len(self.turns) + 1) if call.index not in known]
        results = known | await self.calling.results(calls)
        in_order = tuple(results[index] for index in range(len(reply.calls)))
        self.turns.append(Turn(reply, in_order))
        for request, result in zip(reply.calls, in_order, strict=True):
            name, output = request.tool_name, result.error.message if result.error else result.output
            state.add_step(AgentStep(state.step_count + 1, name, name, request.arguments, output, reply.reasoning))

    def _calls(self, reply: ModelReply, turn: int) -> list[ToolCall]:
        return [
            ToolCall(call_id(self.run_id, turn, index), request.tool_name, request.arguments, turn, index)
            for index, request in enumerate(reply.calls)
        ]


async def execute(loop: AgentLoop, state: AgentState) -> AgentResult[str]:
    """Run the loop to a result; every failure becomes an error thought and a failed result.

    This is the run's boundary: a bug in a tool or a provider must never leave a run unfinished. Raises only on
    cancellation and `JournalClosed`. The caller's `agent_execution` scope gives `state`.
    """
    try:
        output = await loop.run(state)
    except JournalClosed:
        raise
    except Exception as failure:
        if not isinstance(failure, (ModelFailure, LimitReached)):
            logger.exception("Run %s ended by an unexpected error.", loop.run_id)
        error = await record_failure(loop.journal, state, failure)
        return AgentResult(False, None, error, 0, state.total_tokens)
    return AgentResult(True, output, None, 0, state.total_tokens)


async def record_failure(journal: Journal, state: AgentState, failure: Exception) -> AgentError:
    """End the run as failed, in the state and in the journal; the error as it was recorded."""
    error = handle_agent_error(failure, {"task": str(state.context.get("task", ""))[:200]})
    state.mark_failed(error)
    await journal.record(Entry(thoughts=[error_thought(error)], status=AgentStatus.FAILED, error=error))
    return error


def error_thought(error: AgentError) -> AgentThought:
    """The thought that shows an error."""
    metadata = {
        "severity": error.severity.value,
        "recoverable": error.recoverable,
        "suggested_action": error.suggested_action,
        "code": error.code,
        "context": error.context,
    }
    return AgentThought(ThoughtType.ERROR, error.message, metadata)


async def run_agent(
    task: str,
    *,
    model: str | ModelProvider | Sequence[str | ModelProvider] = "offline",
    tools: Any = None,
    limits: RunLimits | None = None,
    retry: RetryPolicy | None = None,
    instructions: str = "",
    strategy: Strategy = "fallback",
    report: Callable[[AgentThought], object] | None = None,
) -> AgentResult[str]:
    """Work on `task` until there is an answer, a limit is reached or the model is gone; how it ended.

    `model` is a name ("offline", "openai:gpt-5-mini", "local/m1"), a provider, or several in order of preference, asked
    one after another, or together if the `strategy` is `hedge` or `race`;
    `tools` names or tools, None for all registered ones. `report` is called with each thought as it happens and must
    not block. Raises `ValueError` for an unknown model or tool, and otherwise only `CancelledError`.
    """
    journal = ReportingJournal(report)
    loop = AgentLoop(
        task,
        providers=_providers(model),
        toolbox=Toolbox(tools),
        journal=journal,
        run_id=uuid.uuid4(),
        instructions=instructions,
        limits=limits,
        retry=retry,
        strategy=strategy,
    )
    async with agent_execution(task) as state:
        result = await execute(loop, state)
    result.steps_taken = journal.thoughts_recorded
    return result


def call_id(run_id: uuid.UUID, turn: int, index: int) -> str:
    """The id of a call: uuid5 of its run, turn and index, so that a replayed turn has the same ids."""
    return str(uuid.uuid5(run_id, f"{turn}/{index}"))


def _providers(model: str | ModelProvider | Sequence[str | ModelProvider]) -> list[ModelProvider]:
    # Imported here: the catalog knows every provider, and a script with its own needs none of them.
    from runs.agent.providers.catalog import provider_for

    one_or_more = list(model) if isinstance(model, Sequence) and not isinstance(model, str) else [model]
    return [provider_for(each) if isinstance(each, str) else each for each in one_or_more]


def _reasoning(text: str, about: dict[str, Any]) -> list[AgentThought]:
    return [AgentThought(ThoughtType.REASONING, text, about)] if text.strip() else []
