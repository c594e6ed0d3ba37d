"""Tools with an independent witness: a log the site knows nothing of, with a line for each start and end.

Loaded into a real server with AGENTSITE_TOOLS. AGENTSITE_WITNESS names a folder: for the log, and for files that let
calls go on.
"""

import asyncio
import json
import os
import random
import signal
from pathlib import Path

from runs.agent.tools.protocol import Effect
from runs.agent.tools.registry import tool

FOLDER = Path(os.environ["AGENTSITE_WITNESS"])
LONGEST_CALL_S = 0.05

# One write to a file opened for appending is whole or not there, and outlives a killed process: nothing here is
# about power cuts, which would need an fsync.
_log = os.open(FOLDER / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _note(event: str, **about: object) -> None:
    os.write(_log, (json.dumps({"event": event, "pid": os.getpid(), **about}) + "\n").encode())


async def _appears(name: str) -> None:
    while not (FOLDER / name).exists():  # noqa: ASYNC110 - made by another process
        await asyncio.sleep(0.01)


def _worker(effect: Effect) -> None:
    @tool(name=f"work_{effect}", description="Takes a moment.", effect=effect)
    async def work(run: str, turn: int, place: int) -> str:
        _note("start", run=run, turn=turn, place=place)
        await asyncio.sleep(random.uniform(0, LONGEST_CALL_S))
        _note("end", run=run, turn=turn, place=place)
        return f"{run}/{turn}/{place}"


_worker("pure")
_worker("read")
_worker("idempotent")


@tool(effect="read")
async def hold(run: str, turn: int, place: int) -> str:
    """Wait until somebody makes the file `go`."""
    _note("start", run=run, turn=turn, place=place)
    await _appears("go")
    _note("end", run=run, turn=turn, place=place)
    return "let go"


@tool(effect="unsafe")
async def strike(run: str, turn: int, place: int) -> str:
    """Do what must not be done twice, until somebody makes the file `go`."""
    _note("start", run=run, turn=turn, place=place)
    await _appears("go")
    _note("end", run=run, turn=turn, place=place)
    return "struck"


@tool(effect="read")
async def kill_the_process(run: str, turn: int, place: int) -> str:
    """End the process this runs in, as soon as somebody makes the file `die`."""
    _note("start", run=run, turn=turn, place=place)
    await _appears("die")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never said"
