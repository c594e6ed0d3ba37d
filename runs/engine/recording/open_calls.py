"""The calls of a run that have no result yet."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from runs.agent.journal import CallChange


class OpenCalls:
    """The recorded calls without a result, by call id, and whether there are any."""

    def __init__(self, calls: dict[str, CallChange] | None) -> None:
        """`calls`: the open calls that an earlier claim left."""
        self.calls = calls or {}
        self.asking = {call_id for call_id, change in self.calls.items() if change.state == "awaiting_answer"}
        """The ids of those that wait for an answer."""
        self.between_turns = asyncio.Event()
        """Set while there are none: a safe point to stop at."""
        if not self.calls:
            self.between_turns.set()

    def withdrawn_by(self, changes: Iterable[CallChange]) -> list[UUID]:
        """The calls among the changed ones that were waiting for an answer, and end without it."""
        return [UUID(change.call.call_id) for change in changes if change.call.call_id in self.asking]

    def note(self, changes: Iterable[CallChange]) -> None:
        """Apply recorded changes of calls."""
        is_changed = False
        for change in changes:
            is_changed = True
            if change.asked is not None:
                self.asking.add(change.call.call_id)
            if change.state in ("succeeded", "failed"):
                self.calls.pop(change.call.call_id, None)
            else:
                self.calls[change.call.call_id] = change
        if not self.calls:
            self.between_turns.set()
        elif is_changed:
            self.between_turns.clear()
