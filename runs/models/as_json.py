"""Runs and steps as JSON: the same objects in the API, on the command line and over sockets."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypedDict

from runs.agent.json_data.json_types import JsonObject
from runs.models.run import Run
from runs.models.step import Step


class StepJson(TypedDict):
    """A step in the API, exports, AG-UI and the frames of the live view."""

    sequence: int
    turn: int | None
    kind: str
    content: str
    tool_name: str | None
    call_id: str | None
    tool_input: Any
    tool_output: Any
    attempt: int | None
    max_attempts: int | None
    severity: str | None
    recoverable: bool | None
    suggested_action: str | None
    provider: str | None
    model: str | None
    lane: int | None
    tokens: int | None
    cost: str | None
    """US dollars as a decimal string."""
    started_at: str | None
    """ISO 8601 in UTC, as `ended_at`."""
    ended_at: str | None
    metadata: JsonObject


def run_as_json(run: Run) -> JsonObject:
    """The run as the API shows it. Unknown and inapplicable values are null. Reads `parent_call` of a child run: select
    it with many."""
    return {
        "id": str(run.pk),
        "task": run.task,
        "status": run.status,
        "could_not": run.could_not,
        "waiting_for": run.waiting_for or None,
        "agent": run.config.get("agent"),
        "version": run.version,
        "draft": draft_of(run),
        "template": template_of(run),
        "inputs": inputs_of(run),
        "schedule_id": None if run.schedule_id is None else str(run.schedule_id),
        "trigger_id": None if run.trigger_id is None else str(run.trigger_id),
        "parent_id": str(run.parent_call.run_id) if run.parent_call is not None else None,
        "parent_call_id": None if run.parent_call_id is None else str(run.parent_call_id),
        "root_id": None if run.root is None else str(run.root),
        "thread_id": str(run.thread_id),
        "continues_id": None if run.continues_id is None else str(run.continues_id),
        "answer": run.answer or None,
        "output": run.output,
        "error": run.error,
        "steps_taken": run.steps_taken,
        "tokens_used": run.tokens_used,
        "usage_is_estimated": run.usage_is_estimated,
        # A partial cost is not shown as the cost: the steps have the known costs of replies.
        "cost": None if run.cost_is_partial else cost_as_json(run.cost),
        "created_at": as_utc(run.created_at),
        "started_at": as_utc(run.started_at),
        "ended_at": as_utc(run.ended_at),
    }


def draft_of(run: Run) -> JsonObject | None:
    """Of a run that tries a draft the version that was changed, null if there was none; None for other runs."""
    return {"based_on": run.draft_base or None} if run.is_draft else None


def template_of(run: Run) -> JsonObject | None:
    """The template that the task was made of, by the name it had then; `id` is null after its end."""
    return None if run.filled_inputs is None else {"id": run.template_id, "name": run.filled_inputs["template"]}


def inputs_of(run: Run) -> dict[str, str] | None:
    """The values that the template was filled with, by input; of a file the id."""
    return None if run.filled_inputs is None else {each["name"]: each["value"] for each in run.filled_inputs["values"]}


def child_as_json(child: Run) -> JsonObject:
    """A child run in the representation of the run that launched it."""
    return {
        "id": str(child.pk),
        "call_id": str(child.parent_call_id),
        "agent": child.config.get("agent"),
        "status": child.status,
        "could_not": child.could_not,
        "waiting_for": child.waiting_for or None,
        "cost": None if child.cost_is_partial else cost_as_json(child.cost),
    }


def step_as_json(step: Step) -> StepJson:
    """The step as the API shows it. Unknown and inapplicable values are null."""
    return {
        "sequence": step.sequence,
        "turn": step.turn,
        "kind": step.kind,
        "content": step.content,
        "tool_name": step.tool_name or None,
        "call_id": None if step.call_id is None else str(step.call_id),
        "tool_input": step.tool_input,
        "tool_output": step.tool_output,
        "attempt": step.attempt,
        "max_attempts": step.max_attempts,
        "severity": step.severity or None,
        "recoverable": step.recoverable,
        "suggested_action": step.suggested_action or None,
        "provider": step.provider or None,
        "model": step.model or None,
        "lane": step.lane,
        "tokens": step.tokens,
        "cost": cost_as_json(step.cost),
        "started_at": as_utc(step.started_at),
        "ended_at": as_utc(step.ended_at),
        "metadata": step.metadata,
    }


def as_utc(moment: datetime | None) -> str | None:
    """ISO 8601 with the short Z, such as `2026-11-22T11:24:00.123456Z`."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def cost_as_json(cost: Decimal | None) -> str | None:
    """A plain decimal string: never `0E-8`, no trailing zeros."""
    if cost is None:
        return None
    text = format(cost, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
