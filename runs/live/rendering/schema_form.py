"""Forms for JSON objects, built from their JSON Schema: the arguments of a tool, or the answer to a question."""

import json
import re
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext, gettext_lazy

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.json_data.json_values import DuplicateName, check_storable_json, check_unique_names
from runs.agent.visible_text import exact
from runs.live.rendering.json_texts import argument_text

LEFT_OUT = "—"
LONG_CHARS = 60

PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
"""Names that a browser returns unchanged and that are valid in an `id`. Other arguments get a number."""


class SchemaForm(forms.Form):
    """One field for each argument of a JSON Schema. Arguments without a simple type are typed as JSON."""

    def __init__(
        self,
        schema: JsonObject,
        given: JsonObject,
        data: JsonMapping | None = None,
        *,
        prefix: str,
        has_long_texts: bool = False,
    ) -> None:
        """`given` are the current arguments; `data` None shows them. With `has_long_texts` each text is typed in a
        field of several lines."""
        super().__init__(data, prefix=prefix, auto_id="id_%s")
        self.schema, self.given = schema, given
        properties: JsonObject = dict(schema.get("properties") or {})
        for name in given:
            properties.setdefault(name, {})
        self.names = {_key(index, name): name for index, name in enumerate(properties)}
        required = set(schema.get("required") or ())
        for key, name in self.names.items():
            field = _field(
                name, properties[name], given.get(name), is_required=name in required, has_long_texts=has_long_texts
            )
            self.fields[key] = field
            if name in given:
                self.initial[key] = _initial(field, given.get(name))

    def arguments(self) -> JsonObject:
        """The arguments of a valid form. Unchanged fields keep their exact value; an empty optional one is left out."""
        required = set(self.schema.get("required") or ())
        arguments = {}
        for key, name in self.names.items():
            value, given = self.cleaned_data[key], self.given.get(name)
            is_empty = value is None or value == ""
            if name in self.given and (self._is_untouched(key) or (is_empty and given in (None, ""))):
                arguments[name] = given
            elif not is_empty or (name in required and value == ""):
                arguments[name] = _with_plain_line_ends(value)
        return arguments

    def _is_untouched(self, key: str) -> bool:
        """True if the field was sent as it was shown, so that the value stays exactly the same."""
        field = self.fields[key]
        shown = field.widget.format_value(field.prepare_value(self.initial[key]))
        shown = shown[0] if isinstance(shown, list) else shown
        typed = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(key))
        return _line_ends(str(shown or "")) == _line_ends(str(typed or ""))

    def refuse(self, fault: str) -> None:
        """Add an error about the arguments as a whole."""
        self.add_error(None, fault)


def _field(name: str, schema: Any, given: Any, *, is_required: bool, has_long_texts: bool) -> forms.Field:
    plain = _without_null(schema if isinstance(schema, dict) else {})
    help_text = str(plain.get("description") or schema.get("description") or "") if isinstance(schema, dict) else ""
    about: JsonObject = {"label": exact(name), "help_text": help_text, "required": is_required}
    is_number = given is None or (isinstance(given, int | float) and not isinstance(given, bool))
    choices = plain.get("enum")
    match plain.get("type"):
        case _ if isinstance(choices, list) and choices:
            return _Choice([(each, argument_text(each)) for each in choices], given, **about)
        case "boolean":
            return _Choice([(True, gettext("Yes")), (False, gettext("No"))], given, **about)
        case "string" if given is None or isinstance(given, str):
            # A single-line input drops line ends.
            is_long = has_long_texts or len(given or "") > LONG_CHARS or not {"\n", "\r"}.isdisjoint(given or "")
            widget = forms.Textarea(attrs={"rows": 3}) if is_long else forms.TextInput()
            return _dressed(forms.CharField(**about | {"required": False}, strip=False, widget=widget))
        case "integer" if is_number and not isinstance(given, float):
            return _dressed(_WholeNumber(**about))
        case "number" if is_number:
            return _dressed(_Number(**about))
        case _:
            return _dressed(_Json(**about, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})))


class _WholeNumber(forms.IntegerField):
    """A whole number of any size."""

    # `type="number"` empties what the browser cannot represent, and changes with the mouse wheel.
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})

    def to_python(self, value: Any) -> int | None:
        text = "" if value is None else str(value).strip()
        if text and not re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return int(text) if text else None


class _Number(forms.FloatField):
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


class _Json(forms.JSONField):
    """A JSON value that can be stored and has no duplicate names."""

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


class _Choice(forms.TypedChoiceField):
    """A choice among JSON values."""

    def __init__(self, choices: list[tuple[Any, str]], given: Any, **about: Any) -> None:
        first = [] if about["required"] else [("", LEFT_OUT)]
        options = {json.dumps(value): exact(words) for value, words in choices}
        if given is not None:  # Without the current value in the list, an untouched field would change it.
            options.setdefault(json.dumps(given), exact(argument_text(given)))
        super().__init__(choices=[*first, *options.items()], coerce=json.loads, empty_value=None, **about)
        _dressed(self)


def _dressed(field: forms.Field) -> forms.Field:
    field.widget.attrs["class"] = "input"
    return field


def _key(index: int, name: str) -> str:
    """The field name of an argument. Plain names have no colon, so keys are unique."""
    return name if PLAIN_NAME.fullmatch(name) else f"argument:{index}"


def _line_ends(text: str) -> str:
    """The text with LF line ends: browsers send those of a text area as CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _with_plain_line_ends(value: Any) -> Any:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _initial(field: forms.Field, given: Any) -> Any:
    return json.dumps(given) if isinstance(field, _Choice) else given


def _without_null(schema: JsonObject) -> JsonObject:
    """The schema of a nullable argument without null; other schemas unchanged."""
    options = schema.get("anyOf")
    if not isinstance(options, list):
        return schema
    others = [each for each in options if isinstance(each, dict) and each.get("type") != "null"]
    return others[0] if len(others) == 1 else schema
