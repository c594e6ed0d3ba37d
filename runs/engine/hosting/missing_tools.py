"""The note of a run whose agent names tools that the run cannot have."""

from collections.abc import Sequence
from typing import Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.notes import NotePayload
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.registry import offered_tools, registered_tools
from runs.agent.wording import Wording
from runs.models import Step

NAMES_TOLD: Final = 8


def missing_tools_note(config: JsonObject, steps: Sequence[Step]) -> AgentThought | None:
    """The note for the run with these steps; None if all tools that it names are there, or its last such note says the
    same."""
    names = config.get("tools")
    if not names:
        return None
    known, offered = registered_tools(), offered_tools()
    gone = [name for name in names if name not in known]
    off = [name for name in names if name in known and name not in offered]
    if not gone and not off:
        return None
    words = Wording.paragraph(*filter(None, (_gone_words(gone), _off_words(off))))
    told = [step.content for step in steps if _is_such_note(step)]
    if told and told[-1] == words:
        return None
    return AgentThought(ThoughtType.NOTE, words, payload=NotePayload(note="missing_tools"))


def _gone_words(names: Sequence[str]) -> Wording | None:
    if not names:
        return None
    return Wording(
        "This run goes on without the tool %(names)s, which this site no longer has. Untick it in the agent's editor, "
        "or bring it back.",
        plural="This run goes on without the tools %(names)s, which this site no longer has. Untick them in the "
        "agent's editor, or bring them back.",
        count=len(names),
        names=_listed(names),
    )


def _off_words(names: Sequence[str]) -> Wording | None:
    if not names:
        return None
    return Wording(
        "This run goes on without the tool %(names)s, which cannot be called now: its page says why.",
        plural="This run goes on without the tools %(names)s, which cannot be called now: their pages say why.",
        count=len(names),
        names=_listed(names),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES_TOLD]) + (", …" if len(names) > NAMES_TOLD else "")


def _is_such_note(step: Step) -> bool:
    return isinstance(step.payload, NotePayload) and step.payload.note == "missing_tools"
