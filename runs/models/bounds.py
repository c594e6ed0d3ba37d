"""Bounds of values in forms, the API and the admin, and the validator for settings."""

from typing import Final

from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy

from runs.agent.all_settings import SETTINGS
from runs.agent.model_settings import setting_fault, told_value
from runs.agent.setting import Setting

MAX_TASK_BYTES = 256 * 1024
MAX_APPROVAL_SECONDS = 30 * 86_400
MAX_PRIORITY = 100
MAX_RUNS_AT_ONCE = 100_000

_REFUSALS: Final = {
    "choice": gettext_lazy("It must be one of %(choices)s, not %(value)s."),
    "count": gettext_lazy("It must be a whole number from %(least)s to %(most)s, not %(value)s."),
    "money": gettext_lazy("It must be an amount of US dollars from %(least)s to %(most)s, not %(value)s."),
    "seconds": gettext_lazy("It must be a number of seconds from %(least)s to %(most)s, not %(value)s."),
    "number": gettext_lazy("It must be a number from %(least)s to %(most)s, not %(value)s."),
}
"""By the kind of a setting, what a form says of a value that it cannot have."""
_NOT_ABOVE: Final = gettext_lazy("It must be a number above %(least)s and at most %(most)s, not %(value)s.")
"""Of a number that excludes its least value."""


@deconstructible
class ValueCheck:
    """Validates the value of a setting in a row or a form. Raises `ValidationError`."""

    def __init__(self, name: str) -> None:
        """`name` is that of a setting."""
        self.name = name

    def __call__(self, value: object) -> None:
        setting = SETTINGS[self.name]
        if fault := setting_fault(setting, value):
            raise ValidationError(f"It {fault}." if setting.kind == "json" else _refusal(setting, value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValueCheck) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def _refusal(setting: Setting, value: object) -> str:
    text = _NOT_ABOVE if setting.excludes_least else _REFUSALS[setting.kind]
    most = "" if setting.most is None else f"{setting.most:,}"
    bounds = {"least": _localized(str(setting.least)), "most": _localized(most)}
    return str(text) % {**bounds, "choices": ", ".join(setting.choices), "value": told_value(value)}


def _localized(number: str) -> str:
    signs = {",": get_format("THOUSAND_SEPARATOR"), ".": get_format("DECIMAL_SEPARATOR")}
    return number.translate(str.maketrans(signs))
