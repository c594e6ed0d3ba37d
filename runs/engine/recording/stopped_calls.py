"""Calls that a host closes because they will not run again: their last states and results."""

from runs.agent.journal import CallChange
from runs.agent.payloads.step_fields import StepFields, fields_of_call
from runs.agent.payloads.steps import ToolResultPayload
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine.recording.call_endings import ending_of


def stopped_calls(running: list[CallChange]) -> list[CallChange]:
    """Their last states: none of them will run again."""
    return [CallChange(each.call, ending_of(each.state, each.effect).state, each.effect) for each in running]


def stopped_result(change: CallChange) -> AgentThought:
    """The result that says so."""
    ending = ending_of(change.state, change.effect)
    payload = ToolResultPayload(code=ending.code)
    fields = fields_of_call(change.call) | StepFields(severity=ending.severity, recoverable=False)
    return AgentThought(ThoughtType.TOOL_RESULT, ending.words, payload=payload, fields=fields)
