"""What the refusal of a launch says about each kind of ceiling."""

from collections import Counter
from typing import Any

from runs.agent.all_settings import SETTINGS
from runs.agent.setting import Setting
from runs.agent.text import dollars_text, number_text
from runs.agent.tools.registry import stored_tools
from runs.agent.wording import Wording


def refusal_of(name: str, value: Any, ceiling: Any, agent: str) -> Wording:
    """What the override `name` asks for beyond its ceiling, as a sentence about the agent."""
    match name:
        case "models":
            return _beyond_models(value, ceiling, agent)
        case "tools":
            return _beyond_tools(value, ceiling, agent)
        case "strategy":
            return Wording(
                "%(agent)s uses its models by %(own)s; %(wanted)s asks more of them.",
                agent=agent,
                own=repr(ceiling),
                wanted=repr(value),
            )
        case "reasoning_effort":
            return _beyond_effort(value, ceiling, agent)
        case "extra":
            return _beyond_extra(ceiling, agent)
    return _beyond_number(SETTINGS[name], value, ceiling, agent)


def _beyond_models(value: Any, ceiling: Any, agent: str) -> Wording:
    names = ", ".join(ceiling)
    if not value:
        return Wording("%(agent)s is asked with %(names)s, not with others.", agent=agent, names=names)
    others = ", ".join((Counter(value) - Counter(ceiling)).keys())
    return Wording("%(agent)s is asked with %(names)s, not with %(others)s.", agent=agent, names=names, others=others)


def _beyond_effort(value: Any, ceiling: Any, agent: str) -> Wording:
    own = repr(ceiling)
    if not value:
        return Wording(
            "%(agent)s thinks with the effort %(own)s at most, not 'as its provider likes'.", agent=agent, own=own
        )
    return Wording(
        "%(agent)s thinks with the effort %(own)s at most, not %(wanted)s.", agent=agent, own=own, wanted=repr(value)
    )


def _beyond_extra(ceiling: Any, agent: str) -> Wording:
    if not ceiling:
        return Wording(
            "%(agent)s adds no settings of its own to its requests, and a launch cannot either.", agent=agent
        )
    return Wording(
        "%(agent)s adds settings of its own to its requests. A launch can leave some out, not add or change one.",
        agent=agent,
    )


def _beyond_tools(value: Any, ceiling: Any, agent: str) -> Wording:
    if ceiling is None:
        others = ", ".join(sorted(stored_tools().keys() & set(value)))
        return Wording("%(agent)s may call no tools of servers, such as %(others)s.", agent=agent, others=others)
    names, others = ", ".join(ceiling), ", ".join(sorted(set(value or ()) - set(ceiling)))
    match names, value:
        case "", None:
            return Wording("%(agent)s may call no tools, not all tools. A launch can leave some out.", agent=agent)
        case "", _:
            return Wording(
                "%(agent)s may call no tools, not %(others)s. A launch can leave some out.", agent=agent, others=others
            )
        case _, None:
            return Wording(
                "%(agent)s may call %(names)s, not all tools. A launch can leave some out.", agent=agent, names=names
            )
    return Wording(
        "%(agent)s may call %(names)s, not %(others)s. A launch can leave some out.",
        agent=agent,
        names=names,
        others=others,
    )


def _beyond_number(setting: Setting, value: Any, ceiling: Any, agent: str) -> Wording:
    if setting.kind == "money":
        most = dollars_text(float(ceiling)).removeprefix("$")
        if value is None:
            return Wording("%(agent)s may cost $%(most)s at most, without a limit.", agent=agent, most=most)
        wanted = dollars_text(float(value)).removeprefix("$")
        return Wording("%(agent)s may cost $%(most)s at most, not $%(wanted)s.", agent=agent, most=most, wanted=wanted)
    unit = setting.unit if ceiling == 1 else f"{setting.unit}s"
    values = {"agent": agent, "most": number_text(ceiling), "unit": unit}
    is_of_reply, wanted = setting.group == "model", "" if value is None else f"{value:,}"
    if value is None and is_of_reply:
        return Wording("%(agent)s allows %(most)s %(unit)s a reply at most, without a limit.", **values)
    if value is None:
        return Wording("%(agent)s allows %(most)s %(unit)s at most, without a limit.", **values)
    if is_of_reply:
        return Wording("%(agent)s allows %(most)s %(unit)s a reply at most, not %(wanted)s.", wanted=wanted, **values)
    return Wording("%(agent)s allows %(most)s %(unit)s at most, not %(wanted)s.", wanted=wanted, **values)
