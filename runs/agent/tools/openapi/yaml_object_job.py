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


def _lines_of(text: str) -> dict[str, int]:
    """Raises `_Refused` for anchors, aliases and tags, and for a key that appears twice."""
    lines: dict[str, int] = {}
    depth, places = 0, 0
    for event in yaml.parse(text, Loader=_Loader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _Refused("anchors, aliases and tags are not read here", line)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth == 1 and isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if places % 2 == 0 and isinstance(event, yaml.ScalarEvent):
                if event.value in lines:
                    raise _Refused(f"the key {event.value[:80]!r} appears twice", line)
                lines[event.value] = line
            places += 1
        depth += isinstance(event, yaml.CollectionStartEvent)
    return lines
