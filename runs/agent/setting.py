"""The declaration of a setting of a run.

`RunLimits` and `ModelSettings` declare each of their settings once, in the metadata of its field. The agent's column,
the snapshot, the overrides and ceilings of a launch, the form, the fields of the API, the options of the command line,
the facts on the run's page, error codes and remedies are derived from that declaration.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from decimal import Decimal
from math import isfinite
from typing import Any, Literal

from runs.agent.marked_words import words

SettingKind = Literal["count", "money", "seconds", "number", "choice", "json"]
"""A whole number, US dollars, a number of seconds, another number, one of several words, a JSON object."""
Group = Literal["limits", "timeouts", "model"]
"""Limits of the run, timeouts of single operations, and settings of model requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. `name` and `default` are taken from its dataclass field by `settings_of`."""

    name: str = ""
    """The name in Python, in snapshots and overrides and, without `column`, of the agent's column."""
    default: Any = None
    """The value without a choice; None if the server or the provider decides then."""
    kind: SettingKind
    group: Group
    label: str
    """Label of a form field."""
    help: str
    """Description, as a sentence without its full stop."""
    empty: str = ""
    """The meaning of an empty value; without this text an agent must have a value."""
    remark: str = ""
    """A further sentence, for people who configure agents or call the API."""
    unit: str = ""
    """The unit of a number, in the singular."""
    least: Decimal | float | None = None
    most: Decimal | float | None = None
    excludes_least: bool = False
    """True if the value must be above `least`."""
    step: float | None = None
    """The step of a form's arrow keys."""
    choices: tuple[str, ...] = ()
    """The choices, from the lowest to the highest demand on a model."""
    most_in_words: str = ""
    """`most` in words."""
    column: str = ""
    """The agent's column, if it differs from `name`."""
    column_label: str = ""
    """Label of the agent's column, if it differs from `label`."""
    public_name: str = ""
    """The name in forms, on the command line and in the API, if it differs from `name`."""
    earlier_name: str = ""
    """The name in configurations stored by earlier versions."""
    fact_label: str = ""
    """Label on a run's page, where the value has its unit; empty for `label`."""
    is_launched: bool = True
    """True if a launch may override the agent's value."""
    is_capped: bool = False
    """True if the agent's value is the maximum for a launch, except for people who may change the agent."""
    fallback: float | None = None
    """The value if none is chosen and `default` is None."""
    reached: str = ""
    """The meaning of the error for a run that ended at this limit, as a sentence."""
    error_code: str = ""
    """The code of the error, if it is not that of a run that ended at this limit."""
    raise_label: str = words("Allow more time")
    """Label of the button that raises the limit."""
    resume_label: str = words("Resume with more time")
    """Label of the button that resumes a run with twice the limit."""

    @property
    def public(self) -> str:
        """The name in forms, on the command line and in the API."""
        return self.public_name or self.name

    @property
    def agent_column(self) -> str:
        """The name of the agent's attribute."""
        return self.column or self.name

    @property
    def code(self) -> str:
        """The code of the error at this limit; empty if there is none."""
        return self.error_code or (f"limit_{self.name}" if self.reached else "")

    @property
    def description(self) -> str:
        """The description in one or two sentences."""
        seconds = "Seconds. " if self.kind == "seconds" else ""
        return f"{seconds}{self.help}.{self.remark and f' {self.remark}'}"

    @property
    def wanted(self) -> str:
        """The valid values in English words, for programs and commands: "a whole number from 1 to 1,000"."""
        match self.kind:
            case "choice":
                return f"one of {', '.join(self.choices)}"  # not translated: see runs/models/bounds.py
            case "json":
                return "a JSON object"  # not translated: see runs/models/bounds.py
            case "count":
                what = "a whole number"  # not translated: see runs/models/bounds.py
            case "money":
                what = "an amount of US dollars"  # not translated: see runs/models/bounds.py
            case "seconds":
                what = "a number of seconds"  # not translated: see runs/models/bounds.py
            case "number":
                what = "a number"  # not translated: see runs/models/bounds.py
        if self.excludes_least:
            return f"{what} above {self.least} and at most {self.most:,}"  # not translated: see runs/models/bounds.py
        return f"{what} from {self.least} to {self.most:,}"

    def accepts(self, value: Any) -> bool:
        """True for a value of the right kind within the bounds. Of a JSON object only the kind is checked."""
        match self.kind:
            case "choice":
                return value in self.choices
            case "json":
                return isinstance(value, Mapping)
            case "count":
                is_of_kind = isinstance(value, int) and not isinstance(value, bool)
            case _:
                is_of_kind = _is_number(value)
        if not is_of_kind or self.least is None or self.most is None:
            return is_of_kind
        return (self.least < value if self.excludes_least else self.least <= value) and bool(value <= self.most)

    def as_json(self, value: Any) -> Any:
        """The value as stored in a run's configuration: money as a decimal string."""
        match self.kind:
            case "money":
                return format(Decimal(value), "f")
            case "json":
                return dict(value)
            case _:
                return value

    def from_json(self, value: Any) -> Any:
        """The Python value of a stored one: money as `Decimal`."""
        return Decimal(value) if self.kind == "money" else value


def declared(setting: Setting) -> dict[str, Setting]:
    """The metadata of a dataclass field that declares a setting."""
    return {"setting": setting}


def settings_of(declaring: type) -> tuple[Setting, ...]:
    """The settings declared by a dataclass, in the order of its fields."""
    return tuple(
        replace(field.metadata["setting"], name=field.name, default=None if field.default is MISSING else field.default)
        for field in fields(declaring)
        if "setting" in field.metadata
    )


def _is_number(value: object) -> bool:
    match value:
        case bool():
            return False
        case int():
            return True  # Not `isfinite`: a whole number with hundreds of digits is too large for a float.
        case float():
            return isfinite(value)
        case Decimal():
            return value.is_finite()
        case _:
            return False
