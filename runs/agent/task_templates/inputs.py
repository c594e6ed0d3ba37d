"""The inputs of a template: what fills each place of its task, and what values it may have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.exact_numbers import exact_number, plain
from runs.agent.task_templates.places import MOST_FAULTS, TaskText, is_name
from runs.agent.wording import Wording

MOST_INPUTS: Final = 30
MOST_CHOICES: Final = 100
MAX_LABEL_CHARS: Final = 80
MAX_HELP_CHARS: Final = 200
MAX_CHOICE_CHARS: Final = 200
MAX_TEXT_CHARS: Final = 200
"""Of a text in one line, without a limit of its own."""
MOST_TEXT_CHARS: Final = 100_000
"""The highest limit that a text may have; also that of a long text without one."""
TOO_MANY_INPUTS: Final = Wording("A template has at most %(most)s inputs.", most=MOST_INPUTS)
TODAY: Final = "today"
"""The default of a date that is the day of the launch."""


class InputType(StrEnum):
    """What a person gives."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    CHOICE = "choice"
    DATE = "date"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateInput:
    """One input. What does not belong to its type has no effect, and is not stored."""

    name: str
    label: str = ""
    """For people; empty means the name."""
    type: InputType = InputType.TEXT
    required: bool = True
    help: str = ""
    default: str = ""
    """The value where none is given, as text; a date may be `today`. A file has none."""
    max_length: int | None = None
    """Of texts, in characters."""
    choices: tuple[str, ...] = ()
    minimum: Decimal | None = None
    """Of numbers, inclusive, as `maximum`."""
    maximum: Decimal | None = None
    integer: bool = False

    @property
    def title(self) -> str:
        """The label, or the name as words."""
        return self.label or self.name.replace("_", " ").strip().capitalize() or self.name

    @property
    def is_text(self) -> bool:
        """True for texts of one or of several lines."""
        return self.type in (InputType.TEXT, InputType.LONG_TEXT)

    @property
    def longest(self) -> int:
        """The most characters of a text."""
        return self.max_length or (MAX_TEXT_CHARS if self.type == InputType.TEXT else MOST_TEXT_CHARS)

    def as_json(self) -> JsonObject:
        """As it is stored, exported and shown in the API: only what its type has and what differs from the default."""
        told: JsonObject = {"name": self.name, "type": self.type.value, "required": self.required}
        told |= {key: value for key in ("label", "help") if (value := getattr(self, key))}
        if self.default and self.type != InputType.FILE:
            told["default"] = self.default
        if self.is_text and self.max_length is not None:
            told["max_length"] = self.max_length
        if self.type == InputType.CHOICE:
            told["choices"] = list(self.choices)
        if self.type == InputType.NUMBER:
            limits = {"minimum": self.minimum, "maximum": self.maximum}
            told |= {key: plain(limit) for key, limit in limits.items() if limit is not None}
            told |= {"integer": True} if self.integer else {}
        return told


@dataclass(frozen=True, slots=True)
class InputFault:
    """What is wrong with the definition of an input."""

    name: str
    """The input; empty for a fault of all of them."""
    key: str
    """The part of it."""
    words: Wording

    def __str__(self) -> str:
        return f"inputs.{self.name}.{self.key}: {self.words}" if self.name else f"inputs: {self.words}"


@dataclass(slots=True)
class ReadInputs:
    """Inputs as they were read, and what is wrong with them."""

    inputs: list[TemplateInput] = field(default_factory=list)
    faults: list[InputFault] = field(default_factory=list)


def stored_inputs(stored: Sequence[Mapping[str, Any]]) -> list[TemplateInput]:
    """The inputs of a stored template, which were valid when they were stored."""
    return [_from_json(each, ReadInputs()) for each in stored]


def read_inputs(given: Sequence[Mapping[str, Any]]) -> ReadInputs:
    """The inputs in JSON from outside, whose types a schema has checked."""
    read = ReadInputs()
    if len(given) > MOST_INPUTS:
        read.faults.append(InputFault("", "", TOO_MANY_INPUTS))
        return read
    for each in given:
        one = _from_json(each, read)
        if any(one.name == earlier.name for earlier in read.inputs):
            read.faults.append(InputFault(one.name, "name", Wording("Another input has this name.")))
        read.inputs.append(one)
    return read


def missing_inputs(text: TaskText, inputs: Sequence[TemplateInput]) -> list[Wording]:
    """A sentence for each place without an input, and for each input without a place; of many the first ones."""
    names, places = {each.name for each in inputs}, text.places
    found = [TOO_MANY_INPUTS] if len(places) > MOST_INPUTS else []
    found += [
        Wording("Line %(line)s: The place “%(name)s” has no input.", line=str(place.line), name=place.name)
        for place in islice((place for place in places.values() if place.name not in names), MOST_FAULTS)
    ]
    return found + [
        Wording("The input “%(name)s” has no place in the task.", name=each.name)
        for each in inputs
        if each.name not in places
    ]


def _from_json(stored: Mapping[str, Any], read: ReadInputs) -> TemplateInput:
    name = str(stored.get("name", ""))

    def refuse(key: str, words: Wording) -> None:
        read.faults.append(InputFault(name, key, words))

    if not is_name(name):
        refuse("name", Wording("A name has at most 40 letters, digits and _, and no digit first."))
    for key, most in (("label", MAX_LABEL_CHARS), ("help", MAX_HELP_CHARS)):
        if len(str(stored.get(key) or "")) > most:
            refuse(key, Wording("At most %(most)s characters.", most=most))
    one = TemplateInput(
        name=name,
        label=str(stored.get("label") or "").strip(),
        type=InputType(stored.get("type") or InputType.TEXT),
        required=bool(stored.get("required", True)),
        help=str(stored.get("help") or "").strip(),
        default="" if stored.get("default") is None else str(stored["default"]),
    )
    match one.type:
        case InputType.TEXT | InputType.LONG_TEXT:
            return replace(one, max_length=_max_length(stored, refuse))
        case InputType.CHOICE:
            return replace(one, choices=_choices(stored, refuse))
        case InputType.NUMBER:
            minimum, maximum = _limit(stored, "minimum", refuse), _limit(stored, "maximum", refuse)
            if minimum is not None and maximum is not None and minimum > maximum:
                refuse("maximum", Wording("The maximum is below the minimum."))
            return replace(one, integer=bool(stored.get("integer")), minimum=minimum, maximum=maximum)
        case _:
            return one


def _max_length(stored: Mapping[str, Any], refuse: Any) -> int | None:
    number = exact_number(stored.get("max_length"))
    if stored.get("max_length") in (None, ""):
        return None
    if number is None or number != number.to_integral_value() or not 1 <= number <= MOST_TEXT_CHARS:
        refuse("max_length", Wording("A whole number from 1 to %(most)s.", most=MOST_TEXT_CHARS))
        return None
    return int(number)


def _choices(stored: Mapping[str, Any], refuse: Any) -> tuple[str, ...]:
    choices = tuple(str(each).strip() for each in stored.get("choices") or () if str(each).strip())
    if not choices:
        refuse("choices", Wording("A choice needs at least one value to choose."))
    if len(choices) > MOST_CHOICES:
        refuse("choices", Wording("At most %(most)s values.", most=MOST_CHOICES))
    if any(len(each) > MAX_CHOICE_CHARS or "\n" in each for each in choices):
        refuse("choices", Wording("Each value is one line of at most %(most)s characters.", most=MAX_CHOICE_CHARS))
    if len(set(choices)) < len(choices):
        refuse("choices", Wording("Two of the values are the same."))
    return choices


def _limit(stored: Mapping[str, Any], key: str, refuse: Any) -> Decimal | None:
    given = stored.get(key)
    if given in (None, ""):
        return None
    number = exact_number(given)
    if number is None:
        refuse(key, Wording("A number, such as 2.5."))
    return number
