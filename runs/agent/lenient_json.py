"""JSON as models write it: read where its meaning is beyond doubt, and refused with what is wrong where it is not.

Beyond doubt are raw line ends inside a text, a comma or a comment too many, Python's quotes and names, names without
quotes, a fence or words around one object, and closers missing at the end of a reply that was not cut. Two meanings are
never weighed against each other: a name that comes twice, a lone backslash, a quote inside a text are told.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from runs.agent.plain_json import MAX_DEPTH, plain_json

MAX_LENIENT_CHARS = 256 * 1024
"""A longer text is read by the letter only: by its meaning a megabyte takes 2 s, in which nothing else runs."""
MAX_SHOWN = 40
"""Characters of what was found that a fault shows."""
_MAX_UNWRAPPED = 2
"""How often JSON may be wrapped in a JSON text."""

_SPACE = re.compile(r"(?:[\s\ufeff]|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*")
"""White space and comments."""
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_NAMES = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
_TOO_DEEP = f"it is nested too deeply: more than {MAX_DEPTH} levels"
_OPENING = re.compile(
    r"^[ \t]{0,3}```[ \t]*(?:json[a-z0-9]{0,5}|python|js|javascript)?[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_CLOSING = re.compile(r"\s*```")
_MAX_BLOCKS = 20
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_MAX_DIGITS = 4300
"""Python reads no longer whole number."""


class JSONFault(ValueError):
    """The text is no JSON, or has two meanings. The message tells the model that wrote it what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Arguments that are no JSON object."""

    reason: str
    """What is wrong, for the model."""
    text: str
    """What the model wrote."""
    value: Any = None
    """The list, text, number or boolean it is instead, where it is whole; None where it is nothing of that kind."""


def read_arguments(text: str, *, was_cut: bool) -> dict[str, Any] | Malformed:
    """The arguments of a call as a model wrote them. Nothing, and `null`, are no arguments.

    `was_cut` says that the reply ended before the model was done: then nothing is added to what it wrote.
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
        return Malformed("the reply was cut off before they began", text) if was_cut else {}
    reason = f"they must be a JSON object, not {_kind_of(value)}"
    is_whole = not was_cut or not isinstance(value, int | float)  # a number may have had further digits
    return Malformed(reason, text, value if is_whole else None)


def read_json(text: str, *, was_cut: bool = False, adds_closers: bool = True) -> Any:
    """The one JSON value in the text, which may have words or a fence around it if it is an object.

    Linear in the text's length. `adds_closers` is False where nobody knows that the text is whole: then an object that
    is not closed is a fault. Raises `JSONFault`. Numbers that are none (`1e999`) and halves of characters are left
    for `plain_json`.
    """
    text = text.strip().removeprefix("\ufeff")
    try:
        return json.loads(text, strict=False, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except JSONFault:
        raise
    except RecursionError:
        raise JSONFault(_TOO_DEEP) from None
    except ValueError as error:
        if len(text) > MAX_LENIENT_CHARS:
            raise JSONFault(str(error)) from None
    # No JSON by the letter; it may be by its meaning.
    at = text.find("{")
    if at <= 0 or text[0] in "[\"'":
        return _Reader(text, was_cut=was_cut, adds_closers=adds_closers).whole()
    if "[" in text[:at]:
        raise JSONFault("it holds a list and an object")
    # Words around one object that is closed: there is nothing else in them that could be meant.
    value, end = _Reader(text, was_cut=was_cut, adds_closers=False).value(at, 0)
    if "{" in text[end:]:
        raise JSONFault("it holds more than one object")
    return value


def read_fenced(text: str) -> list[Any]:
    """The JSON values in the code blocks of the text, in their order. A fence inside a text of theirs ends none.

    Raises `JSONFault`, about the first block that is no JSON, if none of them is. Linear in the text's length, but for
    blocks that are no JSON: after 20 of them it gives up.
    """
    text = text[:MAX_LENIENT_CHARS]
    values, first_fault, at = [], None, 0
    for _ in range(_MAX_BLOCKS):
        if (opening := _OPENING.search(text, at)) is None:
            break
        at = opening.end()
        try:
            value, end = _Reader(text, was_cut=False, adds_closers=False).value(at, 0)
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


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made and made[name] != value:
            raise JSONFault(f"the name {_shown(name)} stands twice, with different values")
        made[name] = value
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise JSONFault(f"{name} is no JSON")


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what the pattern matches at that place ends; the place itself if it matches nothing there."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


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


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…", ensure_ascii=False)


class _Reader:
    """A text read from left to right, once."""

    def __init__(self, text: str, *, was_cut: bool, adds_closers: bool) -> None:
        self.text = text
        self.was_cut = was_cut
        self.adds_closers = adds_closers

    def whole(self) -> Any:
        """The value that is all there is in the text, but for closers and commas too many after it."""
        value, end = self.value(0, 0)
        rest = self.space(end)
        while isinstance(value, dict | list) and self.text[rest : rest + 1] in ("}", "]", ",", ";"):
            rest = self.space(rest + 1)
        if rest < len(self.text):
            self.fault(rest, "the end, after one value")
        return value

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins there, and where it ends."""
        at = self.space(at)
        first = self.text[at : at + 1]
        if first in ("{", "["):
            if depth >= MAX_DEPTH:
                raise JSONFault(_TOO_DEEP)
            return self.object(at + 1, depth + 1) if first == "{" else self.list(at + 1, depth + 1)
        if first in _PLAIN:
            return self.string(at)
        if (word := _WORD.match(self.text, at)) is not None:
            return self.named(word[0], at)
        return self.number(at)

    def named(self, word: str, at: int) -> tuple[Any, int]:
        if word not in _NAMES:
            if word in ("NaN", "Infinity", "nan", "inf"):
                _refuse_constant(word)
            self.fault(at, "a value; a text stands in double quotes")
        return _NAMES[word], at + len(word)

    def number(self, at: int) -> tuple[Any, int]:
        found = _NUMBER.match(self.text, at)
        if found is None:
            if self.text.startswith("-Infinity", at):
                _refuse_constant("-Infinity")
            self.fault(at, "a value")
        if found.end() - at > _MAX_DIGITS:
            self.fault(at, f"a number of at most {_MAX_DIGITS} digits")
        return float(found[0]) if found[1] or found[2] else int(found[0]), found.end()

    def object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        pairs: list[tuple[str, Any]] = []
        while (end := self.closed(at, "}")) is None:
            name, at = self.name(self.space(at))
            at = self.space(at)
            if self.text[at : at + 1] != ":":
                self.fault(at, f"a colon after the name {_shown(name)}")
            value, at = self.value(at + 1, depth)
            pairs.append((name, value))
            at = self.after_item(at, "}")
        return _object(pairs), end

    def list(self, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        while (end := self.closed(at, "]")) is None:
            value, at = self.value(at, depth)
            items.append(value)
            at = self.after_item(at, "]")
        return items, end

    def name(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] in _PLAIN:
            return self.string(at)
        if (word := _WORD.match(self.text, at)) is None:
            self.fault(at, "a name in double quotes, or the closing }")
        return word[0], word.end()

    def closed(self, at: int, closer: str) -> int | None:
        """Where the object or list ends, if it ends here; None if there is something more in it."""
        at = self.space(at)
        if self.text[at : at + 1] == closer:
            return at + 1
        if at < len(self.text):
            return None
        if self.was_cut:
            raise JSONFault("the reply was cut off in the middle of it")
        if not self.adds_closers or self.text.rstrip().endswith(","):
            self.fault(at, f"the closing {closer}")
        return at  # nothing but closers is missing

    def after_item(self, at: int, closer: str) -> int:
        """Where the next one begins, or the closer stands."""
        at = self.space(at)
        if self.text[at : at + 1] == ",":
            return at + 1
        if at < len(self.text) and self.text[at] != closer:
            self.fault(at, f'a comma or the closing {closer}; a quote inside a text is written \\"')
        return at

    def string(self, at: int) -> tuple[str, int]:
        """The text between quotes of either kind. Line ends and tabs may stand in it as they are."""
        start, quote, parts = at, self.text[at], []
        at += 1
        while True:
            end = _end(_PLAIN[quote], self.text, at)
            parts.append(self.text[at:end])
            at = end
            if at >= len(self.text):
                if self.was_cut:
                    raise JSONFault("the reply was cut off in the middle of it")
                raise JSONFault(f"the text that begins at character {start + 1} has no closing quote")
            if self.text[at] == quote:
                return "".join(parts), at + 1
            part, at = self.escaped(at)
            parts.append(part)

    def escaped(self, at: int) -> tuple[str, int]:
        following = self.text[at + 1 : at + 2]
        if following in _ESCAPES:
            return _ESCAPES[following], at + 2
        if following == "u" and (code := _HEX.match(self.text, at + 2)) is not None:
            return self.character(int(code[0], 16), at + 6)
        raise JSONFault(
            f"the backslash at character {at + 1} stands before {_shown(following)}; a backslash itself is written \\\\"
        )

    def character(self, code: int, at: int) -> tuple[str, int]:
        """The character of that code, with the second half of a pair."""
        is_first_half = 0xD800 <= code < 0xDC00
        if is_first_half and self.text.startswith("\\u", at) and (second := _HEX.match(self.text, at + 2)) is not None:
            low = int(second[0], 16)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 6
        return chr(code), at

    def space(self, at: int) -> int:
        return _end(_SPACE, self.text, at)

    def fault(self, at: int, expected: str) -> NoReturn:
        """Raise what is wrong: where, what stands there, and what should."""
        if at >= len(self.text):
            reason = "it is cut off at its end" if self.was_cut else "it ends too early"
            raise JSONFault(f"{reason}; expected {expected}")
        line = self.text.count("\n", 0, at) + 1
        where = f"line {line}, column {at - self.text.rfind(chr(10), 0, at)}" if line > 1 else f"character {at + 1}"
        raise JSONFault(f"at {where}, before {_shown(self.text[at:])}: expected {expected}")
