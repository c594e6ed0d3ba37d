"""A run's recorded configuration, as its loop takes it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from runs.agent.approvals import Approvals
from runs.agent.limits import TIME_LIMITS, RunLimits
from runs.agent.messages import ModelProvider
from runs.agent.model_settings import SETTINGS, ModelSettings
from runs.agent.retry import RetryPolicy
from runs.agent.setup import Setup
from runs.agent.structured import OutputSchema
from runs.agent.tools.toolbox import Toolbox


def setup_of(config: dict[str, Any], provider_for: Callable[[str], ModelProvider]) -> Setup:
    """The models, tools and rules in a run's configuration.

    Raises `ValueError` for a model or a tool that is not there (any more) and for a setting no model takes, and what a
    provider raises that cannot start.
    """
    return Setup(
        providers=[provider_for(name) for name in config["models"]],
        toolbox=Toolbox(config.get("tools")),
        instructions=config.get("instructions", ""),
        settings=settings_of(config),
        limits=limits_of(config),
        retry=RetryPolicy(max_attempts=config.get("max_attempts", 3)),
        strategy=config.get("strategy", "fallback"),
        output=OutputSchema(schema) if (schema := config.get("output_schema")) is not None else None,
        approvals=approvals_of(config),
    )


def approvals_of(config: dict[str, Any]) -> Approvals:
    """The rules for asking a person in a run's configuration. Runs launched before there were any ask nobody."""
    return Approvals(
        default=config.get("approval", "never"),
        by_tool=config.get("tool_approvals") or {},
        floor=config.get("approval_floor", "never"),
        wait_s=config.get("approval_seconds"),
    )


def settings_of(config: dict[str, Any]) -> ModelSettings:
    """The settings of its models in a run's configuration. Runs launched before there were any have none.

    Raises `ValueError` for one no model takes.
    """
    return ModelSettings(**{name: config[name] for name in SETTINGS if config.get(name) is not None})


def limits_of(config: dict[str, Any]) -> RunLimits:
    """The limits in a run's configuration. Runs launched before a limit existed have none of it."""
    max_cost = config.get("max_cost_usd")
    return RunLimits(
        max_turns=config["max_turns"],
        max_duration_s=config["max_seconds"],
        max_tokens=config.get("max_tokens"),
        max_cost_usd=None if max_cost is None else Decimal(max_cost),
        context_tokens=config.get("context_tokens"),
        **{name: config[name] for name in TIME_LIMITS if config.get(name)},
    )
