"""The capabilities of a model at its server, which decide what a request contains."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The capabilities of one model at one server. None: unknown, so the transport's own knowledge applies."""

    tools: bool | None = None
    """False: requests have no tools."""
    strict_tools: bool | None = None
    """True: the server enforces the tools' schemas (`strict`), as OpenAI does. Otherwise `strict` is never sent."""
    parallel_tools: bool | None = None
    """False: requests ask for at most one call per reply. None: the option is not sent."""
    stream_options: bool | None = None
    """False: requests do not ask for the usage in a stream (chat completions only)."""
    output_schema: bool | None = None
    """False: the output schema is only described in the prompt."""
    vision: bool | None = None
    """True: the model accepts images."""
    reasoning: bool | None = None
    """True: the model can reason before it answers."""
    context_tokens: int | None = None
    """The context window: input and output together."""
    max_output_tokens: int | None = None
    """The longest reply in tokens."""
    model_timeout_s: float | None = None
    """The time limit of a whole reply at this server, unless the run sets one; likewise the two below."""
    first_token_timeout_s: float | None = None
    idle_timeout_s: float | None = None

    def completed_by(self, other: "Capabilities") -> Self:
        """These capabilities, with unknown ones taken from `other`."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(**{name: getattr(other, name) if value is None else value for name, value in said.items()})


UNKNOWN = Capabilities()
