"""Runs and steps as JSON: the same objects in the API, on the command line and over sockets."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from runs.models.run import Run
from runs.models.step import Step


def run_as_json(run: Run) -> dict[str, Any]:
    """The run as the API shows it. What is not known or does not apply is null."""
    return {
        "id": str(run.pk),
        "task": run.task,
        "status": run.status,
        "waiting_for": run.waiting_for or None,
        "agent": run.config.get("agent"),
        "answer": run.answer or None,
        "output": run.output,
        "error": run.error,
        "steps_taken": run.steps_taken,
        "tokens_used": run.tokens_used,
        "usage_is_estimated": run.usage_is_estimated,
        # A part of the cost is no cost: the steps tell which replies' is known.
        "cost": None if run.cost_is_partial else _dollars(run.cost),
        "created_at": as_utc(run.created_at),
        "started_at": as_utc(run.started_at),
        "ended_at": as_utc(run.ended_at),
    }


def step_as_json(step: Step) -> dict[str, Any]:
    """The step as the API shows it. What is not known or does not apply is null."""
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
        "cost": _dollars(step.cost),
        "started_at": as_utc(step.started_at),
        "ended_at": as_utc(step.ended_at),
        "metadata": step.metadata,
    }


def as_utc(moment: datetime | None) -> str | None:
    """ISO 8601 with the short Z, such as `2026-11-22T11:24:00.123456Z`."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _dollars(cost: Decimal | None) -> str | None:
    """A plain decimal string: never `0E-8`, no trailing zeros."""
    if cost is None:
        return None
    text = format(cost, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
