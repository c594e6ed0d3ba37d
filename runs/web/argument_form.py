"""A form for the arguments of a tool call, made from the tool's JSON Schema."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.functional import cached_property

from runs.agent.errors import ToolFailed
from runs.agent.tools.toolbox import Toolbox
from runs.models import ToolCall
from runs.storable import storable_json

LEFT_OUT = "—"
LONG_CHARS = 60


class ArgumentForm(forms.Form):
    """One field for each argument. What the schema cannot tell apart is typed as JSON."""

    def __init__(self, call: ToolCall, data: Mapping[str, Any] | None = None, *, has_focus: bool = False) -> None:
        """`call` with its run. `data` None shows the arguments as they are. With `has_focus` one can type at once."""
        super().__init__(data, prefix=f"call-{call.pk}", auto_id="id_%s")
        self.call = call
        properties: dict[str, Any] = dict(self.schema.get("properties") or {})
        for name in call.arguments:
            properties.setdefault(name, {})
        required = set(self.schema.get("required") or ())
        for name, schema in properties.items():
            given = call.arguments.get(name)
            self.fields[name] = _field(name, schema, given, is_required=name in required)
            if name in call.arguments:
                self.initial[name] = _initial(self.fields[name], given)
        if has_focus and self.fields:
            next(iter(self.fields.values())).widget.attrs["autofocus"] = True

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The tool's schema; empty if the run's tools have no such tool any more."""
        try:
            tools = Toolbox(self.call.run.config.get("tools"))
            schema: dict[str, Any] = tools.get(self.call.tool_name).get_schema()
        except (ToolFailed, ValueError):
            return {}
        return schema

    def arguments(self) -> dict[str, Any]:
        """The arguments of a valid form. What nobody touched is as it was; an optional one left empty is left out."""
        required = set(self.schema.get("required") or ())
        arguments = {}
        for name, value in self.cleaned_data.items():
            given = self.call.arguments.get(name)
            is_empty = value is None or value == ""
            if is_empty and name in self.call.arguments and given in (None, ""):
                arguments[name] = given
            elif not is_empty or (name in required and value == ""):
                arguments[name] = _with_line_ends_of(given, value)
        return arguments

    def refuse(self, fault: str) -> None:
        """Say what is wrong with the arguments as a whole."""
        self.add_error(None, fault)


def _field(name: str, schema: Any, given: Any, *, is_required: bool) -> forms.Field:
    plain = _without_null(schema if isinstance(schema, dict) else {})
    help_text = str(plain.get("description") or schema.get("description") or "") if isinstance(schema, dict) else ""
    about: dict[str, Any] = {"label": name, "help_text": help_text, "required": is_required}
    choices = plain.get("enum")
    match plain.get("type"):
        case _ if isinstance(choices, list) and choices:
            return _Choice([(json.dumps(each), str(each)) for each in choices], **about)
        case "boolean":
            return _Choice([("true", "Yes"), ("false", "No")], **about)
        case "string" if given is None or isinstance(given, str):
            is_long = len(given or "") > LONG_CHARS or "\n" in (given or "")
            widget = forms.Textarea(attrs={"rows": 3}) if is_long else forms.TextInput()
            return _dressed(forms.CharField(**about | {"required": False}, strip=False, widget=widget))
        case "integer" if given is None or isinstance(given, int):
            return _dressed(forms.IntegerField(**about))
        case "number" if given is None or isinstance(given, int | float):
            return _dressed(_Number(**about))
        case _:
            return _dressed(_Json(**about, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})))


class _Number(forms.FloatField):
    """A number that stays whole if it is written so."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return int(number) if number is not None and number.is_integer() and "." not in str(value) else number


class _Json(forms.JSONField):
    """A JSON value that can be kept."""

    def to_python(self, value: Any) -> Any:
        try:
            return storable_json(super().to_python(value))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return storable_json(super().bound_data(data, initial))
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)


class _Choice(forms.TypedChoiceField):
    """One of a few JSON values."""

    def __init__(self, choices: list[tuple[str, str]], **about: Any) -> None:
        first = [] if about["required"] else [("", LEFT_OUT)]
        super().__init__(choices=[*first, *choices], coerce=json.loads, empty_value=None, **about)
        _dressed(self)


def _dressed(field: forms.Field) -> forms.Field:
    field.widget.attrs["class"] = "input"
    return field


def _with_line_ends_of(given: Any, value: Any) -> Any:
    """Browsers send the line ends of a text area as CR LF, whatever they were before."""
    if not isinstance(value, str):
        return value
    plain = value.replace("\r\n", "\n")
    is_same = isinstance(given, str) and given.replace("\r\n", "\n").replace("\r", "\n") == plain
    return given if is_same else plain


def _initial(field: forms.Field, given: Any) -> Any:
    return json.dumps(given) if isinstance(field, _Choice) else given


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an argument that may also be null, without that; others as they are."""
    options = schema.get("anyOf")
    if not isinstance(options, list):
        return schema
    others = [each for each in options if isinstance(each, dict) and each.get("type") != "null"]
    return others[0] if len(others) == 1 else schema
