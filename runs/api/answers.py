"""Rows as the contract's JSON, and the answers that carry them."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from runs.agent.limits import TIME_LIMITS
from runs.agent.model_settings import SETTINGS
from runs.models import Agent, ToolCall
from runs.models.as_json import as_utc


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON answer."""
    return JsonResponse(body, status=status, headers={name.replace("_", "-"): text for name, text in headers.items()})


def call_as_json(call: ToolCall) -> dict[str, Any]:
    """The tool call as the API shows it. `decided_by` should have been read with it."""
    return {
        "call_id": str(call.pk),
        "run_id": str(call.run_id),
        "turn": call.turn,
        "tool_name": call.tool_name,
        "arguments": call.arguments,
        "arguments_hash": call.arguments_hash,
        "proposed_arguments": call.proposed_arguments,
        "effect": call.effect,
        "state": call.state,
        "decided_by": call.decided_by.get_username() if call.decided_by else None,
        "decided_at": as_utc(call.decided_at),
        "decision_reason": call.decision_reason or None,
        "expires_at": as_utc(call.expires_at),
        "started_at": as_utc(call.started_at),
        "ended_at": as_utc(call.ended_at),
    }


def agent_as_json(agent: Agent) -> dict[str, Any]:
    """The agent as the API shows it; its instructions are for staff."""
    snapshot = agent.snapshot()
    return {
        "name": agent.name,
        "description": agent.description,
        "models": list(agent.model_names) or ["offline"],
        "strategy": agent.strategy,
        "tools": agent.tools,
        "max_turns": agent.max_turns,
        "max_seconds": agent.max_seconds,
        "max_tokens": agent.max_tokens,
        "max_cost_usd": None if agent.max_cost_usd is None else str(agent.max_cost_usd),
        **{name: snapshot.get(name) for name in (*SETTINGS, *sorted(TIME_LIMITS))},
        "extra": snapshot.get("extra", {}),
        "output_schema": agent.output_schema,
        "approval": agent.approval,
        "priority": agent.priority,
        "is_default": agent.is_default,
    }
