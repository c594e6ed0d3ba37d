"""Incomplete replies: which of them the model is asked to continue, and the notes on the others."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any, Final

from runs.agent.marked_words import words
from runs.agent.messages import ModelReply, Turn
from runs.agent.payloads.notes import EndingPayload, NotePayload, Why
from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import AnswerPayload, TokenParts
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished_thought import unfinished_thought
from runs.agent.usage import Usage
from runs.agent.wording import Wording

MAX_CONTINUATIONS: Final = 3
"""How often the model is asked to continue a reply that was cut off. Each continuation is a turn."""

_COMPARED: Final = 200
"""Characters compared to tell whether a continuation began again from the start."""


def joined(begun: str, text: str) -> str:
    """`begun` + `text`; only `text` if the continuation began again from the start."""
    return text if _began_anew(begun, text) else begun + text


def can_go_on(reply: ModelReply, begun: str, turns: Sequence[Turn]) -> bool:
    """True if the reply is cut off, has text, is no restart, and fewer than `MAX_CONTINUATIONS` came before it."""
    asked = len(unfinished_at_end(turns))
    if reply.ending == "whole" or not reply.text.strip() or asked >= MAX_CONTINUATIONS:
        return False
    return not _began_anew(begun, reply.text)


def unfinished_at_end(turns: Sequence[Turn]) -> list[Turn]:
    """The unfinished turns at the end, oldest first, that the next reply continues. One that people have said something
    before does not continue those before it."""
    found: list[Turn] = []
    for turn in takewhile(lambda turn: turn.is_unfinished, reversed(turns)):
        found.append(turn)
        if turn.messages:
            break
    return found[::-1]


def unfinished(reply: ModelReply, fields: StepFields) -> AgentThought:
    """The thought that records a reply the model is asked to continue."""
    why: Why = "output_limit" if reply.ending == "cut" else "paused_by_provider"
    return unfinished_thought(
        reply.text,
        reply.reasoning,
        why=why,
        goes_on=True,
        tokens_are_estimated=reply.usage.is_estimated,
        ending_reason=reply.ending_reason,
        fields=fields,
    )


def answer_payload(reply: ModelReply, output: Any, *, could_not: bool = False) -> AnswerPayload:
    """The payload of an answer: its data (`ABSENT` without any), and its ending if that was unusual."""
    payload = AnswerPayload(
        tokens_are_estimated=reply.usage.is_estimated,
        output=output,
        could_not=could_not,
        token_parts=parts_of(reply.usage),
    )
    if reply.ending == "whole" and not reply.ending_reason:
        return payload
    return replace(payload, ending=reply.ending, ending_reason=reply.ending_reason)


def parts_of(usage: Usage) -> TokenParts | None:
    """The parts of a reply's tokens for its payload; None if no tokens were reported."""
    if usage.total_tokens is None:
        return None
    return TokenParts(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def remarks(reply: ModelReply, about: StepFields, *, is_without_tools: bool = False) -> list[AgentThought]:
    """Notes on a reply for people: an incomplete or unusual ending, thoughts that the provider left out, and, with
    `is_without_tools`, that the model was offered none of the agent's tools."""
    found: list[tuple[Wording, NotePayload | EndingPayload]] = []
    if is_without_tools:
        said = Wording(
            "%(model)s does not support tools, so it was offered none of the agent's tools.", model=repr(about.model)
        )
        found.append((said, NotePayload(note="without_tools")))
    if reply.dropped:
        said = Wording(
            "The provider left out %(count)s thought of earlier turns, because the conversation before them has "
            "changed since.",
            plural="The provider left out %(count)s thoughts of earlier turns, because the conversation before them "
            "has changed since.",
            count=reply.dropped,
        )
        found.append((said, NotePayload(note="dropped_thoughts")))
    if reply.ending_reason:
        found.append((_words(reply), EndingPayload(ending=reply.ending, ending_reason=reply.ending_reason)))
    if not found:
        return []
    fields = StepFields(turn=about.turn, provider=about.provider, model=about.model)
    return [AgentThought(ThoughtType.NOTE, said, payload=payload, fields=fields) for said, payload in found]


def _words(reply: ModelReply) -> Wording:
    reason = reply.ending_reason or ""
    match reply.ending:
        case "cut":
            text = words("This reply was cut off at its length limit (the provider reports “%(reason)s”).")
        case "paused":
            text = words("The provider ended this reply before it was complete (the provider reports “%(reason)s”).")
        case _:
            text = words(
                "This reply ended for an unusual reason (the provider reports “%(reason)s”). It may not be complete."
            )
    return Wording(text, reason=reason)


def _began_anew(before: str, text: str) -> bool:
    beginning = before.lstrip()[:_COMPARED]
    return bool(beginning) and text.lstrip()[:_COMPARED].startswith(beginning)
