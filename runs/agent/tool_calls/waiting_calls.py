"""The record of a call that waits for something outside of its run."""

import time
from dataclasses import replace

from runs.agent.call_ids import question_id
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.journal import CallChange, Entry, QuestionAsked
from runs.agent.messages import ToolInvocation, ToolResult
from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.step_fields import fields_of_call
from runs.agent.payloads.steps import QuestionPart, QuestionPayload
from runs.agent.step_sentences import ASKS
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.call_waits import CallWaits
from runs.agent.tools.child_runs import ChildAwaited
from runs.agent.tools.person_questions import PersonAsked
from runs.agent.tools.protocol import Effect


def entry_of_wait(
    call: ToolInvocation, effect: Effect, waits: CallWaits, *, round_: int, wait_s: float | None
) -> Entry:
    """The entry that records what the call waits for.

    `round_` counts the waits of the call, from 1. `wait_s` is how long the agent gives a person; None for no end.
    Raises `TypeError` for an unknown wait.
    """
    change = CallChange(call, waits.state, effect)
    match waits:
        case PersonAsked(question=question):
            deadline_s = wait_s if question.deadline_s is None else question.deadline_s
            expires_at = None if deadline_s is None else time.time() + deadline_s
            asked = QuestionAsked(question, round_, expires_at, waits.resume_state)
            return Entry(thoughts=[question_thought(call, effect, asked)], calls=[replace(change, asked=asked)])
        case ChildAwaited():
            return Entry(calls=[change])
        case _:
            raise TypeError(f"{type(waits).__name__} is no known wait of a call.")


def question_thought(call: ToolInvocation, effect: Effect, asked: QuestionAsked) -> AgentThought:
    """The thought that asks a person."""
    question = asked.question
    part = QuestionPart(
        id=str(question_id(call.call_id, asked.round)),
        round=asked.round,
        kind=question.kind,
        text=question.text,
        choices=question.choices,
        form=question.form,
        default=ABSENT if question.default is None else question.default,
    )
    payload = QuestionPayload(asks="answer", effect=effect, expires_at=asked.expires_at, question=part)
    words = ASKS.made(message=question.text)
    return AgentThought(ThoughtType.APPROVAL, words, payload=payload, fields=fields_of_call(call))


def failed_call(call: ToolInvocation, message: str) -> ToolResult:
    """The result of a call that could not be made."""
    failure = ToolFailed(message)
    return ToolResult(call.call_id, call.tool_name, None, handle_agent_error(failure, {"tool": call.tool_name}))
