"""Form fields for values of a JSON Schema."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import DuplicateName, check_storable_json, check_unique_names
from runs.agent.visible_text import exact
from runs.live.rendering.json_texts import argument_text, pretty
from runs.live.rendering.schema_texts import FORMATS, FormatValue, TextValue
from runs.live.rendering.schema_words import bounds_words, choices_in, resolved, without_null

LEFT_OUT: Final = "—"
LONG_CHARS: Final = 60
SCHEMA_CHARS: Final = 4_000
"""Of the schema that a JSON box shows."""


def schema_field(
    name: str, part: Any, given: Any, *, root: JsonObject, is_required: bool, is_new: bool, has_long_texts: bool
) -> forms.Field:
    """The field for one member of an object. `root` is the schema that references in `part` are resolved in. With
    `is_new` there is no object yet: a required text is not empty, and the schema's default is shown."""
    own = part if isinstance(part, dict) else {}
    plain = without_null(resolved(own, root))
    plain = without_null(resolved(plain, root))
    about = {"label": exact(name), "help_text": str(plain.get("description") or own.get("description") or "")}
    default = own.get("default", plain.get("default")) if is_new else None
    field = _field_for(plain, given, about | {"required": is_required}, has_long_texts=has_long_texts, root=root)
    if isinstance(field, TextValue):
        field.required = is_required and is_new and default != ""
    field.bounds = bounds_words(plain)  # type: ignore[attr-defined]  # read by the template
    field.is_demanded = is_required  # type: ignore[attr-defined]  # as above
    field.widget.attrs.setdefault("class", "input")
    if default is not None and _can_show(field, default):
        field.initial = shown_value(field, default)
    elif isinstance(field, OneChoice) and given is None:
        field.ask_for_one()
    return field


def shown_value(field: forms.Field, value: Any) -> Any:
    """The value as the field shows it."""
    match field:
        case OneChoice():
            return json.dumps(value)
        case SeveralChoices():
            return [json.dumps(each) for each in value]
        case _:
            return value


def _field_for(
    plain: JsonObject, given: Any, about: JsonObject, *, has_long_texts: bool, root: JsonObject
) -> forms.Field:
    is_number = given is None or (isinstance(given, int | float) and not isinstance(given, bool))
    is_text = given is None or isinstance(given, str)
    items = without_null(resolved(plain.get("items"), root))
    match plain.get("type"):
        case _ if choices := choices_in(plain):
            return OneChoice(choices, given, **about)
        case "array" if (choices := choices_in(items)) and _are_among(given, choices):
            return SeveralChoices(choices, _limits(plain), **about)
        case "boolean":
            return OneChoice([(True, gettext("Yes")), (False, gettext("No"))], given, **about)
        case "string" if is_text and (of_format := FORMATS.get(str(plain.get("format")))) and of_format.fits(given):
            return of_format(plain, **about)
        case "string" if is_text:
            # A single-line input drops line ends.
            is_long = has_long_texts or len(given or "") > LONG_CHARS or not {"\n", "\r"}.isdisjoint(given or "")
            widget = forms.Textarea(attrs={"rows": 3}) if is_long else forms.TextInput()
            return TextValue(plain, widget=widget, **about)
        case "integer" if is_number and not isinstance(given, float):
            return WholeNumberValue(validators=_ranges(plain), **about)
        case "number" if is_number:
            return NumberValue(validators=_ranges(plain), **about)
        case _:
            return JsonValue(schema=plain, **about)


def _can_show(field: forms.Field, default: Any) -> bool:
    match field:
        case OneChoice():
            return json.dumps(default) in field.options
        case SeveralChoices():
            return isinstance(default, list) and _are_among(default, [(each, "") for each in field.values])
        case FormatValue():
            return isinstance(default, str) and field.fits(default)
        case TextValue():
            return isinstance(default, str)
        case WholeNumberValue() | NumberValue():
            return isinstance(default, int | float) and not isinstance(default, bool)
        case _:
            return True


def _are_among(given: Any, choices: Sequence[tuple[Any, str]]) -> bool:
    if given is None:
        return True
    known = {json.dumps(value) for value, _title in choices}
    return isinstance(given, list) and all(json.dumps(each) in known for each in given)


def _limits(plain: JsonObject) -> tuple[int, int | None]:
    least, most = plain.get("minItems"), plain.get("maxItems")
    return (least if isinstance(least, int) else 0), (most if isinstance(most, int) else None)


def _ranges(plain: JsonObject) -> list[Any]:
    found = []
    for key, made in (("minimum", MinValueValidator), ("maximum", MaxValueValidator)):
        limit = plain.get(key)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            found.append(made(limit))
    return found


class WholeNumberValue(forms.IntegerField):
    """A whole number of any size."""

    # `type="number"` empties what the browser cannot represent, and changes with the mouse wheel.
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})

    def to_python(self, value: Any) -> int | None:
        text = "" if value is None else str(value).strip()
        if text and not re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return int(text) if text else None


class NumberValue(forms.FloatField):
    """A number as JSON writes it; whole numbers stay exact. A float that would be rounded is refused."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    default_error_messages = {
        "invalid": gettext_lazy("Type a number with a point and without spaces or commas, such as 2.5."),
        "rounded": gettext_lazy("It has too many digits: it would be rounded to %(kept)s."),
    }
    written = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")

    def to_python(self, value: Any) -> Any:
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        if not self.written.fullmatch(text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            number = int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError as error:  # Thousands of digits.
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error
        if isinstance(number, float) and abs(number) != float("inf") and Decimal(repr(number)) != Decimal(text):
            kept = {"kept": repr(number)}
            raise forms.ValidationError(self.error_messages["rounded"], code="rounded", params=kept)
        return number

    def validate(self, value: Any) -> None:
        if value is None or isinstance(value, int):  # An integer may exceed the range of a float.
            forms.Field.validate(self, value)
        else:
            super().validate(value)


class JsonValue(forms.JSONField):
    """A JSON value that can be stored and has no duplicate names."""

    def __init__(self, *, schema: JsonObject, **about: Any) -> None:
        """`schema` is shown beside it."""
        widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "data-json": ""})
        super().__init__(widget=widget, **about)
        self.initial = InvalidJSONInput("")  # None would be shown as "null"
        text = pretty({name: each for name, each in schema.items() if name != "description"}) if schema else ""
        self.schema_text = exact(text[:SCHEMA_CHARS] + ("…" if len(text) > SCHEMA_CHARS else ""))

    def to_python(self, value: Any) -> Any:
        try:
            read = super().to_python(value)
            if read is not None and isinstance(value, str):
                check_unique_names(value)
            return check_storable_json(read)
        except DuplicateName as twice:
            raise forms.ValidationError(f"{twice}.", code="twice") from twice
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        # The text as typed: parsed and written again it would differ, also in its numbers.
        return initial if self.disabled else None if data is None else InvalidJSONInput(data)


class JsonObjectValue(JsonValue):
    """A JSON object."""

    def to_python(self, value: Any) -> Any:
        read = super().to_python(value)
        if read is not None and not isinstance(read, dict):
            raise forms.ValidationError(gettext("Type a JSON object, in curly brackets."), code="object")
        return read


class OneChoice(forms.TypedChoiceField):
    """A choice among JSON values."""

    def __init__(self, choices: Sequence[tuple[Any, str]], given: Any, **about: Any) -> None:
        """`choices` are values with their titles; `given` is the current value."""
        options = {json.dumps(value): exact(title or argument_text(value)) for value, title in choices}
        if given is not None:  # Without the current value in the list, an untouched field would change it.
            options.setdefault(json.dumps(given), exact(argument_text(given)))
        self.options = options
        first = [] if about["required"] else [("", LEFT_OUT)]
        super().__init__(choices=[*first, *options.items()], coerce=json.loads, empty_value=None, **about)

    def ask_for_one(self) -> None:
        """Have nothing chosen at first: else the first choice would be the answer of a person who did not look. A only
        choice is chosen."""
        if self.required and len(self.options) == 1:
            self.initial = next(iter(self.options))
        elif self.required:
            self.choices = [("", LEFT_OUT), *self.options.items()]


class SeveralChoices(forms.TypedMultipleChoiceField):
    """Several of some JSON values."""

    def __init__(self, choices: Sequence[tuple[Any, str]], limits: tuple[int, int | None], **about: Any) -> None:
        """`limits` are the least and the most that are chosen."""
        self.values = [value for value, _title in choices]
        self.least, self.most = limits
        options = [(json.dumps(value), exact(title or argument_text(value))) for value, title in choices]
        is_required = about.pop("required") and self.least > 0
        widget = forms.CheckboxSelectMultiple()
        widget.attrs["class"] = "choice-box"
        super().__init__(
            choices=options, coerce=json.loads, empty_value=[], required=is_required, widget=widget, **about
        )

    def clean(self, value: Any) -> Any:
        chosen = super().clean(value)
        if chosen and len(chosen) < self.least:
            words = ngettext("Choose at least %(n)s.", "Choose at least %(n)s.", self.least)
            raise forms.ValidationError(words % {"n": self.least}, code="least")
        if self.most is not None and len(chosen) > self.most:
            words = ngettext("Choose at most %(n)s.", "Choose at most %(n)s.", self.most)
            raise forms.ValidationError(words % {"n": self.most}, code="most")
        return chosen
