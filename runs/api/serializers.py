"""Rows as JSON of the API, and JSON responses."""

from typing import Any, Final

from django.http import HttpResponse, JsonResponse

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_types import JsonObject
from runs.models import Agent, Question, RunMessage, ToolCall
from runs.models.as_json import as_utc

LONG_COLUMNS: Final = ("task", "filled_inputs", "answer", "output", "config", "error")
"""Columns of a run that calls and questions do not show."""


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON response; underscores in header names become hyphens."""
    return JsonResponse(body, status=status, headers={name.replace("_", "-"): text for name, text in headers.items()})


def call_as_json(call: ToolCall) -> JsonObject:
    """The tool call as the API shows it. Reads `run` and `decided_by`: select them with the call."""
    return {
        "call_id": str(call.pk),
        "run_id": str(call.run_id),
        "root_id": None if call.run.root is None else str(call.run.root),
        "turn": call.turn,
        "parent_id": call.parent_id or None,
        "tool_name": call.tool_name,
        "arguments": call.arguments,
        "arguments_hash": call.arguments_hash,
        "proposed_arguments": call.proposed_arguments,
        "effect": call.effect,
        "state": call.state,
        "decided_by": call.decided_by.get_username() if call.decided_by else None,
        "decided_at": as_utc(call.decided_at),
        "decision_reason": call.decision_reason or None,
        "surface": call.surface or None,
        "expires_at": as_utc(call.expires_at),
        "undo_until": as_utc(call.undo_until),
        "started_at": as_utc(call.started_at),
        "ended_at": as_utc(call.ended_at),
    }


def question_as_json(question: Question) -> JsonObject:
    """The question as the API shows it. Reads `call__run` and `answered_by`: select them with the question."""
    return {
        "id": str(question.pk),
        "call_id": str(question.call_id),
        "run_id": str(question.call.run_id),
        "root_id": None if question.call.run.root is None else str(question.call.run.root),
        "tool_name": question.call.tool_name,
        "kind": question.kind,
        "text": question.text,
        "choices": question.choices,
        "schema": question.schema,
        "default": question.default,
        "state": question.state,
        "answer": question.answer,
        "answered_by": question.answered_by.get_username() if question.answered_by else None,
        "answered_at": as_utc(question.answered_at),
        "surface": question.surface or None,
        "asked_at": as_utc(question.asked_at),
        "expires_at": as_utc(question.expires_at),
    }


def message_as_json(message: RunMessage) -> JsonObject:
    """The message as the API shows it. Reads `run` and `user`: select them with the message."""
    return {
        "id": str(message.pk),
        "run_id": str(message.run_id),
        "position": message.position,
        "text": message.text,
        "state": "not_read" if message.is_left_unread else message.state,
        "interrupt": message.interrupts,
        "sent_by": message.user.get_username() if message.user else None,
        "created_at": as_utc(message.created_at),
        "edited_at": as_utc(message.edited_at),
        "read_at": as_utc(message.read_at),
        "read_before_turn": message.read_before_turn,
    }


def agent_as_json(agent: Agent) -> JsonObject:
    """The agent as the API shows it, without its instructions, which only people who may see agents in the admin
    read."""
    snapshot = agent.snapshot()
    return {
        "id": agent.pk,
        "name": agent.name,
        "description": agent.description,
        "models": list(agent.model_names) or ["offline"],
        "strategy": agent.strategy,
        "tools": agent.tools,
        "agents": list(agent.agents),
        "libraries": list(agent.libraries),
        "skills": list(agent.skills),
        **{setting.public: snapshot.get(setting.name) for setting in LAUNCHED},
        "extra": snapshot.get("extra", {}),
        "output_schema": agent.output_schema,
        "approval": agent.approval,
        "launch_may_raise": list(agent.launch_may_raise),
        "priority": agent.priority,
        "is_default": agent.is_default,
        "is_archived": agent.archived_at is not None,
        "version": agent.version,
        "labels": {label.name: label.number for label in agent.labels.all()},
    }
