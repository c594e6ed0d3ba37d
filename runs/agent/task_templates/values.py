"""The values of a template's inputs for one launch: checked in one place for pages, API, command line and MCP."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from runs.agent.json_data.json_values import check_storable_text
from runs.agent.task_templates.exact_numbers import exact_number, plain
from runs.agent.task_templates.inputs import TODAY, InputType, TemplateInput
from runs.agent.visible_text import exact
from runs.agent.wording import Wording

_SHOWN_CHARS: Final = 80
_DATE_CHARS: Final = len("2026-11-22")


class ValueMisfit(ValueError):
    """A value does not fit its input. The message is a `Wording`."""


class InputsRefused(ValueError):
    """Values do not fit their template. The message is in English; `errors` has a `Wording` for each input."""

    def __init__(self, errors: Mapping[str, Wording]) -> None:
        super().__init__("\n".join(f"inputs.{name}: {words}" for name, words in errors.items()))
        self.errors = dict(errors)


def checked_values(inputs: Sequence[TemplateInput], given: Mapping[str, Any], *, today: date) -> dict[str, str]:
    """By name, the value of each input as it is put into the task; of a file its id. Empty for an optional one that was
    left out. Raises `InputsRefused` with an error for each value that does not fit, and each that has no input."""
    values: dict[str, str] = {}
    errors: dict[str, Wording] = {}
    for each in inputs:
        try:
            values[each.name] = checked_value(each, given.get(each.name, default_of(each, today=today)))
        except ValueMisfit as misfit:
            errors[each.name] = misfit.args[0]
    known = {each.name for each in inputs}
    for name in given:
        if name not in known:
            errors[exact(str(name)[:_SHOWN_CHARS])] = Wording("The template has no such input.")
    if errors:
        raise InputsRefused(errors)
    return values


def default_of(of: TemplateInput, *, today: date) -> str:
    """The value where none is given; empty without one."""
    return today.isoformat() if of.type == InputType.DATE and of.default == TODAY else of.default


def default_misfit(of: TemplateInput) -> Wording | None:
    """Why the default of an input cannot be its value; None if it can."""
    if not of.default or (of.type == InputType.DATE and of.default == TODAY):
        return None
    try:
        checked_value(of, of.default)
    except ValueMisfit as misfit:
        words: Wording = misfit.args[0]
        return words
    return None


def checked_value(of: TemplateInput, given: Any) -> str:
    """The value as text. Raises `ValueMisfit`."""
    if given is None or given == "" or (isinstance(given, str) and not given.strip()):
        if of.required:
            raise ValueMisfit(Wording("A value is needed here."))
        return ""
    match of.type:
        case InputType.TEXT | InputType.LONG_TEXT:
            return _text(of, given)
        case InputType.NUMBER:
            return _number(of, given)
        case InputType.CHOICE:
            return _choice(of, given)
        case InputType.DATE:
            return _date(given)
        case InputType.FILE:
            return _file(given)


def _text(of: TemplateInput, given: Any) -> str:
    if not isinstance(given, str):
        raise ValueMisfit(Wording("A text is needed here."))
    try:
        text = check_storable_text(given).replace("\r\n", "\n")
    except ValueError as fault:
        raise ValueMisfit(Wording("It has a character that cannot be stored.")) from fault
    if of.type == InputType.TEXT and ("\n" in text or "\r" in text):
        raise ValueMisfit(Wording("It is a text of one line."))
    if len(text) > of.longest:
        raise ValueMisfit(Wording("At most %(most)s characters.", most=of.longest))
    return text


def _number(of: TemplateInput, given: Any) -> str:
    number = exact_number(given)
    if number is None:
        raise ValueMisfit(Wording("A number is needed here, such as 2.5, of at most 40 digits."))
    if of.integer and number != number.to_integral_value():
        raise ValueMisfit(Wording("A whole number is needed here."))
    if of.minimum is not None and number < of.minimum:
        raise ValueMisfit(Wording("At least %(least)s.", least=plain(of.minimum)))
    if of.maximum is not None and number > of.maximum:
        raise ValueMisfit(Wording("At most %(limit)s.", limit=plain(of.maximum)))
    return plain(number.to_integral_value() if of.integer else number)


def _choice(of: TemplateInput, given: Any) -> str:
    if not isinstance(given, str) or given not in of.choices:
        choices = ", ".join(exact(each) for each in of.choices)
        raise ValueMisfit(Wording("One of these values is needed: %(choices)s.", choices=choices))
    return given


def _date(given: Any) -> str:
    # `fromisoformat` also takes 20261122 and 2026-W47-7.
    text = given.strip() if isinstance(given, str) else ""
    try:
        is_plain = len(text) == _DATE_CHARS and text.replace("-", "").isdecimal()
        return date.fromisoformat(text if is_plain else "").isoformat()
    except ValueError as error:
        raise ValueMisfit(Wording("A date is needed here, such as 2026-11-22.")) from error


def _file(given: Any) -> str:
    try:
        return str(UUID(str(given)))
    except ValueError as error:
        raise ValueMisfit(Wording("The id of an uploaded file is needed here.")) from error
