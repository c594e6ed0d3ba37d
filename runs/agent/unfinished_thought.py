"""The thought that records an unfinished reply."""

from typing import get_args

from runs.agent.marked_words import words
from runs.agent.payloads.kinds import Payload
from runs.agent.payloads.notes import UnfinishedPayload, Why
from runs.agent.payloads.step_fields import NO_FIELDS, StepFields
from runs.agent.thoughts import AgentThought, ThoughtType

INTERRUPTIONS: frozenset[Why] = frozenset({"paused", "suspended", "interrupted", "limit"})
"""Interruptions of the run itself. When it goes on, the model is asked for the rest of the reply, or told what a person
has said since."""

WORDS: dict[str, str] = {
    "stopped": words("stopped"),
    "paused": words("paused"),
    "suspended": words("the server was stopping"),
    "interrupted": words("interrupted by a message"),
    "attempt_failed": words("the attempt failed"),
    "limit": words("a limit of the run was reached"),
    "output_limit": words("cut off at the output limit"),
    "paused_by_provider": words("ended early by the provider"),
}
"""The reasons for an unfinished reply, shown to people."""

assert WORDS.keys() == set(get_args(Why))  # noqa: S101 - a new reason needs a text


def unfinished_thought(
    answer: str,
    reasoning: str,
    *,
    why: Why,
    goes_on: bool,
    missing_chars: int = 0,
    in_race: bool = False,
    tokens_are_estimated: bool = False,
    ending_reason: str | None = None,
    card: str | None = None,
    fields: StepFields = NO_FIELDS,
) -> AgentThought:
    """The note with the received text: the answer's, or the reasoning if there is no answer.

    Further parameters: see `UnfinishedPayload`.
    """
    payload = UnfinishedPayload(
        partial=True,
        answer=answer,
        reasoning=reasoning,
        why=why,
        goes_on=goes_on,
        tokens_are_estimated=tokens_are_estimated,
        ending_reason=ending_reason,
        card=card,
        in_race=in_race,
        missing_chars=missing_chars,
    )
    content = answer if answer.strip() else reasoning
    return AgentThought(ThoughtType.NOTE, content, payload=payload, fields=fields)


def is_unfinished(thought: AgentThought) -> bool:
    """True for a thought made by `unfinished_thought`."""
    return isinstance(thought.payload, UnfinishedPayload)


def text_to_go_on(payload: Payload) -> str:
    """The text of an unfinished reply that is a turn of the run; empty for all other thoughts."""
    return payload.answer if isinstance(payload, UnfinishedPayload) and payload.goes_on else ""


def why_unfinished(payload: Payload) -> str | None:
    """The reason for the unfinished reply of a step, in words; None if the step is no such note."""
    if not isinstance(payload, UnfinishedPayload) or not payload.partial:
        return None
    return WORDS.get(payload.why, words("not finished"))
