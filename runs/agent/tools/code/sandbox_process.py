"""The process of a script: a fresh one for each, confined by the system too, and gone with the script."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from pydantic_monty import AsyncMontySession

MAX_COMPUTE_S: Final = 5.0
"""Time that a script computes, without its calls."""
REPLAY_S: Final = 5.0
"""More of it for a script that starts again: it must get as far as it was, on a slower machine too."""
MAX_MEMORY: Final = 32 << 20
MAX_SUSPENSIONS: Final = 100_000
"""Calls, and names looked up. Calls have a limit of their own, the run's `max_calls`."""
MAX_PROCESSES: Final = 16
"""Scripts of one server process that run at the same time, at 12 MB each; the others wait."""
NICENESS: Final = 10

_places: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def sandbox_session(seed: str, *, is_replay: bool) -> AsyncIterator["AsyncMontySession"]:
    """A session of the interpreter in a new process, which is killed when the block ends.

    It has no clock, and its random numbers follow from `seed`: a script that starts again does the same again.
    """
    # 10 MB of native code, loaded only where a script runs.
    from pydantic_monty import AsyncMonty

    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MAX_PROCESSES))
    limits: Any = {
        "max_feed_duration_secs": MAX_COMPUTE_S + (REPLAY_S if is_replay else 0),
        "max_memory": MAX_MEMORY,
        "max_suspensions": MAX_SUSPENSIONS,
    }
    policy: Any = {"datetime": "call_host", "sleep": "call_host", "random_start": {"seed": seed}}
    async with (
        places,
        AsyncMonty(max_processes=1) as pool,
        pool.checkout(script_name="script.py", limits=limits, os_policy=policy) as session,
    ):
        if session.worker_pid is not None:
            _confine(session.worker_pid)
        yield session


def _confine(pid: int) -> None:
    """Take from the process what the interpreter never needs, should a script get out of it: files, sockets, most of
    the memory. What it has open stays open."""
    with contextlib.suppress(OSError):  # It may be gone already.
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    try:
        from resource import RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, prlimit
    except ImportError:
        return  # Only Linux can set the limits of another process.
    cpu_s = round(2 * (MAX_COMPUTE_S + REPLAY_S))
    for limit, most in ((RLIMIT_NOFILE, 0), (RLIMIT_FSIZE, 0), (RLIMIT_CORE, 0), (RLIMIT_CPU, cpu_s)):
        with contextlib.suppress(OSError):
            prlimit(pid, limit, (most, most))
    with contextlib.suppress(OSError):
        prlimit(pid, RLIMIT_AS, (16 * MAX_MEMORY, 16 * MAX_MEMORY))
