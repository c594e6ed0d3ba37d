"""Builders of AG-UI events (protocol 1.0). Fields without a value are omitted, never null."""

import json
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.api.agui.reply_drafts import Role
from runs.api.agui.transcript import RecordedMessages, WireMessage, arguments_of
from runs.models.as_json import StepJson

PROTOCOL_VERSION = "1.0"
Event = JsonObject


def encoded(event: Event) -> bytes:
    """The event as a server-sent event."""
    return f"data: {json.dumps(event)}\n\n".encode()


HEARTBEAT = b": still here\n\n"
"""An SSE comment, which keeps proxies from timing out and is no event."""


def run_started(thread_id: str, run_id: str) -> Event:
    """`RUN_STARTED`, the first event of every stream."""
    return {"type": "RUN_STARTED", "threadId": thread_id, "runId": run_id, "protocolVersion": PROTOCOL_VERSION}


def run_finished(thread_id: str, run_id: str, outcome: JsonObject, **more: Any) -> Event:
    """`RUN_FINISHED`, the last event of a run that did not fail, or that waits for a person."""
    return {"type": "RUN_FINISHED", "threadId": thread_id, "runId": run_id, "outcome": outcome} | _known(more)


def run_error(message: str, code: str, **more: Any) -> Event:
    """`RUN_ERROR`, the last event of a failed run, or of a stream that ends before its run."""
    return {"type": "RUN_ERROR", "message": message, "code": code} | _known(more)


def step_started(name: str) -> Event:
    """`STEP_STARTED` for a turn."""
    return {"type": "STEP_STARTED", "stepName": name}


def step_finished(name: str) -> Event:
    """`STEP_FINISHED` for a turn."""
    return {"type": "STEP_FINISHED", "stepName": name}


def message_start(role: Role, message_id: str) -> list[Event]:
    """The start events of a message: two for reasoning."""
    if role == "assistant":
        return [{"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}]
    return [
        {"type": "REASONING_START", "messageId": message_id},
        {"type": "REASONING_MESSAGE_START", "messageId": message_id, "role": "reasoning"},
    ]


def message_content(role: Role, message_id: str, delta: str) -> Event:
    """A content event with `delta`, which has at least one character."""
    kind = "TEXT_MESSAGE_CONTENT" if role == "assistant" else "REASONING_MESSAGE_CONTENT"
    return {"type": kind, "messageId": message_id, "delta": delta}


def message_end(role: Role, message_id: str) -> list[Event]:
    """The end events of a message: two for reasoning."""
    if role == "assistant":
        return [{"type": "TEXT_MESSAGE_END", "messageId": message_id}]
    return [
        {"type": "REASONING_MESSAGE_END", "messageId": message_id},
        {"type": "REASONING_END", "messageId": message_id},
    ]


def tool_call(step: StepJson, parent_id: str) -> list[Event]:
    """The three events of a call; its arguments are sent whole, because they are shown only once they are recorded."""
    call_id, name = step["call_id"] or "", step["tool_name"] or ""
    return [
        {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": name, "parentMessageId": parent_id},
        {"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": arguments_of(step)},
        {"type": "TOOL_CALL_END", "toolCallId": call_id},
    ]


def tool_result(step: StepJson, message_id: str) -> Event:
    """`TOOL_CALL_RESULT` for a tool result step."""
    return {
        "type": "TOOL_CALL_RESULT",
        "messageId": message_id,
        "toolCallId": step["call_id"] or "",
        "content": step["content"],
        "role": "tool",
    }


def custom(step: StepJson) -> Event:
    """`CUSTOM` for a step without an AG-UI event: a failed attempt, a race, an error, an approval, a note."""
    return {"type": "CUSTOM", "name": f"agentsite.{step['kind']}", "value": step}


def state_snapshot(state: Any) -> Event:
    """`STATE_SNAPSHOT` with the application's state."""
    return {"type": "STATE_SNAPSHOT", "snapshot": state}


def messages_snapshot(messages: list[WireMessage | RecordedMessages]) -> Event:
    """`MESSAGES_SNAPSHOT`, which replaces the client's messages. `long_snapshots` encodes `RecordedMessages` in it."""
    return {"type": "MESSAGES_SNAPSHOT", "messages": messages}


def _known(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}
