"""What a task asks its client for: the answers and decisions that its run waits for, as elicitations."""

import json
from typing import Any, Final
from uuid import UUID

from runs.agent.json_data.json_types import JsonObject
from runs.api.mcp.local_api import LocalApi, LocalReply

MOST_ASKED: Final = 20
ARGUMENT_CHARS: Final = 4_000
"""What a person is shown of the arguments of a call. A longer one is decided where all of them are seen."""
_FLAT: Final = ("string", "number", "integer", "boolean")
_DECISIONS: Final = ["approve", "deny"]


async def input_requests(api: LocalApi, run: JsonObject, capabilities: Any) -> JsonObject:
    """The requests for what the run waits for, by their keys: each is one of a question, or of a call with the
    arguments that it shows. Empty if the client can ask nobody, or the token may not."""
    if capabilities is None or capabilities.elicitation is None:
        return {}
    if run["waiting_for"] == "answer":
        found = await api.get("/questions", state="open", run_id=run["id"], limit=MOST_ASKED)
        asked = [_question(each) for each in found.body.get("items", [])]
    elif run["waiting_for"] == "approval":
        found = await api.get("/calls", state="awaiting_approval", run_id=run["id"], limit=MOST_ASKED)
        asked = [_call(each) for each in found.body.get("items", [])]
    else:
        return {}
    return {key: request for each in asked if each is not None for key, request in [each]}


def _question(question: JsonObject) -> tuple[str, JsonObject] | None:
    """None for a form that is not flat: elicitations are."""
    schema: JsonObject = {"type": "string"}
    match question["kind"]:
        case "choice":
            schema = {"type": "string", "enum": question["choices"]}
        case "form":
            schema = question["schema"] or {}
            properties = schema.get("properties") or {}
            is_flat = all(isinstance(each, dict) and each.get("type") in _FLAT for each in properties.values())
            if not properties or not is_flat or schema.keys() - {"type", "properties", "required", "title"}:
                return None
            kept = {"type": "object", "properties": properties, "required": schema.get("required") or []}
            return f"question:{question['id']}", _elicitation(question["text"], kept)
    wanted = {"type": "object", "properties": {"answer": schema}, "required": ["answer"]}
    return f"question:{question['id']}", _elicitation(question["text"], wanted)


def _call(call: JsonObject) -> tuple[str, JsonObject] | None:
    arguments = json.dumps(call["arguments"], ensure_ascii=False)
    if len(arguments) > ARGUMENT_CHARS:
        return None
    wanted = {
        "type": "object",
        "properties": {"decision": {"type": "string", "enum": _DECISIONS}, "reason": {"type": "string"}},
        "required": ["decision"],
    }
    message = f"The agent wants to call {call['tool_name']} with {arguments}"
    return f"call:{call['call_id']}:{call['arguments_hash']}", _elicitation(message, wanted)


def _elicitation(message: str, schema: JsonObject) -> JsonObject:
    return {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": message, "requestedSchema": schema},
    }


async def settle(api: LocalApi, run_id: str, key: str, response: Any) -> LocalReply | None:
    """Pass on what the client said to the request of this key. None for a key that the run does not wait for, and for
    a person who said nothing."""
    if not isinstance(response, dict):
        return None
    said_with = response.get("content")
    content: JsonObject = said_with if isinstance(said_with, dict) else {}
    match key.split(":"):
        case ["question", question_id] if _is_id(question_id) and response.get("action") == "accept":
            return await _answered(api, run_id, question_id, content)
        case ["call", call_id, arguments_hash] if _is_id(call_id):
            decision = "deny" if response.get("action") == "decline" else content.get("decision")
            if decision in _DECISIONS and response.get("action") in ("accept", "decline"):
                said = {"arguments_hash": arguments_hash, "reason": str(content.get("reason", ""))}
                return await _decided(api, run_id, call_id, decision, said)
    return None


async def _answered(api: LocalApi, run_id: str, question_id: str, content: JsonObject) -> LocalReply | None:
    asked = await api.get(f"/questions/{question_id}")
    if asked.is_error or asked.body["run_id"] != run_id or asked.body["state"] != "open":
        return None
    answer = content if asked.body["kind"] == "form" else content.get("answer", "")
    return await api.post(f"/questions/{question_id}/answer", {"answer": answer})


async def _decided(api: LocalApi, run_id: str, call_id: str, decision: str, said: JsonObject) -> LocalReply | None:
    waiting = await api.get("/calls", state="awaiting_approval", run_id=run_id, limit=100)
    if waiting.is_error or call_id not in [each["call_id"] for each in waiting.body["items"]]:
        return None
    return await api.post(f"/calls/{call_id}/{decision}", said)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
