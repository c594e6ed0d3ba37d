"""What an AG-UI client sends: https://docs.ag-ui.com, RunAgentInput of protocol 1.0."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from runs.api.taken import Overrides, Text
from runs.storable import storable_json

Id = Annotated[Text, Field(min_length=1, max_length=200)]


class Loose(BaseModel):
    """The protocol's own objects are open: what is not known here is left alone."""

    model_config = ConfigDict(extra="allow")


class Message(Loose):
    """A message the client holds. Ours among them are known by their ids."""

    id: Id
    role: Literal["developer", "system", "assistant", "user", "tool", "activity", "reasoning"]
    content: Any = None

    def as_sent(self) -> dict[str, Any]:
        """The message as a snapshot may repeat it: nothing is null, and only an assistant's may be without content."""
        sent = {name: value for name, value in self.model_dump(exclude_unset=True).items() if value is not None}
        return sent if self.role == "assistant" else {"content": ""} | sent


class Context(Loose):
    """Something the application tells the agent besides the conversation."""

    description: Text
    value: Text


class Payload(Loose):
    """What an answer says. Nothing is guessed: a call runs only where it says so."""

    approved: Annotated[StrictBool | None, Field(description="Of an approval: whether the call may run.")] = None
    arguments: Annotated[
        dict[str, Any] | None, Field(description="Of an approval: other arguments than the model asked for.")
    ] = None
    outcome: Annotated[
        Literal["happened", "run_again"] | None, Field(description="Of a decision: what became of the call.")
    ] = None
    reason: Annotated[Text | None, Field(max_length=20_000)] = None

    _no_broken_text = field_validator("arguments")(storable_json)


class Resume(Loose):
    """The answer to an interrupt."""

    interruptId: Id  # noqa: N815  the protocol's name
    status: Literal["resolved", "cancelled"]
    payload: Payload | None = None


class Wishes(Loose):
    """`forwardedProps`: what the application wants of Agentsite. Others' properties are left alone."""

    agent: Annotated[Text | None, Field(max_length=80, description="An agent's name; the default agent without.")] = (
        None
    )
    overrides: Overrides | None = None


class RunAgentInput(Loose):
    """A request to run an agent, or to look at a run again."""

    threadId: Annotated[Id, Field(description="A conversation. Its runs follow each other up.")]  # noqa: N815
    runId: Annotated[Id, Field(description="Sent again, it shows the same run again and launches nothing.")]  # noqa: N815
    messages: Annotated[list[Message], Field(max_length=10_000)]
    state: Any = None
    tools: Annotated[list[Any], Field(max_length=1000, description="Left alone: agents use their own.")] = []
    context: Annotated[list[Context], Field(max_length=1000)] = []
    forwardedProps: Wishes | None = None  # noqa: N815
    resume: Annotated[list[Resume] | None, Field(max_length=1000)] = None

    def asked_for(self) -> str | None:
        """The last message, if it is the person's, with the context the application gives; None if it is not."""
        if not self.messages or self.messages[-1].role != "user":
            return None
        text = _text_of(self.messages[-1].content)
        if not self.context:
            return text
        told = "\n".join(f"- {each.description}: {each.value}" for each in self.context)
        return f"{text}\n\nContext:\n{told}"


def _text_of(content: Any) -> str:
    """The text of a message: a string, or the text among its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str))
