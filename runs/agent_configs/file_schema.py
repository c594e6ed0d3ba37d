"""The JSON Schema of a file of agents, made from the declarations of an agent's columns and settings."""

from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator

from runs.agent.all_settings import SETTINGS
from runs.agent.json_data.json_types import JsonObject
from runs.agent.setting import Setting
from runs.agent.task_templates.inputs import MOST_CHOICES, MOST_INPUTS, InputType
from runs.agent_configs.agent_editor import MAX_MODELS
from runs.agent_configs.agent_file import FORMAT, MAX_AGENTS, VERSION
from runs.agent_configs.agent_templates import INPUT_KEYS, KEY, MOST_TEMPLATES, TEMPLATE_KEYS
from runs.agent_configs.agent_yaml import FORMAT as ONE
from runs.languages import in_english
from runs.models import Agent, TaskTemplate
from runs.models.agent_config import KEYS, ValueKind

_SETTING_OF: Final = {each.agent_column: each for each in SETTINGS.values()}
_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array"}
_MONEY: Final = r"^[0-9]+(\.[0-9]{1,4})?$"


def file_schema() -> JsonObject:
    """The schema of both kinds of files: one agent, and a list of agents. Draft 2020-12."""
    keys, needed = _agent_keys(), ["name", "models"]
    head = {"format": {"const": ONE}, "version": {"const": VERSION}}
    several: JsonObject = {"format": {"const": FORMAT}, "version": {"const": VERSION}}
    listed = {"type": "array", "minItems": 1, "maxItems": MAX_AGENTS, "items": {"$ref": "#/$defs/agent"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Agents of Agentsite",
        "description": "A file of one agent, which is written as YAML, or of several, which is written as JSON.",
        "type": "object",
        "if": {"properties": {"format": {"const": FORMAT}}, "required": ["format"]},
        "then": {
            "properties": several | {"agents": listed},
            "required": ["format", "version", "agents"],
        },
        "else": {
            "properties": head | keys,
            "required": ["format", "version", *needed],
            "additionalProperties": False,
        },
        "$defs": {"agent": {"type": "object", "properties": keys, "required": needed, "additionalProperties": False}},
    }


def _agent_keys() -> JsonObject:
    keys = {key: _schema_of(key, column, kind) for key, (column, kind) in KEYS.items()}
    return keys | {KEY: _templates()}


def _schema_of(key: str, column: str, kind: ValueKind) -> JsonObject:
    setting = _SETTING_OF.get(column)
    field: Any = Agent._meta.get_field(column)
    about = setting.description if setting else in_english(field.help_text)
    shape = _setting(setting) if setting else _column(column, kind)
    if key == "name":
        shape |= {"type": "string", "minLength": 1}
    if key == "models":
        shape |= {"type": "array", "minItems": 1, "maxItems": MAX_MODELS}
    return shape | ({"description": about} if about else {})


def _setting(setting: Setting) -> JsonObject:
    least = "exclusiveMinimum" if setting.excludes_least else "minimum"
    bounds = {least: _plain(setting.least), "maximum": _plain(setting.most)}
    match setting.kind:
        case "choice":
            return {"enum": [*setting.choices, None]}
        case "json":
            return {"type": ["object", "null"]}
        case "money":
            return {"type": ["string", "number", "null"], "pattern": _MONEY, **bounds}
        case "count":
            return {"type": ["integer", "null"], **bounds}
        case _:
            return {"type": ["number", "null"], **bounds}


def _column(column: str, kind: ValueKind) -> JsonObject:
    field: Any = Agent._meta.get_field(column)
    match kind:
        case "text" if field.choices:
            return {"enum": [*(value for value, _label in field.choices), None]}
        case "text":
            longest = {} if field.max_length is None else {"maxLength": field.max_length}
            return {"type": ["string", "null"], **longest}
        case "number":
            return {"type": ["integer", "null"], **_bounds(field)}
        case "texts":
            items = {"enum": list(Agent.MayRaise.values)} if column == "launch_may_raise" else {"type": "string"}
            return {"type": ["array", "null"], "items": items}
    if column == "tool_approvals":
        return {"type": ["object", "null"], "additionalProperties": {"enum": list(Agent.Approval.values)}}
    return {"type": ["object", "null"]}


def _bounds(field: Any) -> JsonObject:
    found: JsonObject = {}
    for validator in field.validators:
        if isinstance(validator, MaxValueValidator):
            found["maximum"] = min(found.get("maximum", validator.limit_value), validator.limit_value)
        elif isinstance(validator, MinValueValidator):
            found["minimum"] = max(found.get("minimum", validator.limit_value), validator.limit_value)
    return found


def _plain(number: Any) -> Any:
    """The bound as JSON has it: a whole number without a point."""
    return None if number is None else int(number) if number == int(number) else float(number)


def _templates() -> JsonObject:
    inputs: JsonObject = {key: {"type": [_TYPES[each] for each in types]} for key, types in INPUT_KEYS.items()}
    inputs["type"] = {"enum": [each.value for each in InputType]}
    inputs["choices"] |= {"items": {"type": "string"}, "maxItems": MOST_CHOICES}
    keys: JsonObject = {key: {"type": [_TYPES[each] for each in types]} for key, types in TEMPLATE_KEYS.items()}
    for key in ("name", "description"):
        field: Any = TaskTemplate._meta.get_field(key)
        keys[key]["maxLength"] = field.max_length
    for key in ("name", "task"):
        keys[key]["minLength"] = 1
    keys["inputs"] |= {
        "maxItems": MOST_INPUTS,
        "items": {"type": "object", "properties": inputs, "required": ["name"], "additionalProperties": False},
    }
    return {
        "description": "Tasks with named inputs. Without this key the templates stay as they are.",
        "type": ["array", "null"],
        "maxItems": MOST_TEMPLATES,
        "items": {
            "type": "object",
            "properties": keys,
            "required": ["name", "task"],
            "additionalProperties": False,
        },
    }
