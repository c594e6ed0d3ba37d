"""Reports of a run as database columns: thoughts as steps, call changes as calls."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from runs.agent.call_ids import question_id
from runs.agent.journal import CallChange, QuestionAsked
from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.kinds import in_claim
from runs.agent.payloads.steps import QuestionPayload
from runs.agent.redaction.redactor import Redactor
from runs.agent.thoughts import AgentThought
from runs.agent.wording import said_in
from runs.engine.recording.canonical_json import arguments_hash
from runs.engine.writing.columns import Columns
from runs.engine.writing.writes import CallUpdate
from runs.models.question import question_columns

OUR_OWN = frozenset(
    {"turn", "call_id", "attempt", "max_attempts", "severity", "recoverable", "lane", "tokens", "cost", "card"}
    | {"effect", "code", "note", "asks", "expires_at", "arguments_hash", "tokens_are_estimated"}
)
"""Fields whose values the engine makes, so they hold no secret."""


def step_columns(thought: AgentThought, *, epoch: int, redactor: Redactor) -> Columns:
    """The columns of a thought's step, except its HTML; `redactor` hides the secrets it knows."""
    now = datetime.now(UTC)
    step: Columns = {"kind": thought.type._value_, "content": redactor.text(thought.content), "ended_at": now}
    for name, value in as_json(thought.fields).items():
        if name in ("started_at", "ended_at"):
            step[name] = datetime.fromtimestamp(value, UTC)
        elif value is not None:
            step[name] = value if name in OUR_OWN else redactor.value(value)
    payload = in_claim(thought.payload, epoch)
    if isinstance(payload, QuestionPayload) and payload.asks == "approval":
        payload = replace(payload, arguments_hash=arguments_hash(step["tool_input"]))
    step["metadata"] = _without_secrets(as_json(payload) | said_in(thought.content), redactor)
    return step


def _without_secrets(told: Columns, redactor: Redactor) -> Columns:
    return {name: value if name in OUR_OWN else redactor.value(value) for name, value in told.items()}


def call_columns(change: CallChange, *, redactor: Redactor) -> Columns:
    """The columns of a new call; `redactor` hides secrets, also in the tool name, which a model may invent."""
    call = change.call
    arguments = redactor.value(call.arguments)
    return {
        "call_id": call.call_id,
        "turn": call.turn,
        "index": call.index,
        "position": call.position,
        "tool_name": redactor.text(call.tool_name),
        "arguments": arguments,
        "arguments_hash": arguments_hash(arguments),
        "effect": change.effect,
        "state": change.state,
        "started_at": datetime.now(UTC) if change.state == "started" else None,
        "expires_at": None if change.expires_at is None else datetime.fromtimestamp(change.expires_at, UTC),
    }


def call_update(change: CallChange) -> CallUpdate:
    """The changed columns of a call that has a row."""
    now = datetime.now(UTC)
    started = change.state == "started"
    call_id = UUID(change.call.call_id)
    if started:
        # Recovery goes by the effect of the tool that was run, not of the one that existed when the call was proposed.
        return CallUpdate(call_id, change.state, change.effect, started_at=now)
    if change.state in ("awaiting_answer", "awaiting_child"):
        return CallUpdate(call_id, change.state)
    if change.ran is not None:
        began, ended = (datetime.fromtimestamp(at, UTC) for at in change.ran)
        return CallUpdate(call_id, change.state, started_at=began, ended_at=ended)
    return CallUpdate(call_id, change.state, ended_at=now)


def asked_columns(change: CallChange, asked: QuestionAsked, *, redactor: Redactor) -> Columns:
    """The columns of the question that the call asks; `redactor` hides secrets."""
    told = {name: redactor.value(value) for name, value in question_columns(asked.question).items()}
    return told | {
        "id": question_id(change.call.call_id, asked.round),
        "call_id": change.call.call_id,
        "round": asked.round,
        "resume_state": redactor.value(asked.resume_state),
        "asked_at": datetime.now(UTC),
        "expires_at": None if asked.expires_at is None else datetime.fromtimestamp(asked.expires_at, UTC),
    }
