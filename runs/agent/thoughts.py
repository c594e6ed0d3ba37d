"""Thoughts: the steps that a run reports."""

from dataclasses import dataclass, replace
from enum import Enum

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.kinds import Payload
from runs.agent.payloads.step_fields import NO_FIELDS, StepFields
from runs.agent.payloads.steps import OtherPayload


class ThoughtType(Enum):
    """The kinds of thought. A recorded step's `kind` is one of these values."""

    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    ANSWER = "answer"
    RETRY = "retry"
    """A failed attempt: its number, its cause, and the time of the next one."""
    RACE = "race"
    """Several providers asked in parallel, one lane each."""
    ERROR = "error"
    """An `AgentError` that ended a call or the run."""
    APPROVAL = "approval"
    """A question to a person, or the answer."""
    MESSAGE = "message"
    """What a person said to the run while it worked, at the place where the model reads it."""
    NOTE = "note"
    """An event of the run itself: interrupted, resumed, cancel requested, limit reached."""


@dataclass(slots=True, init=False)
class AgentThought:
    """One thought in the agent's chain of reasoning."""

    type: ThoughtType
    content: str
    payload: Payload
    """Data specific to the type of thought."""
    fields: StepFields
    """Data common to all types of thought."""

    def __init__(
        self,
        type: ThoughtType,  # noqa: A002 - the public name
        content: str,
        metadata: JsonMapping | None = None,
        *,
        payload: Payload | None = None,
        fields: StepFields = NO_FIELDS,
    ) -> None:
        """`metadata`, instead of `payload`, is for a script's own thoughts: JSON values, kept unchanged."""
        self.type = type
        self.content = content
        self.payload = OtherPayload(dict(metadata or {})) if payload is None else payload
        self.fields = fields

    @property
    def metadata(self) -> JsonObject:
        """The fields and the payload as one new dictionary, with the names of the API.

        Times are in seconds since the epoch; `card` has no prefix with the run's epoch yet.
        """
        return as_json(self.fields) | as_json(self.payload)

    def end_card(self, card: str) -> None:
        """Mark this thought as the end of the card whose pieces were shown before."""
        self.payload = replace(self.payload, card=card)
