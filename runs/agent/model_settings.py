"""What is asked of a model beyond its task: how much it thinks, how freely and how long it writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""From not at all to as much as the model can. Each provider's own setting is set to what comes closest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """The settings of one request. None leaves the choice to the provider."""

    reasoning_effort: ReasoningEffort | None = None
    temperature: float | None = None
    """0 to 2; models that reason refuse it, as a rule."""
    top_p: float | None = None
    """More than 0, at most 1."""
    max_output_tokens: int | None = None
    """The longest reply, reasoning included."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """JSON members added to the request's body as they are, for what a server wants beyond."""

    def __post_init__(self) -> None:
        checks = (
            ("temperature", self.temperature, 0 <= (self.temperature or 0) <= 2, "from 0 to 2"),
            ("top_p", self.top_p, self.top_p is None or 0 < self.top_p <= 1, "more than 0 and at most 1"),
            (
                "max_output_tokens",
                self.max_output_tokens,
                self.max_output_tokens is None or self.max_output_tokens > 0,
                "more than 0",
            ),
        )
        for name, value, is_right, wanted in checks:
            if not is_right:
                raise ValueError(f"{name} must be {wanted}, not {value!r}.")


PROVIDER_DEFAULTS = ModelSettings()
"""Nothing is asked for beyond the request."""
