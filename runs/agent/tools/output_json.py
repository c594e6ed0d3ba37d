"""A tool's output as a JSON value that can be stored: too long ones cut, and what is not text told in words."""

import hashlib
import json
from typing import Any, Final

import pydantic_core

from runs.agent.errors.exception_text import words_of
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.output_limit import MAX_OUTPUT_BYTES, cut_output, cut_string

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
MOST_NESTED: Final = 100
"""Levels in which bytes and halves of characters are looked for."""


def as_json(output: Any, tool_name: str) -> Any:
    """The output as a JSON value of at most `MAX_OUTPUT_BYTES`.

    Bytes that are no text become a line with their number and hash, and halves of characters question marks: the tool
    did its work, and what it did must not look failed. Raises `ToolFailed` for what cannot be JSON.
    """
    if output is None or isinstance(output, bool):
        return output
    if isinstance(output, bytes | bytearray | memoryview):
        output = _text_of(output)
    if isinstance(output, str) and len(output) > MAX_OUTPUT_BYTES:
        return cut_string(output)  # Written as JSON, it would be in memory three times.
    try:
        try:
            value, encoded = _written(output)
        except (ValueError, TypeError):  # PydanticSerializationError is a ValueError
            value, encoded = _written(_repaired(output, MOST_NESTED))
    except (ValueError, TypeError, RecursionError) as error:
        raise ToolFailed(f"The output of {tool_name!r} cannot be written as JSON: {words_of(error)}") from error
    return value if len(encoded) <= MAX_OUTPUT_BYTES else cut_output(value, encoded)


def _written(output: Any) -> tuple[Any, bytes]:
    value = pydantic_core.to_jsonable_python(output)
    # Refuses what would fail later, far from its cause: NaN, integers too long to print, lone surrogates.
    return value, _encode(value).encode()


def _repaired(value: Any, depth: int) -> Any:
    """The value with text in place of bytes and of halves of characters."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case bytes() | bytearray() | memoryview():
            return _text_of(value)
        case dict() if depth:
            return {_repaired(name, depth - 1): _repaired(each, depth - 1) for name, each in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_repaired(each, depth - 1) for each in value]
    return value


def _text_of(data: bytes | bytearray | memoryview) -> str:
    """Bytes as the text they are in UTF-8, or what they are in words."""
    data = bytes(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        return text
    return f"[binary: {len(data):,} bytes; SHA-256: {hashlib.sha256(data).hexdigest()}]"
