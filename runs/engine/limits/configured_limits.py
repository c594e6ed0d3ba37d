"""The limits in a run's recorded configuration."""

from collections.abc import Iterable

from runs.agent.json_data.json_types import JsonObject
from runs.agent.run_limits import LIMITS, RunLimits
from runs.agent.setting import Setting


def limits_of(config: JsonObject) -> RunLimits:
    """The limits in a run's configuration. A limit that did not exist at the launch is unlimited."""
    return RunLimits(**chosen(config, LIMITS))


def chosen(config: JsonObject, settings: Iterable[Setting]) -> JsonObject:
    """The values of those settings that the configuration has."""
    return {each.name: each.from_json(config[each.name]) for each in settings if config.get(each.name) is not None}
