"""What a run reports, as the columns of its rows: thoughts as steps, changes of calls as calls."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from runs.agent.journal import CallChange
from runs.agent.redaction import Redactor
from runs.agent.thoughts import AgentThought
from runs.engine.arguments import arguments_hash
from runs.engine.writes import CallUpdate

_COLUMNS = frozenset(
    {"turn", "tool_name", "call_id", "tool_input", "tool_output", "attempt", "max_attempts", "severity", "recoverable"}
    | {"suggested_action", "provider", "model", "lane", "tokens", "cost"}
)
"""Metadata a step has a column for; the rest stays in its `metadata`."""
_OUR_OWN = frozenset(
    {"turn", "call_id", "attempt", "max_attempts", "severity", "recoverable", "lane", "tokens", "cost", "started_at"}
    | {"ended_at", "card", "effect", "code", "note", "asks", "expires_at", "tokens_are_estimated"}
)
"""Metadata with values of our own making, in which no secret can be."""


def step_columns(thought: AgentThought, *, epoch: int, redactor: Redactor) -> dict[str, Any]:
    """The columns of a thought's step, but for its HTML; `redactor` hides the secrets it knows.

    A card's name begins with the epoch, because a later claim begins to count its attempts anew.
    """
    now = datetime.now(UTC)
    step: dict[str, Any] = {"kind": thought.type.value, "content": redactor.text(thought.content), "ended_at": now}
    rest: dict[str, Any] = {}
    for name, told in thought.metadata.items():
        value = told if name in _OUR_OWN else redactor.value(told)
        if name in _COLUMNS:
            if value is not None:
                step[name] = value
        elif name in ("started_at", "ended_at"):
            step[name] = datetime.fromtimestamp(value, UTC)
        elif name == "card":
            rest[name] = f"{epoch}-{value}"
        elif name == "cards":
            rest[name] = [f"{epoch}-{card}" for card in value]
        else:
            rest[name] = value
    if rest.get("asks") == "approval":
        rest["arguments_hash"] = arguments_hash(step["tool_input"])
    step["metadata"] = rest
    return step


def call_columns(change: CallChange, *, redactor: Redactor) -> dict[str, Any]:
    """The columns of a new call; `redactor` hides the secrets it knows, in its name too: a model makes names up."""
    call = change.call
    arguments = redactor.value(call.arguments)
    return {
        "call_id": call.call_id,
        "turn": call.turn,
        "index": call.index,
        "tool_name": redactor.text(call.tool_name),
        "arguments": arguments,
        "arguments_hash": arguments_hash(arguments),
        "effect": change.effect,
        "state": change.state,
        "started_at": datetime.now(UTC) if change.state == "started" else None,
        "expires_at": None if change.expires_at is None else datetime.fromtimestamp(change.expires_at, UTC),
    }


def call_update(change: CallChange) -> CallUpdate:
    """What changes of a call that has its row."""
    now = datetime.now(UTC)
    started = change.state == "started"
    call_id = UUID(change.call.call_id)
    if started:
        # What recovery may do with it goes by the tool that was run, not by the one there was when it was proposed.
        return CallUpdate(call_id, change.state, change.effect, started_at=now)
    return CallUpdate(call_id, change.state, ended_at=now)
