"""Requests of AG-UI clients: https://docs.ag-ui.com, RunAgentInput of protocol 1.0."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import check_storable_json
from runs.api.request_schemas import Overrides, Text

Id = Annotated[Text, Field(min_length=1, max_length=200)]


class OpenModel(BaseModel):
    """Base of the protocol's objects, which are open: unknown fields are accepted and ignored."""

    model_config = ConfigDict(extra="allow")


class Message(OpenModel):
    """A message of the client's history. This run's messages are recognized by their ids."""

    id: Id
    role: Literal["developer", "system", "assistant", "user", "tool", "activity", "reasoning"]
    content: Any = None

    def as_sent(self) -> JsonObject:
        """The message as a snapshot may repeat it: no null, and `content` is required except for the assistant's."""
        sent = {name: value for name, value in self.model_dump(exclude_unset=True).items() if value is not None}
        return sent if self.role == "assistant" else {"content": ""} | sent


class Context(OpenModel):
    """Context that the application gives the agent besides the conversation."""

    description: Text
    value: Text


class ResumePayload(OpenModel):
    """The content of an answer. Nothing is guessed: a call runs only if `approved` or `outcome` says so."""

    approved: Annotated[StrictBool | None, Field(description="For an approval: whether the call may run.")] = None
    arguments: Annotated[
        JsonObject | None, Field(description="For an approval: other arguments than the model asked for.")
    ] = None
    outcome: Annotated[
        Literal["happened", "run_again"] | None, Field(description="For a decision: the outcome of the call.")
    ] = None
    answer: Annotated[
        str | JsonObject | None,
        Field(description="For a question: a text, one of the choices, or the object of the form."),
    ] = None
    reason: Annotated[Text | None, Field(max_length=20_000)] = None

    _no_broken_text = field_validator("arguments", "answer")(check_storable_json)


class Resume(OpenModel):
    """The answer to an interrupt."""

    interruptId: Id  # noqa: N815  the protocol's name
    status: Literal["resolved", "cancelled"]
    payload: ResumePayload | None = None


class ForwardedProps(OpenModel):
    """`forwardedProps`: options for Agentsite. Other properties are ignored."""

    agent: Annotated[
        Text | None, Field(max_length=80, description="An agent's name; without one, the default agent.")
    ] = None
    overrides: Overrides | None = None
    interrupt: Annotated[
        StrictBool, Field(description="For a message to a run in progress: end the reply in progress for it.")
    ] = False


class RunAgentInput(OpenModel):
    """A request to run an agent, or to watch a run again."""

    threadId: Annotated[Id, Field(description="A conversation. Its runs follow each other up.")]  # noqa: N815
    runId: Annotated[Id, Field(description="Sent again, it shows the same run again and launches nothing.")]  # noqa: N815
    messages: Annotated[list[Message], Field(max_length=10_000)]
    state: Any = None
    tools: Annotated[list[Any], Field(max_length=1000, description="Ignored: agents use their own tools.")] = []
    context: Annotated[list[Context], Field(max_length=1000)] = []
    forwardedProps: ForwardedProps | None = None  # noqa: N815
    resume: Annotated[list[Resume] | None, Field(max_length=1000)] = None

    def asked_for(self) -> str | None:
        """The last message with the application's context, if it is the user's; else None."""
        if not self.messages or self.messages[-1].role != "user":
            return None
        text = _text_of(self.messages[-1].content)
        if not self.context:
            return text
        told = "\n".join(f"- {each.description}: {each.value}" for each in self.context)
        return f"{text}\n\nContext:\n{told}"


def _text_of(content: Any) -> str:
    """The text of a message: a string, or its text parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str))
