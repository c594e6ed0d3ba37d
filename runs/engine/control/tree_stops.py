"""Child runs that nobody waits for any more are stopped."""

from functools import partial
from typing import Final
from uuid import UUID

from runs.engine.control.cancel import stop_one
from runs.engine.control.tree_lock import in_locked_tree
from runs.engine.control.tree_wakes import unwanted
from runs.models import Run

ITSELF: Final = "Agentsite"
"""In place of a person's name, for a stop that nobody asked for."""


def stop_unwanted() -> int:
    """Stop the unfinished child runs whose call has ended without them. Returns their number."""
    ids = unwanted()
    for run_id in ids:
        in_locked_tree(run_id, partial(_stop, run_id))
    return len(ids)


def _stop(run_id: UUID, run: Run, below: list[Run]) -> None:
    if run_id in unwanted():
        for each in [*below, run]:
            stop_one(each, ITSELF)
