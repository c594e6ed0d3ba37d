"""Places where a process can be made to die, so that the experiments of `make chaos` cover every commit boundary.

AGENTSITE_CRASH_FILE names a file. The first process that comes past the point whose name is written in it takes the
file away and kills itself, as `kill -9` would. Outside the experiments the variable is not set, and a point is one
comparison.

Each boundary of `BOUNDARIES` has two points: `before_claim` inside the transaction, when everything is written and
nothing committed, and `after_claim` when it is committed and nobody has been told. Two more lie between commits:
`in_call`, which the tool of an experiment passes itself, and `call_executed`, before a result is queued.
"""

import os
import signal
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from django.db import transaction

from runs.engine.writes import Write

BOUNDARIES = (
    *("launch", "claim", "reply", "park", "decision", "start", "result", "finish", "suspend"),
    *("cancel_asked", "cancel"),
)

_file = Path(path) if (path := os.environ.get("AGENTSITE_CRASH_FILE")) else None


def crashpoint(name: str) -> None:
    """Die here, if this is the point that is asked for."""
    if _file is None:
        return
    try:
        if _file.read_text().strip() != name:
            return
        _file.unlink()  # Only one process dies for one file.
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def at_commit(boundary: str) -> None:
    """Both points of the open transaction. Called before its other `on_commit`s, so that nobody is told yet."""
    if _file is not None:
        crashpoint(f"before_{boundary}")
        transaction.on_commit(partial(crashpoint, f"after_{boundary}"))


def at_writes(when: Literal["before", "after"], writes: Iterable[Write]) -> None:
    """The points of a batch of the writer, on one side of its commit."""
    if _file is not None:
        for write in writes:
            if boundary := _boundary(write):
                crashpoint(f"{when}_{boundary}")


def _boundary(write: Write) -> str:
    if write.leaves:
        return {"idle": "suspend", "waiting": "park", "cancelled": "cancel"}.get(write.status or "", "finish")
    if write.new_calls:
        return "reply"
    if any(call.state == "started" for call in write.calls):
        return "start"
    return "result" if write.calls else ""
