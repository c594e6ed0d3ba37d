"""An agent's configuration as JSON, in the form of an agent in a file (docs/agents.md): what a version keeps."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from runs.agent.all_settings import SETTINGS
from runs.agent.json_data.json_types import JsonMapping, JsonObject

if TYPE_CHECKING:
    from runs.models.agent import Agent

ValueKind = Literal["text", "number", "texts", "object"]
_KINDS: Final[dict[str, ValueKind]] = {"choice": "text", "json": "object"}
KEYS: Final[dict[str, tuple[str, ValueKind]]] = {
    "name": ("name", "text"),
    "description": ("description", "text"),
    "instructions": ("instructions", "text"),
    "models": ("model_names", "texts"),
    "strategy": ("strategy", "text"),
    "tools": ("tools", "texts"),
    "libraries": ("libraries", "texts"),
    "skills": ("skills", "texts"),
    "agents": ("agents", "texts"),
    "tool_approvals": ("tool_approvals", "object"),
    **{each.public: (each.agent_column, _KINDS.get(each.kind, "number")) for each in SETTINGS.values()},
    "max_attempts": ("max_attempts", "number"),
    "output_schema": ("output_schema", "object"),
    "approval": ("approval", "text"),
    "approval_seconds": ("approval_seconds", "number"),
    "on_approval_expiry": ("on_approval_expiry", "text"),
    "launch_may_raise": ("launch_may_raise", "texts"),
    "priority": ("priority", "number"),
    "max_runs_at_once": ("max_runs_at_once", "number"),
}
"""The keys in their order: the agent's column, and the kind of the value."""
COLUMNS: Final = frozenset(column for column, _kind in KEYS.values())
_SETTING_OF: Final = {each.agent_column: each for each in SETTINGS.values()}


def config_of(agent: "Agent") -> JsonObject:
    """The agent's configuration. Empty values have no key, except an empty list of tools, which means none."""
    found = ((key, _as_json(column, getattr(agent, column))) for key, (column, _kind) in KEYS.items())
    return {key: value for key, value in found if value not in (None, "", {}, []) or (key == "tools" and value == [])}


def columns_of(config: JsonMapping) -> JsonObject:
    """The values of an agent's columns for a stored configuration. A column without a key has its default."""
    known = ((KEYS[key][0], value) for key, value in config.items() if key in KEYS)
    return {column: _SETTING_OF[column].from_json(value) if column in _SETTING_OF else value for column, value in known}


def changed_keys(before: JsonMapping, after: JsonMapping) -> list[str]:
    """The keys whose values differ, in the order of `KEYS`."""
    return [key for key in _in_order({*before, *after}) if before.get(key) != after.get(key)]


def _in_order(keys: Iterable[str]) -> list[str]:
    order = {key: at for at, key in enumerate(KEYS)}
    return sorted(keys, key=lambda key: (order.get(key, len(order)), key))


def _as_json(column: str, value: Any) -> Any:
    setting = _SETTING_OF.get(column)
    if setting is None or value is None:
        return value
    return setting.as_json(Decimal(value).normalize() if setting.kind == "money" else value)
