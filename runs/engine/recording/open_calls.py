"""The calls of a run that have no result yet."""

import asyncio
from collections.abc import Iterable

from runs.agent.journal import CallChange


class OpenCalls:
    """The recorded calls without a result, by call id, and whether there are any."""

    def __init__(self, calls: dict[str, CallChange] | None) -> None:
        """`calls`: the open calls that an earlier claim left."""
        self.calls = calls or {}
        self.between_turns = asyncio.Event()
        """Set while there are none: a safe point to stop at."""
        if not self.calls:
            self.between_turns.set()

    def note(self, changes: Iterable[CallChange]) -> None:
        """Apply recorded changes of calls."""
        is_changed = False
        for change in changes:
            is_changed = True
            if change.state in ("succeeded", "failed"):
                self.calls.pop(change.call.call_id, None)
            else:
                self.calls[change.call.call_id] = change
        if not self.calls:
            self.between_turns.set()
        elif is_changed:
            self.between_turns.clear()
