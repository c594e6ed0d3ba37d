"""Fault points: places where a process can be made to die, so that `make chaos` covers every commit boundary.

AGENTSITE_CRASH_FILE names a file. The first process that reaches the point whose name is written in it deletes the file
and kills itself, as `kill -9` would. Outside the experiments the variable is not set, and a point is one comparison.

Each boundary of `BOUNDARIES` has two points: `before_claim` inside the transaction, with everything written and nothing
committed, and `after_claim` after the commit and before any notification. Five more lie between commits: `in_call`,
which the tool of an experiment passes itself, `call_executed`, before a result is queued, `webhook_sent` and
`notification_sent`, before the result of an attempt is recorded, and `alerts_measured`, before the levels of alert
rules are stored.
"""

import os
import signal
from functools import partial
from pathlib import Path

from django.db import transaction

BOUNDARIES = (
    *("launch", "claim", "reply", "park", "decision", "start", "result", "finish", "suspend"),
    *("cancel_asked", "cancel", "launch_child", "await_child", "message", "read_messages"),
    *("webhook_claim", "webhook_record", "tick", "schedule", "delivery"),
    *("notification_claim", "notification_record", "alert_round"),
)

_file = Path(path) if (path := os.environ.get("AGENTSITE_CRASH_FILE")) else None


def crashpoint(name: str) -> None:
    """Kill this process if the crash file names this point."""
    if _file is None:
        return
    try:
        if _file.read_text().strip() != name:
            return
        _file.unlink()  # Only one process dies for one file.
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def are_on() -> bool:
    """True inside the chaos experiments."""
    return _file is not None


def at_commit(boundary: str) -> None:
    """Both points of the open transaction. Call it before other `on_commit`s, so that no notification is sent yet."""
    if _file is not None:
        crashpoint(f"before_{boundary}")
        transaction.on_commit(partial(crashpoint, f"after_{boundary}"))
