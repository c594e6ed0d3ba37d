"""Validation of AG-UI streams, with two independent packages and checks of our own.

`ag-ui-protocol` has the shape of each event, `ag-ui-validate` the order that the specification demands.
"""

from collections.abc import Iterable
from typing import Any

from ag_ui.core import Event as ProtocolEvent
from ag_ui_validate.pytest_plugin import validate_agui
from pydantic import BaseModel, TypeAdapter

Event = dict[str, Any]
_EVENT: TypeAdapter[Any] = TypeAdapter(ProtocolEvent)
_STARTS = ("TEXT_MESSAGE_START", "REASONING_MESSAGE_START")
_ENDS = ("TEXT_MESSAGE_END", "REASONING_MESSAGE_END")
_ENDED_STREAM = {"AGUI003", "AGUI007", "AGUI103", "AGUI203", "AGUI402"}
"""Rules about open items at the end of a stream, which do not apply to a client that leaves early."""


def check(events: list[Event], *, is_whole: bool = True) -> None:
    """Assert that a stream is valid. `is_whole`: the client read it to its end."""
    for event in events:
        check_shape(event)
    check_rules(events, is_whole=is_whole)
    check_order(events)


def check_shape(event: Event) -> None:
    """Each field is in the protocol, with its type; fields without a value are absent, not null."""
    known = _EVENT.validate_python(event)
    assert not _unknown_fields(known), (event["type"], _unknown_fields(known))
    sent = known.model_dump(mode="json", by_alias=True)
    assert {name: sent[name] for name in event} == event
    assert sent.keys() == event.keys(), event


def check_rules(events: list[Event], *, is_whole: bool = True) -> None:
    """The conformance checker reports nothing above the level of a remark."""
    report = validate_agui(events)
    assert report.internal_errors == []
    found = [
        f"{each.rule} at {each.event_index}: {each.message}"
        for each in report.diagnostics
        if each.severity != "info" and (is_whole or each.rule not in _ENDED_STREAM)
    ]
    assert found == [], [_brief(event) for event in events]


def check_order(events: list[Event]) -> None:
    """Turns ascend, one message is open at a time, no id is used twice, and text comes after the results it follows.

    A later snapshot may correct the order.
    """
    begun: set[str] = set()
    is_open: str | None = None
    turns: list[int] = []
    waits: dict[str, bool] = {}
    for event in events:
        kind = event["type"]
        if kind == "STEP_STARTED":
            turns.append(int(event["stepName"].removeprefix("turn ")))
        elif kind in _STARTS:
            assert event["messageId"] not in begun, f"{event['messageId']} is begun twice"
            assert is_open is None, f"{event['messageId']} is begun while {is_open} is open"
            begun.add(event["messageId"])
            is_open = event["messageId"]
            waits = dict.fromkeys(waits, True)
        elif kind in _ENDS:
            is_open = None
        elif kind.startswith("TOOL_CALL"):
            assert is_open is None, f"{kind} while {is_open} is open"
            if kind == "TOOL_CALL_START":
                waits[event["toolCallId"]] = False
            elif kind == "TOOL_CALL_RESULT":
                assert not waits.get(event["toolCallId"]), "words were told before the result they may speak of"
    assert turns == sorted(set(turns))


def messages_after(events: Iterable[Event], before: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """The messages of a client that had `before`: by the rules of `@ag-ui/client` 1.0 (src/apply)."""
    messages = [dict(message) for message in before]
    for event in events:
        match event["type"]:
            case "TEXT_MESSAGE_START":
                _of(messages, event["messageId"], "assistant").setdefault("content", "")
            case "REASONING_MESSAGE_START":
                _of(messages, event["messageId"], "reasoning").setdefault("content", "")
            case "TEXT_MESSAGE_CONTENT" | "REASONING_MESSAGE_CONTENT":
                [message] = [each for each in messages if each["id"] == event["messageId"]]
                message["content"] += event["delta"]
            case "TOOL_CALL_START":
                call = {"id": event["toolCallId"], "type": "function"}
                call["function"] = {"name": event["toolCallName"], "arguments": ""}
                _of(messages, event["parentMessageId"], "assistant").setdefault("toolCalls", []).append(call)
            case "TOOL_CALL_ARGS":
                [call] = [
                    each
                    for message in messages
                    for each in message.get("toolCalls", ())
                    if each["id"] == event["toolCallId"]
                ]
                call["function"]["arguments"] += event["delta"]
            case "TOOL_CALL_RESULT":
                result = {"id": event["messageId"], "role": "tool", "content": event["content"]}
                messages.append(result | {"toolCallId": event["toolCallId"]})
            case "MESSAGES_SNAPSHOT":
                messages = _merged(messages, event["messages"])
    return messages


def _of(messages: list[dict[str, Any]], message_id: str, role: str) -> dict[str, Any]:
    for message in messages:
        if message["id"] == message_id:
            return message
    messages.append({"id": message_id, "role": role})
    return messages[-1]


def _merged(held: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A snapshot replaces messages in place, and appends new ones; reasoning may be missing from it."""
    by_id = {message["id"]: _copy(message) for message in told}
    keeps_reasoning = not any(message["role"] == "reasoning" for message in told)
    kept = [
        by_id.pop(message["id"], message)
        for message in held
        if message["id"] in by_id or (keeps_reasoning and message["role"] == "reasoning")
    ]
    return kept + list(by_id.values())


def _copy(message: dict[str, Any]) -> dict[str, Any]:
    calls = [{**call, "function": dict(call["function"])} for call in message.get("toolCalls", ())]
    return {**message, "toolCalls": calls} if calls else dict(message)


def _unknown_fields(value: Any) -> list[str]:
    """The names of fields that are unknown to the models."""
    if isinstance(value, list):
        return [name for each in value for name in _unknown_fields(each)]
    if not isinstance(value, BaseModel):
        return []
    inside = [name for field in type(value).model_fields for name in _unknown_fields(getattr(value, field))]
    return [*(value.model_extra or {}), *inside]


def _brief(event: Event) -> tuple[str, str]:
    about = event.get("messageId") or event.get("toolCallId") or event.get("stepName") or event.get("name") or ""
    return event["type"], str(about)[-24:]
