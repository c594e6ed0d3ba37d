"""API fields for the settings of a run, made from their declarations."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from runs.agent.all_settings import LAUNCHED, SETTINGS
from runs.agent.json_data.json_types import JsonObject
from runs.agent.setting import Setting

JSON_EXAMPLE: Final = {"top_k": 40}


def request_fields() -> JsonObject:
    """Fields for pydantic's `create_model`: the settings of a launch; None means the agent's own."""
    return {each.public: (_taken(each), None) for each in LAUNCHED}


def agent_fields() -> JsonObject:
    """Fields for pydantic's `create_model`: the settings of an agent that is saved; None means the default."""
    return {each.public: (_taken(each), None) for each in SETTINGS.values()}


def response_fields() -> JsonObject:
    """Fields of an agent; null where the agent has no value."""
    return {each.public: (_sent(each), ...) for each in LAUNCHED}


def _taken(setting: Setting) -> Any:
    # Fields whose bounds are in the schema only are checked by `setting_fault`, whose messages are the same everywhere.
    about = Field(description=setting.description)
    bounds: Any = {
        "exclusiveMinimum" if setting.excludes_least else "minimum": setting.least,
        "maximum": setting.most,
    }
    match setting.kind:
        case "count" if setting.group == "limits":
            return Annotated[int | None, Field(strict=True, ge=setting.least, le=setting.most), about]
        case "count":
            return Annotated[Annotated[int, Field(strict=True, json_schema_extra=bounds)] | None, about]
        case "money":
            return Annotated[Decimal | None, Field(ge=setting.least, le=setting.most, decimal_places=4), about]
        case "seconds" | "number":
            return Annotated[Annotated[float, Field(strict=True, json_schema_extra=bounds)] | None, about]
        case "choice":
            return Annotated[Literal[setting.choices] | None, about]
        case "json":
            return Annotated[JsonObject | None, about, Field(examples=[JSON_EXAMPLE])]


def _sent(setting: Setting) -> Any:
    types: JsonObject = {"count": int, "money": str, "seconds": float, "number": float}
    match setting.kind:
        case "choice":
            kind: Any = Literal[setting.choices]
        case "json":
            kind = JsonObject
        case _:
            kind = types[setting.kind]
    empty = f" Null: {setting.empty}." if setting.empty else ""
    money = " US dollars as a decimal string." if setting.kind == "money" else ""
    about = Field(description=f"{setting.description}{money}{empty}")
    return Annotated[kind | None if setting.empty else kind, about]
