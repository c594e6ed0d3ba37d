"""The calls of a turn that run at the same time: when each began and ended, told by each of their results.

A step's card depends on its row only, and the picture of a turn needs the times of all its calls. So the last call of
several, and each result, carries what is known of all of them at that moment, as metadata `calls`.
"""

from collections.abc import Sequence
from typing import Any

from runs.agent.thoughts import AgentThought, ThoughtType

MOST_CALLS = 16
"""Of more calls the first are told: each of them is told again by every result."""

TIMEOUTS = frozenset({"timeout", "tool_timeout"})


class SideBySide:
    """The calls of the turn that is under way, if there are several."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, Any]] = {}

    def note(self, thoughts: Sequence[AgentThought], steps: Sequence[dict[str, Any]]) -> None:
        """Add `calls` to the metadata of those of the steps, each made of one thought, that others wait for."""
        proposed = [thought.metadata for thought in thoughts if thought.type is ThoughtType.TOOL_CALL]
        if proposed:
            few = proposed[:MOST_CALLS] if len(proposed) > 1 else []
            self._calls = {call["call_id"]: _running(call) for call in few}
        if not self._calls:
            return
        for thought, step in zip(reversed(thoughts), reversed(steps), strict=True):
            if thought.type is ThoughtType.TOOL_CALL:
                step["metadata"]["calls"] = list(self._calls.values())
                return  # The last one tells of all of them.
            if thought.type is ThoughtType.TOOL_RESULT and thought.metadata.get("call_id") in self._calls:
                self._calls[thought.metadata["call_id"]] = _ended(thought.metadata)
                step["metadata"]["calls"] = list(self._calls.values())


def _running(call: dict[str, Any]) -> dict[str, Any]:
    return {"call_id": call["call_id"], "tool_name": call["tool_name"], "state": "running"}


def _ended(result: dict[str, Any]) -> dict[str, Any]:
    about = {"call_id": result["call_id"], "tool_name": result["tool_name"], "state": _state(result)}
    if (started_at := result.get("started_at")) is None:
        return about
    return about | {"started_at": round(started_at, 4), "ended_at": round(result["ended_at"], 4)}


def _state(result: dict[str, Any]) -> str:
    if not result.get("severity"):
        return "succeeded"
    code = result.get("code")
    if code == "outcome_unknown":
        return "unknown"
    return "timeout" if code in TIMEOUTS else "failed"
