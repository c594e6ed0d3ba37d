"""The scope of one run: whatever happens inside, its final state is the truth."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runs.agent.approvals import Parked
from runs.agent.classify import handle_agent_error
from runs.agent.state import AgentState

logger = logging.getLogger(__name__)


@asynccontextmanager
async def agent_execution(task: str) -> AsyncIterator[AgentState]:
    """A thinking `AgentState` for `task`, which ends `completed`, `failed` (with `error`) or `cancelled`.

    Leaving the block is success; a cancellation or an exception is recorded in the state and rises on.
    A run that waits for a person is `waiting`, and `Parked` rises on.
    A state the block itself has ended is left as it is.
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
