"""A tool as its source lists it: checked, without what a person would not see, and its hash."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import plain_json
from runs.agent.output_text import readable
from runs.agent.tools.validation import object_check
from runs.models.tool_source import MAX_REMOTE_NAME

MAX_DESCRIPTION_CHARS: Final = 16_000
MAX_SCHEMA_CHARS: Final = 48_000
"""Length limit of a schema as JSON."""
MAX_FAULT_CHARS: Final = 1_000
_ANY_ARGUMENTS: Final[JsonObject] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its source lists it."""

    remote_name: str
    description: str
    schema: Any
    """The JSON Schema of its arguments, if it is one."""
    hints: JsonObject = field(default_factory=dict)
    """What the source says of its effect: the annotations of MCP, or the method of HTTP."""
    effect: str = "unsafe"
    """The effect until staff chooses one."""
    request: JsonObject = field(default_factory=dict)
    """How the request of an operation is made."""
    fault: str = ""
    """Why it cannot be offered, as far as its source knows."""

    @property
    def hash(self) -> str:
        """SHA-256 of remote name, description, schema and request."""
        request = [self.request] if self.request else []
        text = json.dumps([self.remote_name, self.description, self.schema, *request], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Characters in all."""
        return len(self.remote_name) + len(self.description) + len(json.dumps([self.schema, self.request]))


@dataclass(frozen=True, slots=True)
class CheckedTool:
    """The columns of a row that come from its source. Models and people read the same of it: nothing is hidden."""

    remote_name: str
    description: str
    schema: JsonObject
    request: JsonObject
    hints: JsonObject
    hash: str
    fault: str
    """Why it cannot be offered; empty if it can. Description and schema may then be shortened."""
    effect: str


def checked_tool(listed: ListedTool) -> CheckedTool:
    """The tool for its row, after a bounded time."""
    schema, fault = _checked_schema(listed.schema)
    fault = listed.fault[:MAX_FAULT_CHARS] or fault
    if len(listed.description) > MAX_DESCRIPTION_CHARS:
        fault = f"Its description has more than {MAX_DESCRIPTION_CHARS:,} characters."
    if not listed.remote_name.isprintable() or not 0 < len(listed.remote_name) <= MAX_REMOTE_NAME:
        fault = f"Its name is not one of 1 to {MAX_REMOTE_NAME} visible characters."
    return CheckedTool(
        readable(listed.remote_name)[:MAX_REMOTE_NAME],
        readable(listed.description[:MAX_DESCRIPTION_CHARS]),
        schema,
        listed.request,
        _small(listed.hints),
        listed.hash,
        fault,
        listed.effect,
    )


def _checked_schema(schema: Any) -> tuple[JsonObject, str]:
    """The schema as it is stored, and its fault."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return _ANY_ARGUMENTS, "The schema of its arguments is not a JSON Schema of type object."
    length = len(json.dumps(schema))
    if length > MAX_SCHEMA_CHARS:
        return (
            _ANY_ARGUMENTS,
            f"The schema of its arguments has {length:,} characters, more than {MAX_SCHEMA_CHARS:,}.",
        )
    try:
        shown = _readable_values(plain_json(schema, max_depth=40))
        object_check(shown)
    except ValueError as error:
        return _ANY_ARGUMENTS, f"The schema of its arguments cannot be used: {readable(str(error))[:500]}"
    return shown, ""


def _readable_values(value: Any) -> Any:
    """The JSON with readable texts. Raises `ValueError` for a name with a character that nobody sees."""
    match value:
        case str():
            return readable(value)
        case list():
            return [_readable_values(each) for each in value]
        case dict():
            for name in value:
                if readable(name) != name:
                    raise ValueError(f"the name {readable(name)[:80]!r} has invisible characters")
            return {name: _readable_values(each) for name, each in value.items()}
    return value


def _small(hints: JsonObject) -> JsonObject:
    return {
        readable(name)[:40]: readable(each)[:200] if isinstance(each, str) else each
        for name, each in list(hints.items())[:20]
        if isinstance(each, str | bool | int)
    }
