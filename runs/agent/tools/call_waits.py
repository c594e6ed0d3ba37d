"""Calls that wait for something outside of their run, such as a person's answer or a child run."""

import json
from typing import Any, ClassVar, Final, Literal

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_values import check_storable_json

MAX_RESUME_CHARS: Final = 64 * 1024
"""Length limit of a `resume_state` as JSON."""

WaitingState = Literal["awaiting_answer", "awaiting_child"]
"""The states of a call that waits for something outside. The call runs again once that has come."""
WaitsFor = Literal["answer", "child"]
"""What the run of such a call is parked for."""


class CallWaits(Exception):
    """The call has no result yet: it waits for something outside, and runs again once that has come.

    A tool's `execute` raises a subclass. When the other calls of the turn have ended, the run leaves its host and takes
    up no slot. Where nothing can wait, such as outside of a run, the call fails instead. Whatever the call has done
    before it raises this, it finds when it runs again: the run takes the call as not made.
    """

    state: ClassVar[WaitingState]
    waits_for: ClassVar[WaitsFor]

    def __init__(self, *, resume_state: Any = None) -> None:
        """`resume_state` is JSON that the tool gets back when the call runs again. Secrets in it are not stored.

        Raises `ToolFailed` if it is too long, or cannot be stored.
        """
        super().__init__(self.state)
        self.resume_state = storable(resume_state, "resume_state", most_chars=MAX_RESUME_CHARS)


def storable(value: Any, name: str, *, most_chars: int) -> Any:
    """The JSON value. Raises `ToolFailed` for one that no database can store, or with more characters as JSON."""
    try:
        check_storable_json(value)
        length = len(json.dumps(value, ensure_ascii=False))
    except (RecursionError, TypeError, ValueError) as error:
        raise ToolFailed(f"{name} cannot be stored: {error}.") from error
    if length > most_chars:
        raise ToolFailed(f"{name} has {length:,} characters as JSON; at most {most_chars:,} are stored.")
    return value
