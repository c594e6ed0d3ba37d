"""Ceilings: the most a launch may ask for. They come from the agent; a person who may change the agent has none.

An agent's `launch_may_raise` names the kinds without a ceiling. A value that the agent leaves open has no ceiling,
except `extra` (provider-specific settings): only the provider knows their effect, so a launch cannot add any.
"""

import json
from collections import Counter
from decimal import Decimal
from typing import Any, Final

from runs.agent.all_settings import LAUNCHED, SETTINGS
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.registry import stored_tools
from runs.agent.wording import Wording
from runs.engine.control.ceiling_refusals import refusal_of
from runs.models import Agent, Run
from runs.models.permissions import may_exceed

Ceilings = JsonObject
"""The maximum by the name of its override. An override without a ceiling is absent; None for `tools` are the tools that
code declares."""

KINDS: Final[dict[str, str]] = {
    **{
        each.name: Agent.MayRaise.SETTINGS if each.group == "model" else Agent.MayRaise.LIMITS
        for each in LAUNCHED
        if each.is_capped
    },
    **dict.fromkeys(("models", "strategy"), Agent.MayRaise.MODELS),
    "tools": Agent.MayRaise.TOOLS,
}
"""The member of `launch_may_raise` that lifts the ceiling of each override. Sampling settings and timeouts within the
run's own time limit cost nothing and have no ceiling."""
_ORDERS: Final[dict[str, list[str]]] = {
    "strategy": [Agent.Strategy.FALLBACK, Agent.Strategy.HEDGE, Agent.Strategy.RACE],
    **{each.name: list(each.choices) for each in LAUNCHED if each.kind == "choice"},
}
"""Choices in ascending order of what they ask of the models."""


class OverrideRefused(ValueError):
    """An override exceeds the agent's ceiling, or asks for approval less often. The message is for the person."""

    def __init__(self, name: str, message: Wording) -> None:
        """`name` is that of the override."""
        super().__init__(message)
        self.name = name


def ceilings_of(agent: Agent, *, by: Any) -> Ceilings:
    """The ceilings of a launch of the agent by this person; empty for a person who may change the agent. `by` None is
    the command line, which may change agents."""
    return {} if may_exceed(by) else _those_of(agent.snapshot(), agent.launch_may_raise)


def ceilings_after(run: Run, *, by: Any) -> Ceilings:
    """The ceilings of a new run like an earlier one; if its agent was deleted, the earlier run's own values."""
    if run.agent is not None:
        return ceilings_of(run.agent, by=by)
    return {} if may_exceed(by) else _those_of(run.config, ())


def check_ceilings(
    overrides: JsonObject, ceilings: Ceilings, *, agent_name: str, own: JsonObject | None = None
) -> None:
    """Raise `OverrideRefused` for the first override beyond its ceiling.

    `own` is the configuration of a run that is resumed: it may keep the values it has.
    """
    for name, value in sorted(overrides.items()):
        if name not in ceilings or is_within(name, value, ceilings[name]):
            continue
        if own is None or not _was_given(name, own) or not is_within(name, value, own.get(name)):
            refusal = refusal_of(name, value, ceilings[name], agent_name)
            who_may = Wording("Only a person who may change the agent can ask for more.")
            raise OverrideRefused(name, Wording.paragraph(refusal, who_may))


def _was_given(name: str, own: JsonObject) -> bool:
    """True if the run's configuration holds a value for `name`. A limit without a key is unlimited, which is a
    value."""
    return name in own or (name in SETTINGS and SETTINGS[name].group == "limits")


def refusals(overrides: JsonObject, ceilings: Ceilings, *, agent_name: str) -> list[OverrideRefused]:
    """The errors `check_ceilings` would raise, one for each override beyond its ceiling."""
    found = []
    for name, value in sorted(overrides.items()):
        try:
            check_ceilings({name: value}, ceilings, agent_name=agent_name)
        except OverrideRefused as refused:
            found.append(refused)
    return found


def is_within(name: str, value: Any, ceiling: Any) -> bool:
    """True if an override does not exceed its ceiling. None means no limit, for the override and for the ceiling; as
    the ceiling of tools it means those that code declares."""
    if ceiling is None:
        # An agent that chooses no tools has those that code declares: it does not bring the tools of servers.
        return name != "tools" or value is None or stored_tools().keys().isdisjoint(value)
    if name == "extra":
        return all(key in ceiling and _as_json(each) == _as_json(ceiling[key]) for key, each in (value or {}).items())
    if value is None:
        return False
    if name in _ORDERS:
        return _ORDERS[name].index(value) <= _ORDERS[name].index(ceiling)
    if name == "models":
        return Counter(value) <= Counter(ceiling)
    if name == "tools":
        return set(value) <= set(ceiling)
    return Decimal(str(value)) <= Decimal(str(ceiling))


def brought_within(config: JsonObject, ceilings: Ceilings) -> JsonObject:
    """The configuration with each value beyond a ceiling replaced by the ceiling; models and tools are filtered."""
    kept = dict(config)
    for name, ceiling in ceilings.items():
        value = config.get(name)
        if is_within(name, value, ceiling):
            continue
        if ceiling is None:
            kept[name] = [each for each in value or () if each not in stored_tools()] or None
        elif name in ("models", "tools") and value:
            kept[name] = [each for each in dict.fromkeys(value) if each in ceiling] or ceiling
        else:
            kept[name] = ceiling
    return kept


def _those_of(config: JsonObject, may_raise: Any) -> Ceilings:
    said = {"extra": {}, "tools": None} | {name: config[name] for name in KINDS if config.get(name) is not None}
    return {name: value for name, value in said.items() if KINDS[name] not in may_raise}


def _as_json(value: Any) -> str:
    """The value as the JSON that is sent: in Python 1 == True."""
    return json.dumps(value, sort_keys=True)
