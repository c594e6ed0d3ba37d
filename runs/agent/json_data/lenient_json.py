"""A lenient JSON reader for the output of models: accepts what is unambiguous, and reports a fault for the rest.

Accepted are raw line ends inside a string, an extra comma or a comment, Python's quotes and constants, names without
quotes, a code fence or words around one object, and missing closers at the end of a reply that was not cut off. The
reader never guesses between two meanings: a name that appears twice with different values, a lone backslash, and a
quote inside a string are faults.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from runs.agent.json_data.json_reader import TOO_DEEP, JSONFault, JSONReader, object_of, refuse_constant
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import plain_json

MAX_LENIENT_CHARS = 256 * 1024
"""A longer text is parsed as strict JSON only: the lenient reader blocks the event loop for 2 s per megabyte."""
_MAX_UNWRAPPED = 2
"""How often JSON may be encoded as a JSON string."""

_FENCE = re.compile(r"^[ \t]{0,3}```([^\n]*)$", re.MULTILINE)
_LANGUAGE = re.compile(r"(?:json[a-z0-9]{0,5}|python|js|javascript)?", re.IGNORECASE)
"""Separate from `_FENCE`: blanks before and after it in one pattern would cause backtracking."""
_CLOSING = re.compile(r"\s*```")
_MAX_BLOCKS = 20


@dataclass(frozen=True, slots=True)
class Malformed:
    """Arguments that are not a JSON object."""

    reason: str
    """The fault, shown to the model."""
    text: str
    """The arguments as the model wrote them."""
    value: Any = None
    """The complete list, string, number or boolean that was found instead; else None."""


def read_arguments(text: str, *, was_cut: bool) -> JsonObject | Malformed:
    """The parsed arguments of a call. An empty text and `null` are no arguments.

    `was_cut`: the reply was cut off, so missing closers are a fault.
    """
    try:
        value = plain_json(read_json(text, was_cut=was_cut) if text.strip() else None)
        for _ in range(_MAX_UNWRAPPED):
            if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"', "null")):
                break
            value = plain_json(read_json(value))
    except ValueError as fault:
        return Malformed(str(fault), text)
    if isinstance(value, dict):
        return value
    if value is None or value == "":
        return Malformed("the reply was cut off before the arguments began", text) if was_cut else {}
    reason = f"they must be a JSON object, not {_kind_of(value)}"
    is_whole = not was_cut or not isinstance(value, int | float)  # a number that was cut off may lack digits
    return Malformed(reason, text, value if is_whole else None)


def read_json(text: str, *, was_cut: bool = False, adds_closers: bool = True) -> Any:
    """The one JSON value in the text; an object may have words or a code fence around it. Raises `JSONFault`.

    Linear in the text's length. With `adds_closers=False`, for a text that may be incomplete, an object that is not
    closed is a fault. Numbers that are not finite (`1e999`) and lone surrogates are left to `plain_json`.
    """
    text = text.strip().removeprefix("\ufeff")
    try:
        return json.loads(text, strict=False, object_pairs_hook=object_of, parse_constant=refuse_constant)
    except JSONFault:
        raise
    except RecursionError:
        raise JSONFault(TOO_DEEP) from None
    except ValueError as error:
        if len(text) > MAX_LENIENT_CHARS:
            raise JSONFault(str(error)) from None
    # Not strict JSON: try the lenient reader.
    at = text.find("{")
    if at <= 0 or text[0] in "[\"'":
        return JSONReader(text, was_cut=was_cut, adds_closers=adds_closers).whole()
    if "[" in text[:at]:
        raise JSONFault("it holds a list and an object")
    # Words around one closed object: unambiguous.
    value, end = JSONReader(text, was_cut=was_cut, adds_closers=False).value(at, 0)
    if "{" in text[end:]:
        raise JSONFault("it holds more than one object")
    return value


def read_fenced(text: str) -> list[Any]:
    """The JSON values in the code blocks of the text, in order. A fence inside a JSON string does not end a block.

    Raises `JSONFault`, about the first block, if no block is JSON. Reads at most 20 blocks, because a block that is not
    JSON makes the search start again behind its opening.
    """
    text = text[:MAX_LENIENT_CHARS]
    values, first_fault, at = [], None, 0
    for _ in range(_MAX_BLOCKS):
        if (begin := _end_of_opening(text, at)) is None:
            break
        at = begin
        try:
            value, end = JSONReader(text, was_cut=False, adds_closers=False).value(at, 0)
        except JSONFault as fault:
            first_fault = first_fault or fault
            continue
        if (closing := _CLOSING.match(text, end)) is None:
            first_fault = first_fault or JSONFault("there is more in the code block than one JSON value")
            continue
        values.append(value)
        at = closing.end()
    if not values and first_fault is not None:
        raise first_fault
    return values


def _end_of_opening(text: str, at: int) -> int | None:
    """The end of the next line that opens a code block of JSON or no language; None if there is none."""
    fences = (each for each in _FENCE.finditer(text, at) if _LANGUAGE.fullmatch(each[1].strip(" \t")))
    return next((each.end() for each in fences), None)


def _kind_of(value: Any) -> str:
    match value:
        case list():
            return "a list"
        case str():
            return "a text"
        case bool():
            return "true or false"
        case _:
            return "a number"
