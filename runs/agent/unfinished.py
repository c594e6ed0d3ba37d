"""A reply that was not finished: the thought that keeps what was said of it."""

from typing import Any, Literal, get_args

from runs.agent.thoughts import AgentThought, ThoughtType

NOTE = "unfinished"
"""What such a note's metadata calls it."""

Why = Literal["stopped", "paused", "suspended", "attempt_failed", "limit", "output_limit", "paused_by_provider"]

INTERRUPTIONS: frozenset[Why] = frozenset({"paused", "suspended", "limit"})
"""The run itself was interrupted. If it goes on, it asks for the rest of the reply."""

WORDS: dict[str, str] = {
    "stopped": "stopped",
    "paused": "paused",
    "suspended": "the server was stopping",
    "attempt_failed": "the attempt failed",
    "limit": "a limit of the run was reached",
    "output_limit": "cut at the output limit",
    "paused_by_provider": "broken off by its provider",
}
"""Why a reply was not finished, for people."""

assert WORDS.keys() == set(get_args(Why))  # noqa: S101 - a new reason needs its words


def unfinished_thought(
    answer: str, reasoning: str, *, why: Why, goes_on: bool, missing_chars: int = 0, **about: Any
) -> AgentThought:
    """The note with what was said: the answer's text, or the reasoning where there is nothing else.

    `goes_on`: the next reply goes on from it. `missing_chars`: so many more characters were said and not kept. `about`
    is further metadata: `turn`, `provider`, `model`, `attempt`, `lane`, `card`.
    """
    metadata = {
        "note": NOTE,
        "partial": True,
        "answer": answer,
        "reasoning": reasoning,
        "why": why,
        "goes_on": goes_on,
        **about,
    }
    if missing_chars:
        metadata["missing_chars"] = missing_chars
    return AgentThought(ThoughtType.NOTE, answer if answer.strip() else reasoning, metadata)


def is_unfinished(thought: AgentThought) -> bool:
    """True for such a note."""
    return thought.metadata.get("note") == NOTE


def why_unfinished(metadata: dict[str, Any]) -> str | None:
    """In words, why the reply that a step's metadata tells of was not finished; None if it tells of no such reply."""
    if metadata.get("note") != NOTE or not metadata.get("partial"):
        return None
    return WORDS.get(str(metadata.get("why")), "not finished")
