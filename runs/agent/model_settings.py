"""What is asked of a model beyond its task: how much it thinks, how freely and how long it writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, Final, Literal, get_args

from runs.agent.extra_settings import extra_fault
from runs.agent.tools.validation import shortened

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""From not at all to as much as the model can. Each provider's own setting is set to what comes closest."""
EFFORTS: Final[tuple[str, ...]] = get_args(ReasoningEffort)
MAX_TEMPERATURE: Final = 2
MAX_OUTPUT_TOKENS_ALLOWED: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """The settings of one request. None leaves the choice to the provider. Raises `ValueError` for what none takes."""

    reasoning_effort: ReasoningEffort | None = None
    temperature: float | None = None
    """0 to 2; models that reason refuse it, as a rule."""
    top_p: float | None = None
    """More than 0, at most 1."""
    max_output_tokens: int | None = None
    """The longest reply, reasoning included."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """JSON members added to the request's body as they are, for what a server wants beyond (`extra_settings.py`)."""

    def __post_init__(self) -> None:
        for name in SETTINGS:
            if fault := setting_fault(name, getattr(self, name)):
                raise ValueError(f"{name} {fault}.")


SETTINGS: Final = tuple(each.name for each in fields(ModelSettings))
"""Their names: the same in Python, in an agent's snapshot, in overrides and in forms."""


def setting_fault(name: str, value: object) -> str | None:
    """Why a setting cannot have this value, as the end of a sentence: "must be from 0 to 2, not 3". None if it can.

    The same words at every door: Python, forms, admin, API. None is always right.
    """
    if value is None:
        return None
    if name == "extra":
        return extra_fault(value)
    is_right, wanted = _CHECKS[name]
    return None if is_right(value) else f"must be {wanted}, not {told(value)}"


def told(value: object) -> str:
    """A wrong value as its sender wrote it, shortened: a form makes 3.0 of 3."""
    return shortened(int(value) if isinstance(value, float) and value.is_integer() else value)


def _is_number(value: object) -> bool:
    # Not of whole numbers: of one with hundreds of digits `isfinite` makes no float.
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and isfinite(value))


def _is_temperature(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= MAX_TEMPERATURE


def _is_top_p(value: Any) -> bool:
    return _is_number(value) and 0 < value <= 1


def _is_output(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int) and 1 <= value <= MAX_OUTPUT_TOKENS_ALLOWED


_CHECKS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "reasoning_effort": (lambda value: value in EFFORTS, f"one of {', '.join(EFFORTS)}"),
    "temperature": (_is_temperature, f"a number from 0 to {MAX_TEMPERATURE}"),
    "top_p": (_is_top_p, "a number above 0 and at most 1"),
    "max_output_tokens": (_is_output, f"a whole number from 1 to {MAX_OUTPUT_TOKENS_ALLOWED:,}"),
}


PROVIDER_DEFAULTS = ModelSettings()
"""Nothing is asked for beyond the request."""
