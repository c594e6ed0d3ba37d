"""How the loop ends: with a result, or with a failure that is recorded as one."""

import asyncio
import contextlib
import logging
from typing import Any

from runs.agent.approvals import Parked
from runs.agent.budget import Used
from runs.agent.classify import handle_agent_error
from runs.agent.errors import AgentError, AgentFailure, ErrorSeverity
from runs.agent.journal import Entry, Journal, JournalClosed
from runs.agent.loop import AgentLoop
from runs.agent.results import AgentResult
from runs.agent.state import AgentState, AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType

logger = logging.getLogger(__name__)


async def execute(loop: AgentLoop, state: AgentState) -> AgentResult[Any]:
    """Run the loop to a result; every failure becomes an error thought and a failed result.

    This is the run's boundary: a bug in a tool or a provider must never leave a run unfinished. Raises only on
    cancellation, `JournalClosed` and `Parked`. The caller's `agent_execution` scope gives `state`.
    """
    try:
        output = await loop.run(state)
    except (JournalClosed, Parked):
        raise
    except asyncio.CancelledError:
        await _record_use(loop.journal, loop.book(state))
        raise
    except Exception as failure:
        if not isinstance(failure, AgentFailure):
            error = handle_agent_error(failure, {})
            level = logging.CRITICAL if error.severity is ErrorSeverity.CRITICAL else logging.ERROR
            logger.log(level, "Run %s ended by an error: %s", loop.run_id, error.message, exc_info=failure)
        error = await record_failure(loop.journal, state, failure, loop.book(state))
        return AgentResult(False, None, error, 0, state.total_tokens)
    return AgentResult(True, output, None, 0, state.total_tokens)


async def _record_use(journal: Journal, used: Used) -> None:
    """Record what a run used that is stopped before it could say so itself. Nothing to render, so nothing to wait for:
    a second cancellation cannot come in between."""
    if used != Used():
        with contextlib.suppress(JournalClosed):
            await journal.record(
                Entry(
                    tokens=used.tokens,
                    cost=used.cost_usd,
                    cost_is_partial=used.is_partial,
                    usage_is_estimated=used.is_estimated,
                )
            )


async def record_failure(
    journal: Journal, state: AgentState, failure: Exception, used: Used | None = None
) -> AgentError:
    """End the run as failed, in the state and in the journal; the error as it was recorded.

    `used` is what its last calls used, if it is not recorded yet.
    """
    used = used or Used()
    error = handle_agent_error(failure, {"task": str(state.context.get("task", ""))[:200]})
    state.mark_failed(error)
    entry = Entry(thoughts=[error_thought(error)], status=AgentStatus.FAILED, error=error)
    entry.tokens, entry.cost, entry.cost_is_partial = used.tokens, used.cost_usd, used.is_partial
    entry.usage_is_estimated = used.is_estimated
    await journal.record(entry)
    return error


def error_thought(error: AgentError) -> AgentThought:
    """The thought that shows an error."""
    return AgentThought(ThoughtType.ERROR, error.message, error.as_metadata() | {"context": error.context})
