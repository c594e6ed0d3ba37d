"""The events of AG-UI (protocol 1.0), made; absent is the only spelling of what there is none of."""

import json
from typing import Any

from runs.api.agui.drafts import Role
from runs.api.agui.transcript import Message, arguments_of

PROTOCOL_VERSION = "1.0"
Event = dict[str, Any]


def encoded(event: Event) -> bytes:
    """An event as one message of an event stream."""
    return f"data: {json.dumps(event)}\n\n".encode()


HEARTBEAT = b": still here\n\n"
"""A comment: keeps proxies from giving up, and is no event."""


def run_started(thread_id: str, run_id: str) -> Event:
    """The first event of every stream."""
    return {"type": "RUN_STARTED", "threadId": thread_id, "runId": run_id, "protocolVersion": PROTOCOL_VERSION}


def run_finished(thread_id: str, run_id: str, outcome: dict[str, Any], **more: Any) -> Event:
    """The last event of a run that did not fail, or that waits for somebody."""
    return {"type": "RUN_FINISHED", "threadId": thread_id, "runId": run_id, "outcome": outcome} | _known(more)


def run_error(message: str, code: str, **more: Any) -> Event:
    """The last event of a run that failed, or of a stream that ends before its run."""
    return {"type": "RUN_ERROR", "message": message, "code": code} | _known(more)


def step_started(name: str) -> Event:
    """A turn begins."""
    return {"type": "STEP_STARTED", "stepName": name}


def step_finished(name: str) -> Event:
    """A turn is over."""
    return {"type": "STEP_FINISHED", "stepName": name}


def message_start(role: Role, message_id: str) -> list[Event]:
    """A message of a reply begins."""
    if role == "assistant":
        return [{"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}]
    return [
        {"type": "REASONING_START", "messageId": message_id},
        {"type": "REASONING_MESSAGE_START", "messageId": message_id, "role": "reasoning"},
    ]


def message_content(role: Role, message_id: str, delta: str) -> Event:
    """Some words of a message; at least one character."""
    kind = "TEXT_MESSAGE_CONTENT" if role == "assistant" else "REASONING_MESSAGE_CONTENT"
    return {"type": kind, "messageId": message_id, "delta": delta}


def message_end(role: Role, message_id: str) -> list[Event]:
    """A message is complete."""
    if role == "assistant":
        return [{"type": "TEXT_MESSAGE_END", "messageId": message_id}]
    return [
        {"type": "REASONING_MESSAGE_END", "messageId": message_id},
        {"type": "REASONING_END", "messageId": message_id},
    ]


def tool_call(step: dict[str, Any], parent_id: str) -> list[Event]:
    """A call with all of its arguments: they are only shown once they are recorded."""
    call_id, name = step["call_id"] or "", step["tool_name"] or ""
    return [
        {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": name, "parentMessageId": parent_id},
        {"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": arguments_of(step)},
        {"type": "TOOL_CALL_END", "toolCallId": call_id},
    ]


def tool_result(step: dict[str, Any], message_id: str) -> Event:
    """What a tool gave back."""
    return {
        "type": "TOOL_CALL_RESULT",
        "messageId": message_id,
        "toolCallId": step["call_id"] or "",
        "content": step["content"],
        "role": "tool",
    }


def custom(step: dict[str, Any]) -> Event:
    """A step AG-UI has no event for: a failed attempt, a race, an error, an approval, a note."""
    return {"type": "CUSTOM", "name": f"agentsite.{step['kind']}", "value": step}


def state_snapshot(state: Any) -> Event:
    """The application's state."""
    return {"type": "STATE_SNAPSHOT", "snapshot": state}


def messages_snapshot(messages: list[Message]) -> Event:
    """All messages, in place of those the client has."""
    return {"type": "MESSAGES_SNAPSHOT", "messages": messages}


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
