"""The job that reads a YAML text, and the lines of the keys of the object that it is."""

import json
from typing import Any

import yaml

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.openapi.document_text_job import parsed_document

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Refused(ValueError):
    """Why the text is not read, and where."""

    def __init__(self, words: str, line: int) -> None:
        super().__init__(words)
        self.line = line


def run(request: bytes) -> bytes:
    """`{"value": …, "lines": …}`, or `{"fault": …, "line": …}`."""
    try:
        lines = _lines_of(request.decode())
        told: dict[str, Any] = {"value": parsed_document(request), "lines": lines}
    except _Refused as refused:
        told = {"fault": str(refused), "line": refused.line}
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        told = {"fault": str(error.problem or error), "line": line}
    except (yaml.YAMLError, JobRefused, RecursionError) as error:
        told = {"fault": " ".join(str(error).split())[:300], "line": 1}
    return json.dumps(told).encode()


class _Open:
    """A collection that the parser is in."""

    def __init__(self, *, is_mapping: bool) -> None:
        self.is_mapping = is_mapping
        self.keys: set[str] = set()
        self.awaits_key = True


def _lines_of(text: str) -> dict[str, int]:
    """The lines of the keys of the outer object. Raises `_Refused` for anchors, aliases, tags and merges, and for a key
    that appears twice in any object."""
    lines: dict[str, int] = {}
    opened: list[_Open] = []
    for event in yaml.parse(text, Loader=_Loader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _Refused("anchors, aliases and tags are not read here", line)
        if isinstance(event, yaml.CollectionEndEvent):
            opened.pop()
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if opened and opened[-1].is_mapping:
                key = _key_of(opened[-1], event, line)
                if key is not None and len(opened) == 1:
                    lines[key] = line
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append(_Open(is_mapping=isinstance(event, yaml.MappingStartEvent)))
    return lines


def _key_of(mapping: _Open, event: Any, line: int) -> str | None:
    """The key that the event is in the mapping; None for a value, and for a key that is no text."""
    is_key, mapping.awaits_key = mapping.awaits_key, not mapping.awaits_key
    if not is_key or not isinstance(event, yaml.ScalarEvent):
        return None
    key: str = event.value
    if key == "<<" and event.implicit[0]:
        raise _Refused("merges (<<) are not read here", line)
    if key in mapping.keys:
        raise _Refused(f"the key {key[:80]!r} appears twice", line)
    mapping.keys.add(key)
    return key
