"""From a run's recorded configuration to the loop's `RunConfig`."""

from collections.abc import Callable

from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.config import RunConfig
from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import ModelProvider
from runs.agent.model_settings import MODEL_SETTINGS, ModelSettings
from runs.agent.skills.skill_list import READING_TOOL
from runs.agent.structured_output import OutputSchema
from runs.agent.tool_calls.approval_rules import Approvals
from runs.agent.tools.toolbox import Toolbox
from runs.engine.limits.configured_limits import chosen, limits_of


def setup_of(config: JsonObject, provider_for: Callable[[str], ModelProvider]) -> RunConfig:
    """The models, tools and rules in a run's configuration, without tools that are no longer registered.

    Raises `ValueError` for a model that does not exist (any more) and for an unknown setting, and what a provider
    raises that cannot start.
    """
    return RunConfig(
        providers=[provider_for(name) for name in config["models"]],
        toolbox=Toolbox.of_registered(config.get("tools")).including(READING_TOOL if config.get("skills") else None),
        instructions=config.get("instructions", ""),
        settings=settings_of(config),
        limits=limits_of(config),
        retry=RetryPolicy(max_attempts=config.get("max_attempts", 3)),
        strategy=config.get("strategy", "fallback"),
        output=OutputSchema(schema) if (schema := config.get("output_schema")) is not None else None,
        approvals=approvals_of(config),
    )


def approvals_of(config: JsonObject) -> Approvals:
    """The approval rules in a run's configuration. Runs recorded before approvals existed never ask."""
    return Approvals(
        default=config.get("approval", "never"),
        by_tool=config.get("tool_approvals") or {},
        floor=config.get("approval_floor", "never"),
        wait_s=config.get("approval_seconds"),
    )


def settings_of(config: JsonObject) -> ModelSettings:
    """The model settings in a run's configuration; empty for runs recorded before settings existed.

    Raises `ValueError` for an unknown setting.
    """
    return ModelSettings(**chosen(config, MODEL_SETTINGS))
