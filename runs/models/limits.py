"""How much may be asked for: what a form, the API and the admin take at the most, and what they say beyond it."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible

from runs.agent.limits import TIME_LIMITS
from runs.agent.model_settings import setting_fault, told

MAX_TASK_BYTES = 256 * 1024
MAX_TURNS_ALLOWED = 1000
MAX_SECONDS_ALLOWED = 86_400
MAX_TOKENS_ALLOWED = 1_000_000_000
MIN_COST_ALLOWED = Decimal("0.0001")
MAX_COST_ALLOWED = Decimal(100_000)
MIN_TIME_LIMIT_S, MAX_TIME_LIMIT_S = 0.1, 3600
"""How long one thing may be waited for."""
MIN_CONTEXT_TOKENS = 1_000
MAX_APPROVAL_SECONDS = 30 * 86_400
MAX_PRIORITY = 100
MAX_RUNS_AT_ONCE = 100_000


def value_fault(name: str, value: object) -> str | None:
    """Why a setting of the model or a time limit cannot have this value, as the end of a sentence: "must be …, not 5".

    None if it can; None is always right: it leaves the agent's own, or the default.
    """
    if name not in TIME_LIMITS:
        return setting_fault(name, value)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and MIN_TIME_LIMIT_S <= value <= MAX_TIME_LIMIT_S:  # type: ignore[operator]  # NaN is not
        return None
    return f"must be a number of seconds from {MIN_TIME_LIMIT_S} to {MAX_TIME_LIMIT_S:,}, not {told(value)}"


@deconstructible
class ValueCheck:
    """The same check for a field of a row or a form. Raises `ValidationError`."""

    def __init__(self, name: str) -> None:
        """`name` is that of a setting of the model or of a time limit."""
        self.name = name

    def __call__(self, value: object) -> None:
        if fault := value_fault(self.name, value):
            raise ValidationError(f"It {fault}.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValueCheck) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)
