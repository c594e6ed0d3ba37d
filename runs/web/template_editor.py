"""What a person edits of a template: its texts, and one row for each input that its task has places for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.exact_numbers import exact_number
from runs.agent.task_templates.inputs import (
    MAX_HELP_CHARS,
    MAX_LABEL_CHARS,
    MOST_INPUTS,
    InputType,
    missing_inputs,
    read_inputs,
)
from runs.agent.task_templates.places import read_task
from runs.engine.task_templates.template_storage import TemplateRefused, save_template
from runs.models import TaskTemplate
from runs.web.template_form import said

KEYS: Final = ("label", "type", "help", "default", "max_length", "choices", "minimum", "maximum")
"""The parts of an input that are typed or chosen; `required` and `integer` are ticked."""
TICKED: Final = ("required", "integer")
FIELDS: Final[dict[str, tuple[Promise, int, int]]] = {
    "label": (gettext_lazy("Label"), MAX_LABEL_CHARS, 0),
    "help": (pgettext_lazy("of an input", "Help"), MAX_HELP_CHARS, 0),
    "default": (gettext_lazy("Default"), 0, 0),
    "max_length": (gettext_lazy("Most characters"), 10, 0),
    "choices": (gettext_lazy("Values to choose from, one a line"), 0, 4),
    "minimum": (gettext_lazy("Least"), 60, 0),
    "maximum": (gettext_lazy("Most"), 60, 0),
}
"""The label, the most characters and the lines of each typed part."""
TYPES: Final[tuple[tuple[str, Promise], ...]] = (
    (InputType.TEXT, gettext_lazy("Text")),
    (InputType.LONG_TEXT, gettext_lazy("Long text")),
    (InputType.NUMBER, gettext_lazy("Number")),
    (InputType.CHOICE, gettext_lazy("Choice")),
    (InputType.DATE, gettext_lazy("Date")),
    (InputType.FILE, gettext_lazy("File")),
)


@dataclass(frozen=True, slots=True)
class EditorField:
    """A field of text in the editor."""

    id: str
    label: str | Promise
    value: Any
    errors: list[str]
    most: int = 0
    """The most characters; 0 for no limit in the browser."""
    rows: int = 0
    """Of a field of several lines."""
    is_optional: bool = True


@dataclass(slots=True)
class EditedInput:
    """The row of one input, as it was typed."""

    name: str
    typed: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    is_new: bool = False

    @property
    def fields(self) -> dict[str, EditorField]:
        """The fields of its row, by key."""
        return {
            key: EditorField(f"{key}-{self.name}", label, self.typed.get(key, ""), self.errors.get(key, []), most, rows)
            for key, (label, most, rows) in FIELDS.items()
        }

    def as_json(self) -> JsonObject:
        """For `read_inputs`."""
        choices = str(self.typed.get("choices", "")).replace("\r\n", "\n").split("\n")
        return {"name": self.name} | self.typed | {"choices": choices}


@dataclass(slots=True)
class TemplateEditor:
    """The form of a template."""

    name: str = ""
    description: str = ""
    task: str = ""
    inputs: list[EditedInput] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of_template(cls, template: TaskTemplate) -> Self:
        """The form of a stored template."""
        rows = [EditedInput(each["name"], _typed(each)) for each in template.inputs]
        return cls(template.name, template.description, template.task, rows)

    @classmethod
    def sent(cls, data: QueryDict) -> Self:
        """The form as it was sent. Rows come back in their order."""
        names = list(dict.fromkeys(data.getlist("input")))[: MOST_INPUTS + 1]
        rows = [
            EditedInput(
                name,
                {key: data.get(f"{key}-{name}", "") for key in KEYS} | {key: f"{key}-{name}" in data for key in TICKED},
            )
            for name in names
        ]
        task = data.get("task", "").replace("\r\n", "\n")
        return cls(data.get("name", ""), data.get("description", ""), task, rows)

    @property
    def fields(self) -> list[EditorField]:
        """The fields above the rows."""
        return [
            EditorField("name", gettext_lazy("Name"), self.name, self.errors.get("name", []), 80, is_optional=False),
            EditorField(
                "description", gettext_lazy("Description"), self.description, self.errors.get("description", []), 200
            ),
            EditorField(
                "task", gettext_lazy("Task"), self.task, self.errors.get("task", []), rows=10, is_optional=False
            ),
        ]

    @property
    def faults(self) -> int:
        """How many fields have an error."""
        return sum(map(bool, self.errors.values())) + sum(bool(row.errors) for row in self.inputs)

    def find_inputs(self, samples: Mapping[str, str] | None = None) -> int:
        """Make the rows those of the places in the task, in the order they have, new ones last; returns how many are
        new. `samples` are texts that stood in the places of new ones. A single place that was renamed keeps its row.
        There are at most `MOST_INPUTS` rows: what is wrong with a task of more places, `check_task` says."""
        names = read_task(self.task).places
        known = {row.name for row in self.inputs}
        gone = [row for row in self.inputs if row.name not in names]
        added = [name for name in names if name not in known][: MOST_INPUTS + len(gone) - len(self.inputs)]
        if len(gone) == len(added) == 1:
            gone[0].name = added[0]
            return 0
        self.inputs = [row for row in self.inputs if row.name in names]
        for name in added:
            self.inputs.append(EditedInput(name, _guessed((samples or {}).get(name, "")), is_new=True))
        return len(added)

    def move(self, name: str, *, up: bool) -> None:
        """Move the row of an input by one place."""
        at = next((place for place, row in enumerate(self.inputs) if row.name == name), None)
        to = None if at is None else at + (-1 if up else 1)
        if at is not None and to is not None and 0 <= to < len(self.inputs):
            self.inputs[at], self.inputs[to] = self.inputs[to], self.inputs[at]

    def save(self, template: TaskTemplate) -> bool:
        """Store the template; False with the errors of each field if it is refused."""
        try:
            given = [row.as_json() for row in self.inputs]
            save_template(template, name=self.name, description=self.description, task=self.task, inputs=given)
        except TemplateRefused as refused:
            self._take(refused)
            return False
        return True

    def check_task(self) -> None:
        """Show what is wrong with the task, but for places that have no input yet."""
        text = read_task(self.task)
        read = read_inputs([{"name": row.name} for row in self.inputs])
        words = [fault.words for fault in text.faults] + list(missing_inputs(text, read.inputs))
        if words:
            self.errors["task"] = [said(each) for each in words]

    def _take(self, refused: TemplateRefused) -> None:
        self.errors = {name: [said(each) for each in found] for name, found in refused.faults.by_field.items()}
        rows = {row.name: row for row in self.inputs}
        for fault in refused.faults.of_inputs:
            if fault.name in rows:
                rows[fault.name].errors.setdefault(fault.key, []).append(said(fault.words))
            else:
                self.errors.setdefault("task", []).append(said(fault.words))


def samples_in(data: QueryDict, names: Iterable[str]) -> dict[str, str]:
    """The texts that static/template_editor.js has replaced by places."""
    return {name: data.get(f"sample-{name}", "") for name in names}


def _typed(stored: Mapping[str, Any]) -> dict[str, Any]:
    choices: Sequence[str] = stored.get("choices", ())
    return {**stored, "choices": "\n".join(choices)}


def _guessed(sample: str) -> dict[str, Any]:
    """The first values of a row, by the text that stood in its place."""
    values: dict[str, Any] = {"type": InputType.TEXT.value, "required": True, "default": sample}
    if exact_number(sample) is not None:
        return values | {"type": InputType.NUMBER.value}
    if len(sample) == len("2026-11-22") and sample[4:5] == sample[7:8] == "-" and sample.replace("-", "").isdigit():
        return values | {"type": InputType.DATE.value}
    return values | {"type": InputType.LONG_TEXT.value} if "\n" in sample or len(sample) > 200 else values
