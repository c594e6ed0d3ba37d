"""A document in JSON or YAML as plain values: no tags, no cycles, and no more values than `MOST_VALUES`.

For the sandbox only. YAML has anchors: a few lines can stand for billions of values, which are counted before anybody
walks through them.
"""

import json
import math
from typing import Any, Final

import yaml

from runs.agent.errors import openapi_sentences as sentences
from runs.agent.sandbox.refusal import JobRefused

MOST_VALUES: Final = 1_000_000
"""With each alias counted as what it stands for."""
MAX_DEPTH: Final = 200
MOST_MERGED: Final = 100_000
"""Members that `<<` copies, of all mappings together."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C takes a tenth of the time."""


class _CoreLoader(_Base):  # type: ignore[misc]  # it is C, or not typed
    """The types of YAML 1.2, which OpenAPI asks for: `no` and `on` are texts, and so is a date."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}

    merged = 0

    def flatten_mapping(self, node: Any) -> None:
        """Copy what `<<` names: a few lines of it can double what the lines before copied."""
        before = len(node.value)
        super().flatten_mapping(node)
        self.merged += max(0, len(node.value) - before)
        if self.merged > MOST_MERGED:
            raise JobRefused(sentences.TOO_MUCH_MERGED.made(most=f"{MOST_MERGED:,}"))

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - yaml's own
        """A mapping with texts as keys: the `200` of a response is a number in YAML."""
        self.flatten_mapping(node)
        found = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key_node.start_mark)
            found[str(key_node.value)] = self.construct_object(value_node, deep=deep)
        return found


def _resolve(tag: str, first: str, words: frozenset[str]) -> None:
    for sign in first:
        _CoreLoader.yaml_implicit_resolvers.setdefault(sign, []).append((f"tag:yaml.org,2002:{tag}", _OneOf(words)))


class _OneOf:
    """What a resolver of PyYAML asks for a match."""

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words

    def match(self, text: str) -> bool:
        """True for one of the words; for a number if there are none."""
        return text in self._words if self._words else _is_number(text)


def _is_number(text: str) -> bool:
    """True for a number of JSON, with a plus sign or a point at its beginning or end too."""
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1 or not digits[:1].isascii() or "_" in text or len(text) > 400:
        return False
    return digits[:1] in "0123456789." and _parsed_number(text) is not None


def _parsed_number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


_resolve("bool", "tTfF", frozenset(("true", "True", "TRUE", "false", "False", "FALSE")))
_resolve("null", "~nN\0", frozenset(("~", "null", "Null", "NULL", "")))
_CoreLoader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", _OneOf(frozenset(("",)))))
_resolve("float", "+-.0123456789", frozenset())
_resolve("merge", "<", frozenset(("<<",)))
_CoreLoader.add_constructor(
    "tag:yaml.org,2002:float", lambda _loader, node: _parsed_number(node.value) or _zero(node.value)
)
_CoreLoader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))


def _zero(text: str) -> int | float:
    return 0.0 if "." in text else 0


def parsed_document(content: bytes) -> Any:
    """The value of the document. Raises `JobRefused`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise JobRefused(sentences.NOT_UTF8.made()) from None
    value = _json_or_yaml(text)
    check_size(value)
    return value


def _json_or_yaml(text: str) -> Any:
    fault = ""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text, parse_constant=_refuse)
        except ValueError as error:
            fault = sentences.NOT_JSON.made(fault=_one_line(error))
        except RecursionError:
            raise JobRefused(sentences.TOO_DEEP.made(most=MAX_DEPTH)) from None
    try:
        _check_events(text)
        return yaml.load(text, Loader=_CoreLoader)  # noqa: S506 - a subclass of SafeLoader
    except RecursionError:
        raise JobRefused(sentences.TOO_DEEP.made(most=MAX_DEPTH)) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise JobRefused(fault or sentences.NOT_YAML.made(fault=_one_line(error))) from None


def _check_events(text: str) -> None:
    """Raise `JobRefused` before the values are built: that takes the stack of C, one frame for each level."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_CoreLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise JobRefused(sentences.TOO_DEEP.made(most=MAX_DEPTH))
        if number > MOST_VALUES:
            raise JobRefused(sentences.TOO_MANY_VALUES.made(most=f"{MOST_VALUES:,}"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


def check_size(value: Any) -> None:
    """Raise `JobRefused` for a value with itself inside, nested too deeply, or with too many values."""
    if _count(value, {}, set(), 0) > MOST_VALUES:
        raise JobRefused(sentences.TOO_MANY_VALUES.made(most=f"{MOST_VALUES:,}"))


def _count(value: Any, known: dict[int, int], is_open: set[int], depth: int) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        raise JobRefused(sentences.NOT_FINITE.made())
    if not isinstance(value, dict | list):
        return 1
    if id(value) in known:
        return known[id(value)]
    if id(value) in is_open:
        raise JobRefused(sentences.IN_ITSELF.made())
    if depth > MAX_DEPTH:
        raise JobRefused(sentences.TOO_DEEP.made(most=MAX_DEPTH))
    is_open.add(id(value))
    inner = value.values() if isinstance(value, dict) else value
    known[id(value)] = 1 + sum(_count(each, known, is_open, depth + 1) for each in inner)
    is_open.discard(id(value))
    return known[id(value)]
