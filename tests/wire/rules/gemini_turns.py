"""The turns of a conversation with Gemini: roles, calls and responses, and thought signatures."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, Rule, refused
from tests.wire.rules.signatures import GEMINI_3

_DATA = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
}
_STAND_IN = "skip_thought_signature_validator"
_STAND_INS = {_STAND_IN, base64.b64encode(_STAND_IN.encode()).decode()}
"""Placeholders that the documentation allows for a lost signature, as documented and as SDKs send them."""


def camel(name: str) -> str:
    """The name in camelCase."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _parts(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a content, with field names in camelCase."""
    return [{camel(name): value for name, value in part.items()} for part in content.get("parts") or ()]


def _names(content: Mapping[str, Any], kind: str) -> list[str]:
    return [str(part[kind].get("name")) for part in _parts(content) if kind in part]


def contents(asked: Asked) -> Status | None:
    """There is content, and each content has a known role.

    https://github.com/vercel/ai/issues/3775, https://github.com/router-for-me/CLIProxyAPI/issues/1293
    """
    said = asked.body.get("contents")
    if not said:
        return refused("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(said):
        where = f"* GenerateContentRequest.contents[{index}]"
        if content.get("role", "user") not in ("user", "model", "function"):
            return refused("Please use a valid role: user, model.")
        parts = _parts(content)
        if not parts:
            return refused(f"{where}.parts: contents.parts must not be empty.\n")
        for place, part in enumerate(parts):
            if not _DATA & set(part):
                told = "required oneof field 'data' must have one initialized field"
                return refused(f"{where}.parts[{place}].data: {told}\n")
    return None


def calls_and_responses(asked: Asked) -> Status | None:
    """https://github.com/google-gemini/gemini-cli/issues/17208: as many responses as calls, directly after them.

    https://ai.google.dev/gemini-api/docs/function-calling: a response has the name, and the id, of its call.
    """
    before: Mapping[str, Any] = {}
    for content in [*asked.body["contents"], {"role": "user", "parts": []}]:
        calls, responses = _names(before, "functionCall"), _names(content, "functionResponse")
        if responses and not calls:
            return refused("Please ensure that function response turn comes immediately after a function call turn.")
        if len(calls) != len(responses):
            told = "Please ensure that the number of function response parts is equal to the number of function call "
            return refused(f"{told}parts of the function call turn.")
        if sorted(calls) != sorted(responses):
            return refused("Please ensure that the names of function responses are those of the function calls.")
        if _ids(before, "functionCall") - _ids(content, "functionResponse"):
            return refused("Please ensure that the ids of function responses are those of the function calls.")
        before = content
    return None


def _ids(content: Mapping[str, Any], kind: str) -> set[str]:
    return {part[kind]["id"] for part in _parts(content) if kind in part and part[kind].get("id")}


def calls_come_after_somebody(asked: Asked) -> Status | None:
    """https://github.com/google-gemini/gemini-cli/issues/4217: a call follows a user's turn or a function's
    response."""
    before = ""
    for content in asked.body["contents"]:
        if _names(content, "functionCall") and before in ("", "model"):
            told = "Please ensure that function call turn comes immediately after a user turn or after a function "
            return refused(f"{told}response turn.")
        before = content.get("role", "user")
    return None


def signatures(asked: Asked) -> Status | None:
    """Gemini 3 requires the first call's signature, unchanged, for each step of the current turn.

    https://ai.google.dev/gemini-api/docs/thought-signatures; signatures of other servers:
    https://docs.apiyi.com/en/faq/gemini-thought-signature-missing.
    """
    if not GEMINI_3.match(asked.model):
        return None
    said = asked.body["contents"]
    starts = [
        index for index, each in enumerate(said) if each.get("role") != "model" and not _names(each, "functionResponse")
    ]
    for index, content in enumerate(said):
        place = next((place for place, part in enumerate(_parts(content)) if "functionCall" in part), None)
        if place is None:
            continue
        part = _parts(content)[place]
        given = part.get("thoughtSignature")
        if given is None and index > max(starts, default=-1):
            name = part["functionCall"].get("name")
            told = "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
            told += "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
            return refused(f"{told}data, function call `default_api:{name}` , position {index + 1}.")
        if given is not None and _plain(given) not in {_plain(each) for each in asked.said.signatures} | _STAND_INS:
            return refused("Corrupted thought signature.")
    return None


def _plain(signature: str) -> str:
    """Base64 in one alphabet: the API reads both, and SDKs write the other one."""
    return signature if signature in _STAND_INS else signature.replace("-", "+").replace("_", "/")


RULES: tuple[Rule, ...] = (contents, calls_and_responses, calls_come_after_somebody, signatures)
