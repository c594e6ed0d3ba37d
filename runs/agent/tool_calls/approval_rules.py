"""The rules for approvals, and the thoughts that ask a person."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from runs.agent.messages import ToolInvocation
from runs.agent.payloads.step_fields import StepFields, fields_of_call
from runs.agent.payloads.steps import QuestionPayload
from runs.agent.step_sentences import OUTCOME_UNKNOWN, WAITS_FOR_APPROVAL
from runs.agent.text import call_text
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.protocol import Approval, Effect, Tool, approval_of, effect_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The approval rules of a run. Precedence: `by_tool`, the tool's own rule, `default`; `floor` applies in
    addition."""

    default: Approval = "never"
    by_tool: Mapping[str, Approval] = field(default_factory=dict)
    floor: Approval = "never"
    """The minimum set at the launch: it applies to every tool."""
    wait_s: float | None = None
    """How long a call waits for a person, in seconds; None: without end."""

    def needed_for(self, tool: Tool) -> bool:
        """True if a call of the tool needs an approval."""
        rules = (self.by_tool.get(tool.name) or approval_of(tool) or self.default, self.floor)
        return "always" in rules or ("unsafe" in rules and effect_of(tool) == "unsafe")

    def expires_at(self) -> float | None:
        """When a question asked now expires, in seconds since the epoch; None for never."""
        return None if self.wait_s is None else time.time() + self.wait_s


def approval_question(call: ToolInvocation, effect: Effect, expires_at: float | None) -> AgentThought:
    """The thought that asks whether the call may run."""
    payload = QuestionPayload(asks="approval", effect=effect, expires_at=expires_at)
    fields = fields_of_call(call, tool_input=call.arguments)
    words = WAITS_FOR_APPROVAL.made(call=call_text(call.tool_name, call.arguments))
    return AgentThought(ThoughtType.APPROVAL, words, payload=payload, fields=fields)


def outcome_question(call: ToolInvocation, effect: Effect, why: str) -> AgentThought:
    """The thought that asks for the outcome of a call. `why` is a sentence on why it is unknown."""
    payload = QuestionPayload(asks="outcome", effect=effect)
    fields = fields_of_call(call, tool_input=call.arguments) | StepFields(severity="error")
    words = OUTCOME_UNKNOWN.made(message=why)
    return AgentThought(ThoughtType.APPROVAL, words, payload=payload, fields=fields)
