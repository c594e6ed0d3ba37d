"""Bounds of values in forms, the API and the admin, and the validator for settings."""

from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible

from runs.agent.all_settings import SETTINGS
from runs.agent.model_settings import setting_fault

MAX_TASK_BYTES = 256 * 1024
MAX_APPROVAL_SECONDS = 30 * 86_400
MAX_PRIORITY = 100
MAX_RUNS_AT_ONCE = 100_000


@deconstructible
class ValueCheck:
    """Validates the value of a setting in a row or a form. Raises `ValidationError`."""

    def __init__(self, name: str) -> None:
        """`name` is that of a setting."""
        self.name = name

    def __call__(self, value: object) -> None:
        if fault := setting_fault(SETTINGS[self.name], value):
            raise ValidationError(f"It {fault}.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValueCheck) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)
