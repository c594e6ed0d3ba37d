"""JSON values and arguments as texts for people."""

import json
from collections.abc import Iterator
from typing import Any

INDENTED_DEPTH = 8
"""Deeper JSON is shown on one line: otherwise most of it would be indentation."""


def argument_text(value: Any) -> str:
    """An argument for people: a string as it is, anything else as JSON. A string that is empty or reads like JSON
    (`5`, `true`) is quoted, so that its type stays visible. Not yet passed through `exact`."""
    return value if isinstance(value, str) and not _reads_like_json(value) else pretty(value)


def pretty(value: Any) -> str:
    """JSON on one line if it is short, else indented."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= 120 or _depth(value) > INDENTED_DEPTH:
        return line
    return json.dumps(value, ensure_ascii=False, indent=2)


def _depth(value: Any) -> int:
    """Nesting depth of lists and objects, at most `INDENTED_DEPTH` + 1."""
    level, depth = [value], 0
    while depth <= INDENTED_DEPTH and (level := [each for outer in level for each in _inside(outer)]):
        depth += 1
    return depth


def _inside(value: Any) -> Iterator[Any]:
    yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _reads_like_json(text: str) -> bool:
    if text.strip()[:1] not in '{["-0123456789tfnNI':  # "" is in every text
        return False
    try:
        json.loads(text or '""')
    except ValueError:
        return False
    except RecursionError:
        return True
    return True
