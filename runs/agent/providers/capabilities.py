"""What a model, or the server it stands behind, can do: what is asked of it, and what is left out."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Of one model at one server. None: nobody has said, and the transport's own knowledge counts."""

    tools: bool | None = None
    """False: no request names a tool."""
    strict_tools: bool | None = None
    """True: the server itself holds calls to the tools' schemas (`strict`), as OpenAI does. Never sent otherwise."""
    parallel_tools: bool | None = None
    """False: one call a reply is asked for. None: the server is not told anything about it."""
    stream_options: bool | None = None
    """False: the usage is not asked for in a stream (chat completions only)."""
    output_schema: bool | None = None
    """False: an output schema is asked for in words only."""
    vision: bool | None = None
    """True: it takes images."""
    reasoning: bool | None = None
    """True: it can think before it answers."""
    context_tokens: int | None = None
    """The most it can read and write together."""
    max_output_tokens: int | None = None
    """The longest reply it can give."""
    model_timeout_s: float | None = None
    """How long a whole reply may take at this server, unless the run says otherwise; so the two below."""
    first_token_timeout_s: float | None = None
    idle_timeout_s: float | None = None

    def completed_by(self, other: "Capabilities") -> Self:
        """These, and what only the other says."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(**{name: getattr(other, name) if value is None else value for name, value in said.items()})


UNKNOWN = Capabilities()
