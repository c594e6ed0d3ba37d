"""The agent and the version that a launch names: `Clerk`, `Clerk@3`, `Clerk@production`."""

from dataclasses import dataclass
from math import inf
from typing import Any

from runs.agent.wording import Wording
from runs.engine.control.agent_changes import AgentRefused
from runs.engine.control.ceilings import ceilings_of, is_within
from runs.models import Agent, AgentVersion
from runs.models.permissions import may_exceed

_MOST_DIGITS = 9
_STRICTNESS = list(Agent.Approval.values)
"""In ascending order of how often the rule asks a person."""


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """What a run is launched with."""

    agent: Agent
    configured: Agent
    """The agent with the configuration of the version: itself, or one that is not saved."""
    version: int | None


def named_agent(text: str) -> tuple[Agent, str]:
    """The agent of this name, and the version or label after an `@`; empty for its current version. The name of an
    agent may itself have an `@`. Raises `AgentRefused`."""
    if (agent := Agent.objects.filter(name=text).first()) is not None:
        return agent, ""
    name, _at, version = text.rpartition("@")
    agent = Agent.objects.filter(name=name).first() if name else None
    if agent is None:
        raise AgentRefused(Wording("There is no agent %(name)s.", name=repr(text)))
    return agent, version


def choice_of(agent: Agent, version: str, *, by: Any) -> AgentChoice:
    """The agent with the configuration of a version: its number, or a label; empty for the current one.

    Raises `AgentRefused` for an archived agent, an unknown version or label, and a version that allows more than the
    agent does today; `by`, who may change agents, may launch that too, and so may anybody if a label points at it.
    """
    if agent.archived_at is not None:
        raise AgentRefused(Wording("%(agent)s is archived. No run is launched with it.", agent=agent.name))
    if not version:
        return AgentChoice(agent, agent, agent.version)
    number = _number_of(agent, version)
    if number == agent.version:
        return AgentChoice(agent, agent, number)
    found = AgentVersion.objects.filter(agent=agent, number=number).first()
    if found is None:
        raise AgentRefused(Wording("%(agent)s has no version %(number)s.", agent=agent.name, number=str(number)))
    configured = Agent.of_config(found.config)
    configured.name = agent.name
    if not may_exceed(by) and not agent.labels.filter(number=number).exists():
        _check_no_more(configured, agent, number, by=by)
    return AgentChoice(agent, configured, number)


def _number_of(agent: Agent, version: str) -> int:
    if version.isascii() and version.isdecimal() and len(version) <= _MOST_DIGITS:
        return int(version)
    number = (
        agent.labels.filter(name=version).values_list("number", flat=True).first() if version.isprintable() else None
    )
    if number is None:
        raise AgentRefused(Wording("%(agent)s has no label %(label)s.", agent=agent.name, label=repr(version[:80])))
    return number


def _check_no_more(version: Agent, today: Agent, number: int, *, by: Any) -> None:
    if beyond := sorted({*_beyond_ceilings(version, today, by), *_beyond_rules(version, today)}):
        words = Wording(
            "Version %(number)s of %(agent)s allows more than the agent does today: %(what)s.",
            number=str(number),
            agent=today.name,
            what=", ".join(beyond),
        )
        who = Wording("Only a person who may change the agent can launch it, unless a label points at it.")
        raise AgentRefused(Wording.paragraph(words, who))


def _beyond_ceilings(version: Agent, today: Agent, by: Any) -> list[str]:
    config = version.snapshot()
    ceilings = ceilings_of(today, by=by)
    return [name for name, ceiling in ceilings.items() if not is_within(name, config.get(name), ceiling)]


def _beyond_rules(version: Agent, today: Agent) -> list[str]:
    """The rules that are laxer, and the sources that the agent has lost."""
    tools = {*version.tool_approvals, *today.tool_approvals}
    found = [
        name
        for name in ("libraries", "skills", "agents", "launch_may_raise")
        if not set(getattr(version, name)) <= set(getattr(today, name))
    ]
    if _STRICTNESS.index(version.approval) < _STRICTNESS.index(today.approval):
        found.append("approval")
    if any(_strictness_of(version, tool) < _strictness_of(today, tool) for tool in tools):
        found.append("tool_approvals")
    if _approved_after(version) < _approved_after(today):
        found.append("on_approval_expiry")
    return found


def _approved_after(agent: Agent) -> float:
    """Seconds after which a call that nobody decides is approved; infinite if it never is."""
    seconds = agent.approval_seconds
    return inf if seconds is None or agent.on_approval_expiry != Agent.OnExpiry.APPROVE else seconds


def _strictness_of(agent: Agent, tool: str) -> int:
    return _STRICTNESS.index(agent.tool_approvals.get(tool, agent.approval))
