"""Waiting for a run on behalf of an MCP client."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from runs.api.auth import Caller
from runs.live.sockets.stream_follower import StreamFollower
from runs.live.sockets.stream_items import Closed, RunStatus, Steps
from runs.models import Run

Progress = Callable[[float, str], Awaitable[None]]
"""Told the sequence of the newest step, and its first words."""
LONGEST_WORDS = 200
_RETURNS_AT = (*Run.ASKING, Run.WaitingFor.RESUME)


async def watch(caller: Caller, run_id: UUID, wait_s: float, progress: Progress) -> None:
    """Return when the run has ended or waits for a person, at the latest after `wait_s`.

    Raises `NotAdmitted` if the person follows too many runs, and `DatabaseError`.
    """
    follower = StreamFollower(caller.user, caller.credential, run_id)
    try:
        async with asyncio.timeout(wait_s), aclosing(follower.items()) as items:  # type: ignore[type-var]
            async for item in items:
                match item:
                    case Steps(steps) if steps:
                        last = steps[-1]
                        await progress(last["sequence"], f"[{last['kind']}] {last['content'][:LONGEST_WORDS]}")
                    case RunStatus(run, is_final) if is_final or run["waiting_for"] in _RETURNS_AT:
                        return
                    case Closed():
                        return
    except TimeoutError:
        return
