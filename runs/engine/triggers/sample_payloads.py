"""A payload that fits the expressions of a trigger: an example for people, from the paths that the expressions name.

The expressions are read sign by sign, in one pass, and whatever else they do is not looked at. The parser of the
library has no bound on its time and depth: it runs in processes that are killed at their limits (`mapping_job.py`), and
a page that shows an example does not wait for one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType, TemplateInput
from runs.engine.triggers.mapping_limits import MAX_CHARS

BODY: Final = "body"
"""The name that expressions have for the payload."""
WORDS: Final = "Hello"
PLAIN: Final[JsonObject] = {"text": WORDS}
"""The payload where expressions name no part of it."""
MOST_PARTS: Final = 20
"""Of one path."""
EACH: Final = "[]"
"""The part of a path that stands for the elements of a list."""
EXAMPLES: Final[dict[InputType, Any]] = {InputType.NUMBER: 1, InputType.DATE: "2030-01-31"}


def sample_payload(filter_text: str, expressions: Mapping[str, str], inputs: Sequence[TemplateInput]) -> JsonObject:
    """A payload that has what the filter and the expressions of inputs name. Of an equation with a text or a number it
    has that."""
    made: JsonObject = {}
    about = {each.name: each for each in inputs}
    for name, text in expressions.items():
        whole = list(_paths(text))
        for path, literal in whole:
            is_all = len(whole) == 1 and name in about
            _put(made, path, _example(about[name]) if is_all and literal is None else (literal or WORDS))
    for path, literal in _paths(filter_text):
        _put(made, path, True if literal is None else literal, replaces=literal is not None)
    return made or PLAIN


def _example(about: TemplateInput) -> Any:
    if about.default and about.type is not InputType.DATE:
        return about.default
    return about.choices[0] if about.choices else EXAMPLES.get(about.type, WORDS)


def _put(made: JsonObject, path: list[str], value: Any, *, replaces: bool = False) -> None:
    """Put the value at the path, unless something is there."""
    *way, last = path
    at: Any = made
    for part, following in zip(way, path[1:], strict=True):
        at = _step(at, part, [] if following == EACH else {})
        if at is None:
            return
    if last == EACH:
        if isinstance(at, list) and not at:
            at.append(value)
    elif isinstance(at, dict) and (last not in at or (replaces and not isinstance(at[last], dict | list))):
        at[last] = value


def _step(at: Any, part: str, empty: Any) -> Any:
    """What is there, or `empty` in the place of nothing or of a value; None if the path leads nowhere."""
    if part == EACH:
        if not isinstance(at, list):
            return None
        if not at:
            at.append(empty)
        return at[0]
    if not isinstance(at, dict):
        return None
    if not isinstance(at.get(part), dict | list):
        at[part] = empty
    return at[part]


def _paths(text: str) -> Iterator[tuple[list[str], Any]]:
    """The paths below `body`, each with the literal that it is compared with, or None."""
    text, at = text[:MAX_CHARS], 0
    while at < len(text):
        if text[at] in "'`":
            at = _end_of_quoted(text, at) + 1
            continue
        name, after = _name_at(text, at)
        if name is None:
            at += 1
            continue
        if name == BODY and text[at - 1 : at] not in (".", "@"):
            path, after = _path_from(text, after)
            if path:
                yield path, _compared(text, after)
        at = after


def _path_from(text: str, at: int) -> tuple[list[str], int]:
    """The parts that follow, and where they end."""
    path: list[str] = []
    while len(path) < MOST_PARTS and at < len(text):
        if text[at] == "[":
            end = text.find("]", at)
            # A number, a slice or a star: a filter or a list of expressions is another thing.
            if end < 0 or not set(text[at + 1 : end]) <= set("0123456789-:* "):
                break
            path.append(EACH)
            at = end + 1
        elif text[at] == ".":
            name, after = _name_at(text, at + 1)
            if name is None or text[after : after + 1] == "(":
                break
            path.append(name)
            at = after
        else:
            break
    return path, at


def _name_at(text: str, at: int) -> tuple[str | None, int]:
    """The identifier that begins there, and where it ends; None if there is none."""
    if text[at : at + 1] == '"':
        end = _end_of_quoted(text, at)
        return _unquoted(text[at : end + 1]), end + 1
    end = at
    while end < len(text) and text[end].isascii() and (text[end].isalnum() or text[end] == "_"):
        end += 1
    is_name = end > at and not text[at].isdigit()
    return (text[at:end] if is_name else None), max(end, at + 1) if not is_name else end


def _end_of_quoted(text: str, at: int) -> int:
    """The place of the quotation mark that ends what the one at `at` begins; the last place without one."""
    quote, end = text[at], at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" else 1
    return min(end, len(text) - 1)


def _unquoted(text: str) -> str | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


def _compared(text: str, at: int) -> Any:
    """The literal after `==`; None without one."""
    rest = text[at:].lstrip()
    if not rest.startswith("=="):
        return None
    rest = rest.removeprefix("==").lstrip()
    if not rest or rest[0] not in "'`":
        return None
    inner = rest[1 : _end_of_quoted(rest, 0)]
    if rest[0] == "'":
        return inner.replace("\\'", "'")
    try:
        found = json.loads(inner.replace("\\`", "`"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str | int | float) else None
