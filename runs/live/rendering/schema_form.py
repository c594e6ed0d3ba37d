"""Forms for JSON objects, built from their JSON Schema: the arguments of a tool, or the answer to a question."""

import re
from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.visible_text import exact
from runs.live.rendering.schema_fields import JsonObjectValue, SeveralChoices, schema_field, shown_value
from runs.live.rendering.schema_words import resolved
from runs.live.rendering.stored_words import fault_words, refusal_words

PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
"""Names that a browser returns unchanged and that are valid in an `id`. Other arguments get a number."""
WHOLE: Final = "whole:"
"""The field of an object that no fields can fill: it is typed as JSON."""
_PARTS: Final = ("oneOf", "anyOf", "allOf")
_BEYOND: Final = (
    "patternProperties",
    "minProperties",
    "propertyNames",
    "if",
    "not",
    "enum",
    "const",
    "dependentSchemas",
)


class SchemaForm(forms.Form):
    """One field for each member of an object with a JSON Schema. Members without a simple type are typed as JSON, and
    so is an object whose members the schema does not name."""

    def __init__(
        self,
        schema: JsonObject,
        given: JsonObject,
        data: JsonMapping | None = None,
        *,
        prefix: str,
        has_long_texts: bool = False,
        is_new: bool = False,
        has_titles: bool = False,
    ) -> None:
        """`given` are the current arguments; `data` None shows them. With `has_long_texts` each text is typed in a
        field of several lines. With `is_new` there is no object yet: fields show the schema's defaults. With
        `has_titles` the titles of the schema are the labels."""
        super().__init__(data, prefix=prefix, auto_id="id_%s")
        self.schema, self.given = resolved(schema, schema), given
        self.names: dict[str, str] = {}
        """The names of the members by the names of their fields."""
        required = [name for name in self.schema.get("required") or () if isinstance(name, str)]
        properties = _properties_of(self.schema, required, given)
        self.names = {self._key(index, name): name for index, name in enumerate(properties)}
        if not given and _is_beyond_fields(self.schema, properties):
            self.names = {}
            self.fields[WHOLE] = _whole_field(self.schema)
        for key, name in self.names.items():
            field = schema_field(
                name,
                properties[name],
                given.get(name),
                root=self.schema,
                is_required=name in required,
                is_new=is_new,
                has_long_texts=has_long_texts,
            )
            self.fields[key] = field
            if has_titles and (title := _title_of(properties[name])):
                field.label = exact(title)
            if name in given:
                self.initial[key] = shown_value(field, given.get(name))

    def arguments(self) -> JsonObject:
        """The object of a valid form. Unchanged fields keep their exact value; an empty optional one is left out."""
        if WHOLE in self.fields:
            whole: JsonObject = self.cleaned_data[WHOLE] or {}
            return whole
        required = set(self.schema.get("required") or ())
        arguments = {}
        for key, name in self.names.items():
            value, given = self.cleaned_data[key], self.given.get(name)
            is_empty = value is None or value == "" or (value == [] and isinstance(self.fields[key], SeveralChoices))
            if name in self.given and (self._is_untouched(key) or (is_empty and given in (None, ""))):
                arguments[name] = given
            elif not is_empty or (name in required and value is not None):
                arguments[name] = _with_plain_line_ends(value)
        return arguments

    def _key(self, index: int, name: str) -> str:
        """The field name of a member. Plain names have no colon, so keys are unique.

        No field has the name of an attribute: a template that asks for `form.kind` gets the field first. So subclasses
        set their attributes before `__init__` is called.
        """
        is_attribute = hasattr(type(self), name) or name in vars(self)
        return name if PLAIN_NAME.fullmatch(name) and not is_attribute else f"argument:{index}"

    def _is_untouched(self, key: str) -> bool:
        """True if the field was sent as it was shown, so that the value stays exactly the same."""
        field = self.fields[key]
        shown = field.widget.format_value(field.prepare_value(self.initial[key]))
        typed = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(key))
        if isinstance(field, SeveralChoices):
            return sorted(shown) == sorted(typed or ())
        shown = shown[0] if isinstance(shown, list) else shown
        return _line_ends(str(shown or "")) == _line_ends(str(typed or ""))

    def refuse(self, fault: str) -> None:
        """Add an error about the object as a whole."""
        self.add_error(None, fault)

    def refuse_misfit(self, misfit: ValueError) -> None:
        """Add each fault of an `InvalidArguments` or `AnswerMisfit` to the field of the member that has it; else the
        whole message."""
        faults: Sequence[tuple[str, str]] = getattr(misfit, "faults", ())
        if not faults:
            self.refuse(refusal_words(misfit))
        keys = {name: key for key, name in self.names.items()}
        for path, expected in faults:
            name = next((each for each in keys if path == each or path.startswith(f"{each}.")), None)
            where = path if name is None else path[len(name) + 1 :]
            words = fault_words(expected)
            self.add_error(keys[name] if name is not None else None, f"{exact(where)}: {words}" if where else words)


def _properties_of(schema: JsonObject, required: Sequence[str], given: JsonObject) -> dict[str, Any]:
    """The schemas of the members that the object has or may have. One that is required has a field in any case."""
    named = schema.get("properties")
    properties: dict[str, Any] = dict(named) if isinstance(named, dict) else {}
    further = () if schema.get("additionalProperties") is False else required
    for name in (*further, *given):
        properties.setdefault(name, {})
    return properties


def _is_beyond_fields(schema: JsonObject, properties: JsonObject) -> bool:
    """True for a schema whose objects may need members that it does not name beside `properties`."""
    parts = [part for key in _PARTS for part in schema.get(key) or () if isinstance(part, dict)]
    named = {name for part in parts for name in (*(part.get("properties") or ()), *(part.get("required") or ()))}
    if named - properties.keys() or any("$ref" in part for part in parts):
        return True
    return not properties and (bool(schema.get("additionalProperties")) or any(key in schema for key in _BEYOND))


def _whole_field(schema: JsonObject) -> forms.Field:
    field = JsonObjectValue(schema=schema, label=gettext("JSON object"), required=True)
    field.widget.attrs |= {"class": "input", "rows": 6}
    field.is_demanded = True  # type: ignore[attr-defined]  # read by the template
    return field


def _title_of(part: Any) -> str:
    title = part.get("title") if isinstance(part, dict) else None
    return title if isinstance(title, str) and title.strip() else ""


def _line_ends(text: str) -> str:
    """The text with LF line ends: browsers send those of a text area as CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _with_plain_line_ends(value: Any) -> Any:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value
