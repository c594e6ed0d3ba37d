"""Tools with an independent witness: a log that the site does not know, with a durable line for each start and end.

Loaded into real servers and workers with AGENTSITE_TOOLS. AGENTSITE_WITNESS names a folder: for the log, and for files
that hold and release calls. CHAOS_CALL_S is the duration of the longest call of `work_…`.
"""

import asyncio
import json
import os
import random
import signal
import time
from pathlib import Path

from runs.agent.tools.call_idempotency import idempotency_key
from runs.agent.tools.protocol import Effect
from runs.agent.tools.registry import tool
from runs.engine.operations.fault_points import crashpoint

FOLDER = Path(os.environ["AGENTSITE_WITNESS"])
LONGEST_CALL_S = float(os.environ.get("CHAOS_CALL_S", "0.05"))

# One write to a file opened for appending is atomic, also beside other writers.
_log = os.open(FOLDER / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _write(line: bytes) -> None:
    os.write(_log, line)
    os.fsync(_log)


async def _note(event: str, run: str, turn: int, place: int) -> None:
    about = {"event": event, "call": idempotency_key(), "place": f"{run}/{turn}/{place}", "pid": os.getpid()}
    # The time before the write: a start is never dated later than it was. The disk must not block the loop.
    await asyncio.to_thread(_write, (json.dumps({**about, "at": time.time()}) + "\n").encode())


async def _until(name: str, *, exists: bool) -> None:
    while (FOLDER / name).exists() != exists:  # noqa: ASYNC110 - made by another process
        await asyncio.sleep(0.01)


def _is_held(place: int) -> bool:
    """True if there is a file `hold`, which may name the first place that is held."""
    try:
        return place >= int((FOLDER / "hold").read_text() or 0)
    except FileNotFoundError:
        return False


def _worker(effect: Effect) -> None:
    @tool(name=f"work_{effect}", description="Takes a moment, and as long as it is held.", effect=effect)
    async def work(run: str, turn: int, place: int) -> str:
        await _note("start", run, turn, place)
        crashpoint("in_call")
        await asyncio.sleep(random.uniform(0, LONGEST_CALL_S))
        while _is_held(place):  # noqa: ASYNC110 - released by another process
            await asyncio.sleep(0.01)
        await _note("end", run, turn, place)
        return f"{run}/{turn}/{place}"


_worker("pure")
_worker("read")
_worker("idempotent")
_worker("unsafe")


@tool(effect="read")
async def wait_for_go(run: str, turn: int, place: int) -> str:
    """Wait until somebody makes the file `go`."""
    await _note("start", run, turn, place)
    await _until("go", exists=True)
    await _note("end", run, turn, place)
    return "let go"


@tool(effect="unsafe")
async def strike(run: str, turn: int, place: int) -> str:
    """Do what must not be done twice, until somebody makes the file `go`."""
    await _note("start", run, turn, place)
    await _until("go", exists=True)
    await _note("end", run, turn, place)
    return "struck"


@tool(effect="read")
async def kill_the_process(run: str, turn: int, place: int) -> str:
    """End the process this runs in, as soon as somebody makes the file `die`."""
    await _note("start", run, turn, place)
    await _until("die", exists=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return "never said"
