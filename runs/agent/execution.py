"""The scope of one run: it guarantees a final state and a recorded end for every outcome."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from runs.agent.budget.budget import UsageTotals
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exception_text import for_log
from runs.agent.errors.exceptions import AgentFailure, JournalClosed
from runs.agent.interrupts import Parked
from runs.agent.journal import Entry, Journal
from runs.agent.loop import AgentLoop
from runs.agent.payloads.step_fields import fields_of_error
from runs.agent.payloads.steps import ErrorPayload
from runs.agent.state import AgentResult, AgentState, AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType

logger = logging.getLogger(__name__)


@asynccontextmanager
async def agent_execution(task: str) -> AsyncIterator[AgentState]:
    """A thinking `AgentState` for `task`, which ends `completed`, `failed` (with `error`) or `cancelled`.

    Leaving the block is success; a cancellation or an exception is recorded in the state and re-raised.
    A run that waits for a person is `waiting`, and `Parked` is re-raised.
    A final state set inside the block is kept.
    """
    state = AgentState(context={"task": task})
    state.mark_thinking()
    try:
        yield state
    except asyncio.CancelledError:
        if not state.status.is_final:
            state.mark_cancelled()
        raise
    except Parked:
        state.mark_waiting()
        raise
    except Exception as error:
        if not state.status.is_final:
            state.mark_failed(handle_agent_error(error, dict(state.context)))
        raise
    else:
        if not state.status.is_final:
            state.mark_completed()
    finally:
        logger.debug("Agent finished. Status: %s, steps: %s", state.status.value, state.step_count)


async def execute(loop: AgentLoop, state: AgentState) -> AgentResult[Any]:
    """Run the loop to a result; every failure becomes an error thought and a failed result.

    This is the run's boundary: a bug in a tool or a provider must never leave a run unfinished. Raises only on
    cancellation, `JournalClosed` and `Parked`. `state` comes from the caller's `agent_execution` scope.
    """
    try:
        with loop.tool_calls.access():
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
            logger.log(level, "Run %s ended by an error: %s", loop.run_id, error.message, exc_info=for_log(failure))
        error = await record_failure(loop.journal, state, failure, loop.book(state))
        return AgentResult(False, None, error, 0, state.total_tokens)
    return AgentResult(True, output, None, 0, state.total_tokens, could_not=state.could_not)


async def _record_use(journal: Journal, used: UsageTotals) -> None:
    """Record the use of a cancelled run. The entry has nothing to render, so nothing is awaited and a second
    cancellation cannot interrupt it."""
    if used != UsageTotals():
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
    journal: Journal, state: AgentState, failure: Exception, used: UsageTotals | None = None
) -> AgentError:
    """End the run as failed, in the state and in the journal. Returns the recorded error.

    `used` is the use of the last calls that is not recorded yet.
    """
    used = used or UsageTotals()
    error = handle_agent_error(failure, {"task": str(state.context.get("task", ""))[:200]})
    state.mark_failed(error)
    entry = Entry(thoughts=[error_thought(error)], status=AgentStatus.FAILED, error=error)
    entry.tokens, entry.cost, entry.cost_is_partial = used.tokens, used.cost_usd, used.is_partial
    entry.usage_is_estimated = used.is_estimated
    await journal.record(entry)
    return error


def error_thought(error: AgentError) -> AgentThought:
    """The thought that shows an error."""
    payload = ErrorPayload(code=error.code, context=error.context)
    return AgentThought(ThoughtType.ERROR, error.message, payload=payload, fields=fields_of_error(error))
