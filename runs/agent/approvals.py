"""Which calls wait for a person before they run, and what a person is asked."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from runs.agent.messages import ToolCall
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.protocol import Approval, Effect, Tool, approval_of, effect_of
from runs.agent.wording import call_text


class Parked(Exception):
    """The run waits for a person and has no host; whoever raises it has recorded so. No failure, and no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """A run's rules. The rule for one tool goes before the tool's own, and that before the rule for all tools."""

    default: Approval = "never"
    by_tool: Mapping[str, Approval] = field(default_factory=dict)
    floor: Approval = "never"
    """What somebody asked for at the launch: no tool's rule asks less."""
    wait_s: float | None = None
    """How long a call waits for a person, in seconds; None for ever."""

    def needed_for(self, tool: Tool) -> bool:
        """True if a call of the tool waits for a person."""
        rules = (self.by_tool.get(tool.name) or approval_of(tool) or self.default, self.floor)
        return "always" in rules or ("unsafe" in rules and effect_of(tool) == "unsafe")

    def expires_at(self) -> float | None:
        """When a question asked now expires, in seconds since the epoch; None for never."""
        return None if self.wait_s is None else time.time() + self.wait_s


def approval_question(call: ToolCall, effect: Effect, expires_at: float | None) -> AgentThought:
    """The thought that asks whether the call may run."""
    asked = {"asks": "approval", "tool_input": call.arguments, "effect": effect, "expires_at": expires_at}
    words = f"Waits for approval: {call_text(call.tool_name, call.arguments)}"
    return AgentThought(ThoughtType.APPROVAL, words, call.as_metadata() | asked)


def outcome_question(call: ToolCall, effect: Effect, why: str) -> AgentThought:
    """The thought that asks what became of the call. `why` says why nobody knows."""
    asked = {"asks": "outcome", "tool_input": call.arguments, "effect": effect, "severity": "error"}
    words = f"Outcome unknown: {why} It is not repeated unless a person says so."
    return AgentThought(ThoughtType.APPROVAL, words, call.as_metadata() | asked)
