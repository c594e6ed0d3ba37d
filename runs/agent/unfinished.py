"""Replies that are not whole: which of them the model is asked to go on from, and what is said of those it is not."""

from collections.abc import Sequence
from typing import Any, Final

from runs.agent.messages import ModelReply, Turn
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.wording import counted

MAX_CONTINUATIONS: Final = 3
"""How often a reply that was cut off is asked to go on. Each time is a turn like any other."""

_COMPARED: Final = 200
"""Characters. A reply that begins like what it should go on from began anew."""


def parts(turns: Sequence[Turn]) -> list[str]:
    """The texts of the unfinished replies at the end of `turns`, which the next reply goes on from."""
    found: list[str] = []
    for turn in reversed(turns):
        if not turn.is_unfinished:
            break
        found.append(turn.reply.text)
    return found[::-1]


def joined(texts: Sequence[str]) -> str:
    """The parts of one reply as one text."""
    whole = ""
    for text in texts:
        whole = text if _began_anew(whole, text) else whole + text
    return whole


def can_go_on(reply: ModelReply, turns: Sequence[Turn]) -> bool:
    """True if the reply is cut off, says something, and its model has not been asked to go on in vain."""
    before = parts(turns)
    if reply.ending == "whole" or not reply.text.strip() or len(before) >= MAX_CONTINUATIONS:
        return False
    return not before or not _began_anew(joined(before), reply.text)


def note(reply: ModelReply, about: dict[str, Any]) -> AgentThought:
    """The thought that keeps an unfinished reply."""
    told = {
        "note": "unfinished",
        "partial": True,
        "goes_on": True,
        "why": "output_limit" if reply.ending == "cut" else "paused_by_provider",
        "answer": reply.text,
        "reasoning": reply.reasoning,
        "ending_reason": reply.ending_reason,
    }
    return AgentThought(ThoughtType.NOTE, reply.text, about | told)


def ending(reply: ModelReply) -> dict[str, Any]:
    """What the thought of an answer says of its end, if that was not the reply's own."""
    if reply.ending == "whole" and not reply.ending_reason:
        return {}
    return {"ending": reply.ending, "ending_reason": reply.ending_reason}


def remarks(reply: ModelReply, about: dict[str, Any]) -> list[AgentThought]:
    """Notes on a reply for people: that it is not whole, that its end is odd, that its model saw less than was sent."""
    plain = {"turn": about["turn"], "provider": about["provider"], "model": about["model"]}
    found: list[AgentThought] = []
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
