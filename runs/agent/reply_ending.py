"""Replies that are not whole: which of them the model is asked to go on from, and what is said of those it is not."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final

from runs.agent.messages import ModelReply, Turn
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished import Why, unfinished_thought
from runs.agent.wording import counted

MAX_CONTINUATIONS: Final = 3
"""How often a reply that was cut off is asked to go on. Each time is a turn like any other."""

_COMPARED: Final = 200
"""Characters. A reply that begins like what it should go on from began anew."""


def joined(begun: str, text: str) -> str:
    """The text of a reply and what came of it before, as one; a reply that began anew takes the place of that."""
    return text if _began_anew(begun, text) else begun + text


def can_go_on(reply: ModelReply, begun: str, turns: Sequence[Turn]) -> bool:
    """True if the reply is cut off, says something, and its model has not been asked to go on in vain."""
    asked = sum(1 for _ in takewhile(lambda turn: turn.is_unfinished, reversed(turns)))
    if reply.ending == "whole" or not reply.text.strip() or asked >= MAX_CONTINUATIONS:
        return False
    return not _began_anew(begun, reply.text)


def unfinished(reply: ModelReply, about: dict[str, Any]) -> AgentThought:
    """The thought that keeps a reply the model is asked to go on from."""
    why: Why = "output_limit" if reply.ending == "cut" else "paused_by_provider"
    told = {**about, "ending_reason": reply.ending_reason}
    return unfinished_thought(reply.text, reply.reasoning, why=why, goes_on=True, **told)


def ending(reply: ModelReply) -> dict[str, Any]:
    """What the thought of an answer says of its end, if that was not the reply's own."""
    if reply.ending == "whole" and not reply.ending_reason:
        return {}
    return {"ending": reply.ending, "ending_reason": reply.ending_reason}


def remarks(reply: ModelReply, about: dict[str, Any], *, is_without_tools: bool = False) -> list[AgentThought]:
    """Notes on a reply for people: that it is not whole, that its end is odd, that its model saw less than was sent,
    or, with `is_without_tools`, was offered none of the agent's tools."""
    plain = {"turn": about["turn"], "provider": about["provider"], "model": about["model"]}
    found: list[AgentThought] = []
    if is_without_tools:
        words = f"{about['model']!r} takes no tools, so it was offered none of the agent's."
        found.append(AgentThought(ThoughtType.NOTE, words, plain | {"note": "without_tools"}))
    if reply.dropped:
        words = (
            f"The provider left out {counted(reply.dropped, 'thought')} of earlier turns: what stands before them has "
            "changed since."
        )
        found.append(AgentThought(ThoughtType.NOTE, words, plain | {"note": "dropped_thoughts"}))
    if reply.ending_reason:
        told = plain | {"note": "ending", **ending(reply)}
        found.append(AgentThought(ThoughtType.NOTE, _words(reply), told))
    return found


def _words(reply: ModelReply) -> str:
    said = f"“{reply.ending_reason}”, says its provider"
    match reply.ending:
        case "cut":
            return f"This reply was cut at the limit on its length ({said})."
        case "paused":
            return f"This reply was broken off by its provider before it was complete ({said})."
        case _:
            return f"This reply ended for an unusual reason ({said}). It may not be complete."


def _began_anew(before: str, text: str) -> bool:
    beginning = before.lstrip()[:_COMPARED]
    return bool(beginning) and text.lstrip()[:_COMPARED].startswith(beginning)
