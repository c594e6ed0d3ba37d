"""The body of an operation's request: JSON, the two kinds of forms, or text."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.operation_parts import FORM, MULTIPART, is_json
from runs.agent.tools.openapi.parameter_styles import query_pairs, text_of


def body_content(value: Any, body: Mapping[str, Any]) -> tuple[bytes, str]:
    """The bytes of the body, and its content type. Raises `InvalidArguments` for a form that is no object."""
    media_type = str(body["media_type"])
    if is_json(media_type):
        kind = "application/json" if "*" in media_type else media_type
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"), kind
    if media_type not in (FORM, MULTIPART):
        return text_of(value).encode(errors="replace"), f"{media_type}; charset=utf-8"
    if not isinstance(value, dict):
        raise InvalidArguments(f"{body['argument']} is sent as a form, so it must be an object.")
    fields: JsonObject = body.get("fields", {})
    return _form(value, fields) if media_type == FORM else _multipart(value, fields)


def _form(value: JsonObject, fields: JsonObject) -> tuple[bytes, str]:
    pairs = [pair for name, each in value.items() for pair in _form_pairs(name, each, fields.get(name, {}))]
    return "&".join(f"{name}={text}" for name, text in pairs).encode(), FORM


def _form_pairs(name: str, value: Any, field: JsonObject) -> list[tuple[str, str]]:
    style = str(field.get("style", "form"))
    if isinstance(value, dict) and "style" not in field:
        return query_pairs(name, text_of(value), style, explode=True)
    return query_pairs(name, value, style, explode=field.get("explode", style in ("form", "deepObject")) is True)


def _multipart(value: JsonObject, fields: JsonObject) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = [
        part
        for name, each in value.items()
        for one in (each if isinstance(each, list) else [each])
        if one is not None
        for part in _part(boundary, name, one, fields.get(name, {}))
    ]
    text = "".join([*parts, f"--{boundary}--\r\n"])
    return text.encode(errors="replace"), f"{MULTIPART}; boundary={boundary}"


def _part(boundary: str, name: str, value: Any, field: JsonObject) -> Iterator[str]:
    """A part, with its names as browsers write them."""
    shown = _escaped(name)
    kind = _one_line(str(field.get("contentType", "")).partition(",")[0])
    file = f'; filename="{shown}"' if field.get("is_file") else ""
    yield f'--{boundary}\r\nContent-Disposition: form-data; name="{shown}"{file}\r\n'
    if kind and "*" not in kind:
        yield f"Content-Type: {kind}\r\n"
    elif not isinstance(value, str | int | float):
        yield "Content-Type: application/json\r\n"
    elif file:
        yield "Content-Type: text/plain; charset=utf-8\r\n"
    yield f"\r\n{text_of(value)}\r\n"


def _escaped(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _one_line(text: str) -> str:
    return text.strip() if text.isprintable() and text.isascii() else ""
