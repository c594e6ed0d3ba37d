"""The launch form of a template: one field for each of its inputs in place of the task."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType, TemplateInput, stored_inputs
from runs.agent.task_templates.values import InputsRefused, default_of
from runs.agent.wording import Wording
from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.files.visibility import files_for
from runs.live.rendering.stored_words import refusal_words
from runs.markdown import visible
from runs.models import Run, StoredFile, TaskTemplate
from runs.web.access import PageRequest, id_in
from runs.web.files import taken
from runs.web.forms import LaunchForm

PREFIX: Final = "input-"
"""Before the names of fields, so that an input may be called `model`."""
UPLOAD: Final = "upload-"
"""Before the names of file fields, which a browser without JavaScript sends."""
NO_TEMPLATE: Final = gettext_lazy("There is no such template, or it was deleted.")


@dataclass(frozen=True, slots=True)
class InputField:
    """An input on the launch page."""

    about: TemplateInput
    field: forms.BoundField
    file: StoredFile | None
    """The file that it has already."""
    upload: str
    """The name of its file field."""


class TemplateLaunchForm(LaunchForm):
    """The values of a template's inputs, and the settings of the run."""

    def __init__(
        self, template: TaskTemplate, data: QueryDict | None = None, *, user: Any, initial: JsonObject | None = None
    ) -> None:
        """`data` None shows `initial`, where it has values, and the defaults of the inputs elsewhere."""
        self.template, self.user = template, user
        self.upload_errors: dict[str, str] = {}
        self.inputs = stored_inputs(template.inputs)
        shown = {PREFIX + each.name: default_of(each, today=timezone.localdate()) for each in self.inputs}
        if data is not None:
            data = data.copy()
            data["agent"] = template.agent.name
        super().__init__(data, initial=shown | (initial or {}) | {"agent": template.agent.name})
        del self.fields["task"]
        self.fields |= {PREFIX + each.name: input_form_field(each) for each in self.inputs}

    def clean(self) -> JsonObject | None:
        cleaned = super().clean()
        for field, words in self.upload_errors.items():
            self.add_error(field, words)
        try:
            control.fill(self.template, self.values(), by=self.user)
        except InputsRefused as refused:
            self.refuse(refused)
        return cleaned

    def values(self) -> dict[str, str]:
        """What was sent, by input."""
        return {each.name: self.data.get(PREFIX + each.name, "") for each in self.inputs}

    def refuse(self, refused: InputsRefused) -> None:
        """Add each error to its field, unless it has one."""
        for name, words in refused.errors.items():
            field = PREFIX + name if PREFIX + name in self.fields else None
            if field is None or field not in self.errors:
                self.add_error(field, said(words))

    def input_fields(self) -> list[InputField]:
        """The fields of the inputs, in their order."""
        return [
            InputField(each, self[PREFIX + each.name], self._file_of(each), UPLOAD + each.name) for each in self.inputs
        ]

    def _file_of(self, of: TemplateInput) -> StoredFile | None:
        pk = id_in(str(self[PREFIX + of.name].value() or "")) if of.type == InputType.FILE else None
        return None if pk is None else files_for(self.user).filter(pk=pk).first()


def said(words: Wording) -> str:
    """The sentence in the active language."""
    return refusal_words(ValueError(words))


def template_or_404(pk: str) -> TaskTemplate:
    """The template with its agent. Raises `Http404`."""
    is_id = pk.isascii() and pk.isdigit() and len(pk) < 19
    template = TaskTemplate.objects.select_related("agent").filter(pk=pk).first() if is_id else None
    if template is None:
        raise Http404(str(NO_TEMPLATE))
    return template


def initial_values(template: TaskTemplate, run: Run) -> JsonObject:
    """The fields of the inputs as `run` was filled."""
    filled: Mapping[str, Any] = run.filled_inputs or {"values": []}
    names = {each["name"] for each in template.inputs}
    return {PREFIX + each["name"]: each["value"] for each in filled["values"] if each["name"] in names}


def filled_values(run: Run) -> list[tuple[str, str]]:
    """The labels of the inputs that a run was filled with, and their values as people read them."""
    filled = run.filled_inputs or {"values": []}
    return [(each["label"], _read(each)) for each in filled["values"]]


def _read(value: Mapping[str, str]) -> str:
    if value["type"] == InputType.DATE and value["value"]:
        return date_format(date.fromisoformat(value["value"]))
    return visible(value.get("file_name") or value["value"]) or "–"


def files_of_inputs(run: Run) -> set[UUID]:
    """The files that a run was filled with."""
    filled = run.filled_inputs or {"values": []}
    return {UUID(each["value"]) for each in filled["values"] if each["type"] == InputType.FILE and each["value"]}


def with_uploads(request: PageRequest, template: TaskTemplate) -> tuple[QueryDict, dict[str, str]]:
    """The sent fields, in which each file that was sent with them is stored and named by its id; and what is wrong
    with files, by field."""
    data, errors = request.POST.copy(), {}
    for each in stored_inputs(template.inputs):
        upload = request.FILES.get(UPLOAD + each.name) if each.type == InputType.FILE else None
        if upload is None:
            continue
        try:
            data[PREFIX + each.name] = str(taken(request, upload).pk)
        except DocumentRefused as refused:
            errors[PREFIX + each.name] = refusal_words(refused)
    return data, errors


def input_form_field(of: TemplateInput) -> forms.Field:
    """The field of a form for an input; whether its value fits is asked when the template is filled."""
    about: JsonObject = {"label": of.title, "help_text": of.help, "required": False}
    must = {"required": True} if of.required else {}
    match of.type:
        case InputType.TEXT:
            widget: forms.Widget = forms.TextInput(attrs=must | {"maxlength": of.longest, "dir": "auto"})
        case InputType.LONG_TEXT:
            widget = forms.Textarea(attrs=must | {"maxlength": of.longest, "dir": "auto", "rows": 5})
        case InputType.NUMBER:
            # `type="number"` empties what the browser cannot represent, and changes with the mouse wheel.
            mode = "numeric" if of.integer else "decimal"
            widget = forms.TextInput(attrs=must | {"inputmode": mode, "autocomplete": "off", "maxlength": 60})
        case InputType.CHOICE:
            nothing = gettext("Choose…") if of.required else "–"
            widget = forms.Select(attrs=must, choices=[("", nothing), *((each, each) for each in of.choices)])
        case InputType.DATE:
            widget = forms.DateInput(attrs=must | {"type": "date"})
        case InputType.FILE:
            widget = forms.HiddenInput()
    widget.attrs["class"] = "input"
    return forms.CharField(**about, strip=False, widget=widget)
