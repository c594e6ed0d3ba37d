"""The child runs of a hosted run, for its tools: the `ChildRuns` of the engine."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from runs.agent.config import RunConfig
from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import History
from runs.agent.tools.agents.call_agent import CallAgent
from runs.agent.tools.child_runs import AgentInfo
from runs.agent.tools.toolbox import Toolbox
from runs.engine.control.child_launch import answer_of_child, times_of_child
from runs.engine.database_threads import in_thread
from runs.models import Agent, Run, ToolCall
from runs.models.run_tree import RunTree

_OPEN = frozenset(ToolCall.OPEN)


class HostedChildRuns:
    """The child runs of one claim of a run. Each method works in a thread of its own connection."""

    def __init__(self, run: Run) -> None:
        self._run_id, self._epoch = run.pk, run.epoch

    async def answer_of(self, agent: str, task: str, *, call_id: str) -> Any:
        """The answer of the call's child run, which it launches the first time."""
        made = partial(answer_of_child, self._run_id, epoch=self._epoch, call_id=UUID(call_id), agent=agent, task=task)
        return await in_thread(made)

    async def ran(self, call_id: str) -> tuple[float, float] | None:
        """When the call's child run was launched and ended."""
        return await in_thread(partial(times_of_child, UUID(call_id)))


async def agents_known_to(run: Run, calls: Sequence[ToolCall]) -> Sequence[AgentInfo]:
    """The agents that a run may call and that are still there, in the order of its agent, and those that `calls`
    without a result have called; without a query for none."""
    names = agents_in(run.config)
    infos = await in_thread(partial(_infos_of, names)) if names else []
    # Such a call runs again for the answer, whatever has become of the agent.
    called = [str(call.arguments.get("agent")) for call in calls if is_call_of_agent(call) and call.state in _OPEN]
    known = {info.name for info in infos}
    return [*infos, *(AgentInfo(name) for name in dict.fromkeys(called) if name not in known)]


def agents_in(config: JsonObject) -> list[str]:
    """The names of the agents in a run's configuration."""
    return list(config.get("agents") or [])


def with_agents(setup: RunConfig, run: Run, agents: Sequence[AgentInfo]) -> RunConfig:
    """The run's configuration with the tool that calls these agents. Raises `ValueError` if another tool has its
    name."""
    if not agents:
        return setup
    return replace(setup, toolbox=Toolbox([*setup.toolbox, CallAgent(agents)]), children=HostedChildRuns(run))


def count_children(history: History, run: Run) -> None:
    """Add what the runs below have used to what counts against the run's limits."""
    tree = RunTree.under(run)
    use = tree.use_below()
    history.tokens += use.tokens or 0
    history.active_s += use.active_s
    history.further_calls += tree.calls_below()
    if use.cost is not None:
        history.cost_usd = use.cost + (history.cost_usd or 0)


def is_call_of_agent(call: ToolCall) -> bool:
    """True for a call that launches a run."""
    return call.tool_name == CallAgent.name


def _infos_of(names: Sequence[str]) -> list[AgentInfo]:
    found = dict(Agent.objects.in_use().filter(name__in=names).values_list("name", "description"))
    return [AgentInfo(name, found[name]) for name in names if name in found]
