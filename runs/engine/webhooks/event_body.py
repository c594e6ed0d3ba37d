"""The body of an event: small, and the same in every attempt."""

import json
from datetime import datetime
from typing import Final

from django.conf import settings

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import as_storable_json
from runs.models import AlertRule, Run, Webhook, WebhookEvent
from runs.models.as_json import as_utc, cost_as_json

MAX_ANSWER_CHARS: Final = 8_000
"""Of the answer, where a webhook includes it."""


def run_body(run: Run, kind: Webhook.EventType, at: datetime, *, includes_answer: bool) -> str:
    """The JSON that tells `kind` of a run as its row stands. Reads its user."""
    data: JsonObject = {
        "id": str(run.pk),
        "status": run.status,
        "waiting_for": run.waiting_for or None,
        "could_not": run.could_not,
        "error_code": (run.error or {}).get("code"),
        "agent": run.config.get("agent"),
        "version": run.version,
        "user": run.user.get_username() if run.user is not None else None,
        "thread_id": str(run.thread_id),
        "parent_id": None if run.parent_call is None else str(run.parent_call.run_id),
        "cost": None if run.cost_is_partial else cost_as_json(run.cost),
        "tokens_used": run.tokens_used,
        "created_at": as_utc(run.created_at),
        "ended_at": as_utc(run.ended_at),
        "url": settings.AGENTSITE_URL + run.get_absolute_url(),
    }
    if includes_answer:
        data["answer"] = run.answer[:MAX_ANSWER_CHARS]
        data["answer_is_cut"] = len(run.answer) > MAX_ANSWER_CHARS
    return _body(kind.value, at, data)


def alert_body(rule: AlertRule, kind: Webhook.EventType, at: datetime, *, reason: str) -> str:
    """The JSON that tells of an alert rule as its row stands. Reads its user and its agent. `for_all` decides who may
    be told (`ABOUT_EVERYBODY`)."""
    data: JsonObject = {
        "id": str(rule.pk),
        "name": rule.name,
        "level": rule.level,
        "since": as_utc(rule.level_since),
        "metric": rule.metric,
        "value": None if rule.value is None else float(rule.value),
        "warning_at": None if rule.warning_at is None else float(rule.warning_at),
        "alert_at": float(rule.alert_at),
        "reason": reason,
        "window_s": rule.window_s if rule.is_windowed else None,
        "agent": None if rule.agent is None else rule.agent.name,
        "label": rule.label or None,
        "schedule_id": None if rule.schedule_id is None else str(rule.schedule_id),
        "for_all": rule.is_for_all,
        "user": rule.owner_name or None,
        "url": settings.AGENTSITE_URL + rule.get_absolute_url(),
    }
    return _body(kind.value, at, data)


def trial_body(webhook: Webhook, at: datetime) -> str:
    """The JSON of a test."""
    return _body(WebhookEvent.TEST, at, {"webhook_id": str(webhook.pk), "name": webhook.name})


def _body(kind: str, at: datetime, data: JsonObject) -> str:
    told = {"type": kind, "timestamp": as_utc(at), "data": data}
    return json.dumps(as_storable_json(told), ensure_ascii=False, separators=(",", ":"))
