"""The styles of parameters: how a value is written into a path, a query, a header or a cookie (OpenAPI 3.1.1, 4.8.12).

As the templates of RFC 6570 where a style has one. Lists and objects inside of lists and objects are JSON. Null is left
out, as what is not defined.
"""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

Pairs = list[tuple[str, str]]
Quote = Callable[[str], str]
_RESERVED: Final = ":/?@!$'()*,;="
"""What `allowReserved` leaves as it is: none of the signs that end a value, or a query."""
_SEPARATORS: Final = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}


def text_of(value: Any) -> str:
    """A value as text: a string as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def quoted(text: str) -> str:
    """The text for an address: only letters, digits and `-._~` stay as they are."""
    return quote(text, safe="", errors="replace")


def _lenient(text: str) -> str:
    return quote(text, safe=_RESERVED, errors="replace")


def query_pairs(name: str, value: Any, style: str, *, explode: bool, allow_reserved: bool = False) -> Pairs:
    """Names and values of a query, both quoted. None for an empty list or object."""
    quote_value = _lenient if allow_reserved else quoted
    match value:
        case None:
            return []
        case dict() if style == "deepObject":
            return _deep(quoted(name), value, quote_value)
        case dict() if explode and style == "form":
            return [(quoted(key), quote_value(text_of(each))) for key, each in _members(value)]
        case list() if explode or style == "deepObject":
            return [(quoted(name), quote_value(text_of(each))) for each in value if each is not None]
        case list() | dict():
            texts = [quote_value(each) for each in _flat(value)]
            return [(quoted(name), _SEPARATORS.get(style, ",").join(texts))] if texts else []
    return [(quoted(name), quote_value(text_of(value)))]


def _deep(name: str, value: Any, quote_value: Quote) -> Pairs:
    """`name[key]=value`, also for objects in objects; a list has one pair for each of its values."""
    if isinstance(value, dict):
        return [
            pair for key, each in _members(value) for pair in _deep(f"{name}%5B{quoted(key)}%5D", each, quote_value)
        ]
    if isinstance(value, list):
        return [(name, quote_value(text_of(each))) for each in value if each is not None]
    return [(name, quote_value(text_of(value)))]


def path_text(name: str, value: Any, style: str, *, explode: bool) -> str:
    """The text in place of `{name}` in a path, quoted."""
    if style == "matrix":
        return _matrix(quoted(name), value, explode=explode)
    before, between = (".", "." if explode else ",") if style == "label" else ("", ",")
    return before + between.join(_texts(value, quoted, explode=explode))


def header_text(value: Any, *, explode: bool) -> str:
    """The value of a header, which is not quoted."""
    return ",".join(_texts(value, str, explode=explode))


def _texts(value: Any, quote_value: Quote, *, explode: bool) -> list[str]:
    """The parts of a value: those of an object are `key=value`, or keys and values in turn."""
    match value:
        case dict() if explode:
            return [f"{quote_value(key)}={quote_value(text_of(each))}" for key, each in _members(value)]
        case dict() | list():
            return [quote_value(each) for each in _flat(value)]
    return [] if value is None else [quote_value(text_of(value))]


def _matrix(name: str, value: Any, *, explode: bool) -> str:
    match value:
        case dict() if explode:
            return "".join(_matrix_pair(quoted(key), quoted(text_of(each))) for key, each in _members(value))
        case list() if explode:
            return "".join(_matrix_pair(name, quoted(text_of(each))) for each in value if each is not None)
    texts = _texts(value, quoted, explode=False)
    return _matrix_pair(name, ",".join(texts)) if texts else ""


def _matrix_pair(name: str, text: str) -> str:
    return f";{name}={text}" if text else f";{name}"


def _flat(value: dict[str, Any] | list[Any]) -> list[str]:
    if isinstance(value, list):
        return [text_of(each) for each in value if each is not None]
    return [text for key, each in _members(value) for text in (key, text_of(each))]


def _members(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(key, each) for key, each in value.items() if each is not None]
