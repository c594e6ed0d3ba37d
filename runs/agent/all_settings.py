"""The registry of all settings of a run: limits and model settings, by name."""

from typing import Final

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.model_settings import MODEL_SETTINGS
from runs.agent.run_limits import LIMITS
from runs.agent.setting import Setting

SETTINGS: Final[dict[str, Setting]] = {each.name: each for each in (*LIMITS, *MODEL_SETTINGS)}
LAUNCHED: Final = tuple(each for each in SETTINGS.values() if each.is_launched)
"""The settings that a launch may override."""
_EARLIER_NAMES: Final = {each.earlier_name: each.name for each in SETTINGS.values() if each.earlier_name}


def public_name(name: str) -> str:
    """The name of the override `name` in forms and in the API."""
    return SETTINGS[name].public if name in SETTINGS else name


def with_current_names(config: JsonMapping) -> JsonObject:
    """A stored configuration in which settings stored under an earlier name have their current one."""
    return {_EARLIER_NAMES.get(name, name): value for name, value in config.items()}
