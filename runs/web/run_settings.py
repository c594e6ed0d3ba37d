"""What a run was launched with, for the folded part of its page: its limits, its tools, the settings of its models."""

import json
from decimal import Decimal
from typing import Any, NamedTuple

from runs.agent.wording import counted
from runs.live.amounts import dollars, duration_text
from runs.markdown import visible
from runs.models import Agent, Run


class Fact(NamedTuple):
    """One line."""

    name: str
    value: str
    is_code: bool = False


def facts_of(run: Run) -> list[Fact]:
    """The run's settings and limits that are set, in words. Runs from before there were any have none."""
    config: dict[str, Any] = run.config
    return [*_limits(config), *_tools(config.get("tools")), *_settings(config), *_time_limits(config)]


def _limits(config: dict[str, Any]) -> list[Fact]:
    facts = []
    if config.get("max_turns"):
        facts.append(Fact("Turns at most", f"{config['max_turns']:,}"))
    if config.get("max_seconds"):
        facts.append(Fact("Time at most", duration_text(config["max_seconds"])))
    if config.get("max_tokens"):
        facts.append(Fact("Tokens at most", f"{config['max_tokens']:,}"))
    if config.get("max_cost_usd"):
        facts.append(Fact("Cost at most", dollars(Decimal(config["max_cost_usd"]))))
    return facts


def _tools(names: list[str] | None) -> list[Fact]:
    return [] if names is None else [Fact("Tools", visible(", ".join(map(str, names))) or "none")]


def _settings(config: dict[str, Any]) -> list[Fact]:
    facts = []
    if effort := config.get("reasoning_effort"):
        facts.append(Fact("Reasoning effort", str(dict(Agent.ReasoningEffort.choices).get(effort, effort))))
    for name, label in (("temperature", "Temperature"), ("top_p", "Top p")):
        if config.get(name) is not None:
            facts.append(Fact(label, f"{config[name]:g}"))
    if config.get("max_output_tokens"):
        facts.append(Fact("Largest reply", counted(config["max_output_tokens"], "token")))
    if config.get("extra"):
        facts.append(Fact("Further settings", visible(json.dumps(config["extra"], ensure_ascii=False)), is_code=True))
    return facts


_TIME_LIMITS = {
    "first_token_timeout_s": "First word within",
    "idle_timeout_s": "Next word within",
    "model_timeout_s": "A reply within",
    "tool_timeout_s": "A tool call within",
}


def _time_limits(config: dict[str, Any]) -> list[Fact]:
    return [Fact(label, duration_text(config[name])) for name, label in _TIME_LIMITS.items() if config.get(name)]
