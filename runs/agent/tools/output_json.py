"""A tool's output as a JSON value that can be stored: too long ones cut, and what is not text told in words."""

import json
from typing import Any, Final

import pydantic_core

from runs.agent.errors.exception_text import words_of
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.large_outputs import LargeOutput, weight_of
from runs.agent.tools.output_limit import MAX_OUTPUT_BYTES, bounded, pieces_of, text_of_bytes
from runs.agent.tools.worker_threads import call_in_thread

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
MOST_NESTED: Final = 100
"""Levels in which bytes and halves of characters are looked for."""


async def as_json(output: Any, tool_name: str) -> Any:
    """The output as a JSON value of at most `MAX_OUTPUT_BYTES`.

    Bytes that are no text become a line with their number and hash, and halves of characters question marks: the tool
    did its work, and what it did must not look failed. A large output, or one that nobody knows the size of (an
    iterator), is read in a thread piece by piece, so that it takes neither the event loop nor much memory. Raises
    `ToolFailed` for what cannot be JSON.
    """
    if output is None or isinstance(output, bool):
        return output
    try:
        if weight_of(output) is not None:
            return _small(output)
        large = LargeOutput(output)
        del output  # The thread lets go of it when it is read, whatever becomes of this call.
        try:
            return await call_in_thread(large.as_json)
        finally:
            large.stop()
    except (ValueError, TypeError, RecursionError) as error:
        raise ToolFailed(f"The output of {tool_name!r} cannot be written as JSON: {words_of(error)}") from error


def _small(output: Any) -> Any:
    if isinstance(output, bytes | bytearray | memoryview):
        output = "".join(text_of_bytes(output))
    try:
        value, encoded = _written(output)
    except (ValueError, TypeError):  # PydanticSerializationError is a ValueError
        value, encoded = _written(_repaired(output, MOST_NESTED))
    if len(encoded) <= MAX_OUTPUT_BYTES:
        return value
    return bounded(pieces_of(value if isinstance(value, str) else encoded.decode()))


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
            return "".join(text_of_bytes(value))
        case dict() if depth:
            return {_repaired(name, depth - 1): _repaired(each, depth - 1) for name, each in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_repaired(each, depth - 1) for each in value]
    return value
