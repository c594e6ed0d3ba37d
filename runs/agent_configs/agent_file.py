"""Agents as one file: JSON with their whole configuration (docs/agents.md), written and read with bounds."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import check_storable_json, check_unique_names
from runs.agent_configs.agent_editor_fields import RULE_PREFIX, json_place
from runs.agent_configs.agent_file_lines import AgentFileLines
from runs.agent_configs.agent_templates import KEY as TEMPLATES
from runs.agent_configs.agent_templates import templates_of
from runs.agent_configs.agent_yaml import FORMAT as YAML_FORMAT
from runs.agent_configs.agent_yaml import NotYaml, parsed_yaml
from runs.models import Agent
from runs.models.agent_config import KEYS, ValueKind, config_of

FORMAT: Final = "agents"
VERSION: Final = 1
MAX_FILE_BYTES: Final = 512 * 1024
MAX_AGENTS: Final = 100
MOST_FAULTS: Final = 20

_KIND_WORDS: Final[dict[ValueKind, Promise]] = {
    "text": gettext_lazy("a text"),
    "number": gettext_lazy("a number"),
    "texts": gettext_lazy("a list of texts"),
    "object": gettext_lazy("an object"),
}
_CHOSEN: Final = {"strategy": "fallback", "approval": "unsafe", "on_approval_expiry": "deny"}
"""The choices of an agent whose file does not name them."""
_KEY_OF: Final = {column: key for key, (column, _kind) in KEYS.items()}


class FileFault(NamedTuple):
    """An error of a file."""

    line: int
    words: str


class FileRefused(ValueError):
    """The file cannot be imported; `faults` says why, at most `MOST_FAULTS` of them."""

    def __init__(self, faults: Iterable[FileFault]) -> None:
        super().__init__("The file cannot be imported.")  # not translated: the pages show the faults
        self.faults = sorted(faults)[:MOST_FAULTS]


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """An agent of a file."""

    values: JsonObject
    line: int
    lines: dict[str, int] = field(default_factory=dict)
    """The line of each key."""

    @property
    def name(self) -> str:
        """The agent's name."""
        return str(self.values["name"])

    def line_of(self, column: str) -> int:
        """The line of the value of a column, or of the agent's beginning."""
        return self.lines.get(key_of(column), self.line)


def key_of(column: str) -> str:
    """The key of a column, or of a field of the editor; the name itself for one that a file does not have."""
    return _KEY_OF.get("tools" if column == "tool_choice" else column, column)


def entry_of(agent: Agent) -> JsonObject:
    """The agent as in a file: its configuration and its templates. Reads `templates`: prefetch them for many."""
    return config_of(agent) | {TEMPLATES: templates_of(agent)}


def document(agents: Iterable[Agent]) -> str:
    """The file of the agents."""
    told = {"format": FORMAT, "version": VERSION, "agents": [entry_of(agent) for agent in agents]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def read_file(text: str) -> list[AgentEntry]:
    """The agents of a file, with values of the right kind. Raises `FileRefused`; whether an agent can be saved is not
    checked."""
    if len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        raise FileRefused([FileFault(1, _("The file has more than %(most)s KiB.") % {"most": MAX_FILE_BYTES // 1024})])
    if text.lstrip()[:1] not in ("{", "["):
        return [_yaml_entry(text)]
    told = _parsed(text)
    places = AgentFileLines(text)
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("version") != VERSION:
        words = _("This is no file of agents: it begins with “format”: “agents” and “version”: 1.")
        raise FileRefused([FileFault(1, words)])
    listed = told.get("agents")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_AGENTS:
        words = _("“agents” is a list of 1 to %(most)s agents.") % {"most": MAX_AGENTS}
        raise FileRefused([FileFault(places.line_of("agents"), words)])
    if faults := [fault for index, values in enumerate(listed) for fault in _faults(values, *places.of_agent(index))]:
        raise FileRefused(faults)
    entries = [AgentEntry(values, *places.of_agent(index)) for index, values in enumerate(listed)]
    if faults := list(_doubled(entries)):
        raise FileRefused(faults)
    return entries


def _yaml_entry(text: str) -> AgentEntry:
    """The agent of a file in YAML."""
    try:
        told, lines = parsed_yaml(text)
        check_storable_json(told)
    except NotYaml as fault:
        words = _("This is no YAML of an agent: %(fault)s.") % {"fault": fault}
        raise FileRefused([FileFault(fault.line, words)]) from fault
    except ValueError as error:
        raise FileRefused([FileFault(1, f"{error}.")]) from error
    if not isinstance(told, dict) or told.get("format") != YAML_FORMAT or told.get("version") != VERSION:
        words = _("This is no file of an agent: it begins with “format: agent” and “version: 1”.")
        raise FileRefused([FileFault(1, words)])
    values = {key: value for key, value in told.items() if key not in ("format", "version")}
    if faults := list(_faults(values, 1, lines)):
        raise FileRefused(faults)
    return AgentEntry(values, 1, lines)


def _parsed(text: str) -> Any:
    try:
        check_unique_names(text)
        return check_storable_json(json.loads(text))
    except json.JSONDecodeError as error:
        raise FileRefused([FileFault(error.lineno, json_place(text))]) from error
    except RecursionError as error:
        raise FileRefused([FileFault(1, _("Lists and objects are nested too deeply."))]) from error
    except ValueError as error:
        raise FileRefused([FileFault(1, f"{error}.")]) from error


def _faults(values: Any, line: int, lines: dict[str, int]) -> Iterator[FileFault]:
    if not isinstance(values, dict):
        yield FileFault(line, _("An agent is an object, such as {“name”: “Clerk”}."))
        return
    for key, value in values.items():
        if key == TEMPLATES:
            continue  # `checked_templates` reads them.
        if key not in KEYS:
            yield FileFault(lines[key], _("There is no setting “%(key)s”.") % {"key": key[:80]})
        elif value is not None and not _is_of(KEYS[key][1], value):
            yield FileFault(lines[key], _("“%(key)s” is %(kind)s.") % {"key": key, "kind": _KIND_WORDS[KEYS[key][1]]})
    if not values.get("name"):
        yield FileFault(line, _("An agent needs a “name”."))


def _is_of(kind: ValueKind, value: Any) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "number":  # Money is written as a decimal text.
            return isinstance(value, int | float | str) and not isinstance(value, bool)
        case "texts":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case _:
            return isinstance(value, dict)


def _doubled(entries: list[AgentEntry]) -> Iterator[FileFault]:
    seen: set[str] = set()
    for entry in entries:
        name = entry.name.strip()
        if name in seen:
            yield FileFault(entry.line_of("name"), _("The name “%(name)s” appears twice.") % {"name": name[:80]})
        seen.add(name)


def form_data(values: JsonObject, *, is_default: bool = False) -> QueryDict:
    """The values of a file as the editor's fields."""
    data = QueryDict(mutable=True)
    for key, (column, kind) in KEYS.items():
        value = values.get(key)
        if kind == "texts":
            data.setlist(column, list(value or []))
        elif key == "tool_approvals":
            for tool, rule in (value or {}).items():
                data[f"{RULE_PREFIX}{tool}"] = str(rule)
        elif kind == "object":
            data[column] = json.dumps(value) if value else ""
        else:
            data[column] = _CHOSEN.get(column, "") if value is None else str(value)
    tools = values.get("tools")
    data["tool_choice"] = "all" if tools is None else "chosen" if tools else "none"
    if is_default:
        data["is_default"] = "on"
    return data
