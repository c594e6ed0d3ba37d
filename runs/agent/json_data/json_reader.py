"""A reader of JSON with the faults that models make."""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import MAX_DEPTH, MAX_DIGITS

MAX_SHOWN = 40
"""Characters of the text that a fault quotes."""
SPACE = re.compile(r"(?:[\s\ufeff]|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*")
"""White space and comments."""
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_NAMES = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
TOO_DEEP = f"it is nested too deeply: more than {MAX_DEPTH} levels"
_HEX = re.compile(r"[0-9a-fA-F]{4}")


class JSONFault(ValueError):
    """The text is not JSON, or is ambiguous. The message tells the model what is wrong, and where."""


def object_of(pairs: Sequence[tuple[str, Any]]) -> JsonObject:
    """The object with these members. Raises `JSONFault` for a name that comes twice."""
    made: JsonObject = {}
    for name, value in pairs:
        if name in made and made[name] != value:
            raise JSONFault(f"the name {_shown(name)} appears twice, with different values")
        made[name] = value
    return made


def refuse_constant(name: str) -> NoReturn:
    """Raise `JSONFault` for `NaN` and `Infinity`, which Python's reader accepts."""
    raise JSONFault(f"{name} is not JSON")


def end_of_match(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The end of the pattern's match at `at`; `at` itself if it does not match."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…", ensure_ascii=False)


class JSONReader:
    """A recursive-descent reader. Each method takes a position and returns the value and its end."""

    def __init__(self, text: str, *, was_cut: bool, adds_closers: bool) -> None:
        self.text = text
        self.was_cut = was_cut
        self.adds_closers = adds_closers

    def whole(self) -> Any:
        """The only value of the text; extra closers and commas after a list or object are ignored."""
        value, end = self.value(0, 0)
        rest = self.space(end)
        while isinstance(value, dict | list) and self.text[rest : rest + 1] in ("}", "]", ",", ";"):
            rest = self.space(rest + 1)
        if rest < len(self.text):
            self.fault(rest, "the end, after one value")
        return value

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins at `at`, and its end."""
        at = self.space(at)
        first = self.text[at : at + 1]
        if first in ("{", "["):
            if depth >= MAX_DEPTH:
                raise JSONFault(TOO_DEEP)
            return self.object(at + 1, depth + 1) if first == "{" else self.list(at + 1, depth + 1)
        if first in _PLAIN:
            return self.string(at)
        if (word := _WORD.match(self.text, at)) is not None:
            return self.named(word[0], at)
        return self.number(at)

    def named(self, word: str, at: int) -> tuple[Any, int]:
        if word not in _NAMES:
            if word in ("NaN", "Infinity", "nan", "inf"):
                refuse_constant(word)
            self.fault(at, "a value; a string is written in double quotes")
        return _NAMES[word], at + len(word)

    def number(self, at: int) -> tuple[Any, int]:
        found = _NUMBER.match(self.text, at)
        if found is None:
            if self.text.startswith("-Infinity", at):
                refuse_constant("-Infinity")
            self.fault(at, "a value")
        if found.end() - at > MAX_DIGITS:
            self.fault(at, f"a number of at most {MAX_DIGITS} digits")
        return float(found[0]) if found[1] or found[2] else int(found[0]), found.end()

    def object(self, at: int, depth: int) -> tuple[JsonObject, int]:
        pairs: list[tuple[str, Any]] = []
        while (end := self.closed(at, "}")) is None:
            name, at = self.name(self.space(at))
            at = self.space(at)
            if self.text[at : at + 1] != ":":
                self.fault(at, f"a colon after the name {_shown(name)}")
            value, at = self.value(at + 1, depth)
            pairs.append((name, value))
            at = self.after_item(at, "}")
        return object_of(pairs), end

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
        """The end of the object or list if it ends here; None if another item follows."""
        at = self.space(at)
        if self.text[at : at + 1] == closer:
            return at + 1
        if at < len(self.text):
            return None
        if self.was_cut:
            raise JSONFault("the reply was cut off in the middle of it")
        if not self.adds_closers or self.text.rstrip().endswith(","):
            self.fault(at, f"the closing {closer}")
        return at  # only closers are missing

    def after_item(self, at: int, closer: str) -> int:
        """The position of the next item or of the closer."""
        at = self.space(at)
        if self.text[at : at + 1] == ",":
            return at + 1
        if at < len(self.text) and self.text[at] != closer:
            self.fault(at, f'a comma or the closing {closer}; a quote inside a string is written \\"')
        return at

    def string(self, at: int) -> tuple[str, int]:
        """The string in single or double quotes. Raw line ends and tabs are allowed."""
        start, quote, parts = at, self.text[at], []
        at += 1
        while True:
            end = end_of_match(_PLAIN[quote], self.text, at)
            parts.append(self.text[at:end])
            at = end
            if at >= len(self.text):
                if self.was_cut:
                    raise JSONFault("the reply was cut off in the middle of it")
                raise JSONFault(f"the string that begins at character {start + 1} has no closing quote")
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
            f"the backslash at character {at + 1} precedes {_shown(following)}; a backslash itself is written \\\\"
        )

    def character(self, code: int, at: int) -> tuple[str, int]:
        """The character of the code, combined with a low surrogate that follows."""
        is_first_half = 0xD800 <= code < 0xDC00
        if is_first_half and self.text.startswith("\\u", at) and (second := _HEX.match(self.text, at + 2)) is not None:
            low = int(second[0], 16)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 6
        return chr(code), at

    def space(self, at: int) -> int:
        return end_of_match(SPACE, self.text, at)

    def fault(self, at: int, expected: str) -> NoReturn:
        """Raise `JSONFault` with the position, the text found there, and what was expected."""
        if at >= len(self.text):
            reason = "it is cut off at its end" if self.was_cut else "it ends too early"
            raise JSONFault(f"{reason}; expected {expected}")
        line = self.text.count("\n", 0, at) + 1
        where = f"line {line}, column {at - self.text.rfind(chr(10), 0, at)}" if line > 1 else f"character {at + 1}"
        raise JSONFault(f"at {where}, before {_shown(self.text[at:])}: expected {expected}")
