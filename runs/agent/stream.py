"""The thoughts of a run, one by one, for whoever wants to loop over them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from runs.agent.run import run_agent
from runs.agent.tasks import cancel_and_wait
from runs.agent.thoughts import AgentThought


async def stream_agent_execution(task: str, **options: Any) -> AsyncGenerator[AgentThought, None]:
    """Run an agent and give each thought as it is reported; `options` are those of `run_agent`, except `report`.

    An error of the run is a thought, not an exception. Cancelling the caller, or leaving the loop early and closing
    the iterator (`contextlib.aclosing` does), cancels the run and waits until it has ended.
    """
    # A queue between the run and the caller, because a yield inside the run's TaskGroup or timeout would let the
    # caller's exceptions and cancellations appear in the wrong task (PEP 789).
    thoughts: asyncio.Queue[AgentThought | None] = asyncio.Queue()
    run = asyncio.create_task(run_agent(task, report=thoughts.put_nowait, **options))
    run.add_done_callback(lambda _: thoughts.put_nowait(None))
    try:
        while (thought := await thoughts.get()) is not None:
            yield thought
        await run  # run_agent raises only when cancelled, and for options it does not have
    finally:
        await cancel_and_wait([run])
