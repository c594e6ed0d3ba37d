"""Storing templates: each is checked as a whole, so that none fails when it is launched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction

from runs.agent.json_data.json_values import check_storable_json
from runs.agent.task_templates.inputs import InputFault, missing_inputs, read_inputs
from runs.agent.task_templates.places import read_task
from runs.agent.task_templates.values import default_misfit
from runs.agent.wording import Wording
from runs.models import TaskTemplate
from runs.models.bounds import MAX_TASK_BYTES

MAX_NAME_CHARS: Final = 80
MAX_DESCRIPTION_CHARS: Final = 200


@dataclass(slots=True)
class TemplateFaults:
    """What is wrong with a template."""

    by_field: dict[str, list[Wording]] = field(default_factory=dict)
    """Of name, description and task."""
    of_inputs: list[InputFault] = field(default_factory=list)

    def add(self, name: str, words: Wording) -> None:
        """Add a fault of a field."""
        self.by_field.setdefault(name, []).append(words)

    def __bool__(self) -> bool:
        return bool(self.by_field or self.of_inputs)

    def __str__(self) -> str:
        lines = [f"{name}: {words}" for name, found in self.by_field.items() for words in found]
        return "\n".join([*lines, *map(str, self.of_inputs)])


class TemplateRefused(ValueError):
    """The template is not stored. The message has a line in English for each of its `faults`."""

    def __init__(self, faults: TemplateFaults) -> None:
        super().__init__(str(faults))
        self.faults = faults


def save_template(
    template: TaskTemplate, *, name: str, description: str, task: str, inputs: Sequence[Mapping[str, Any]]
) -> TaskTemplate:
    """Store these values in `template`, a new row or an old one. Raises `TemplateRefused` with all faults."""
    return _stored(checked_template(template, name=name, description=description, task=task, inputs=inputs))


def checked_template(
    template: TaskTemplate, *, name: str, description: str, task: str, inputs: Sequence[Mapping[str, Any]]
) -> TaskTemplate:
    """`template` with these values, which is not saved. Raises `TemplateRefused` with all faults, but for a name that
    another template of the agent has."""
    faults = TemplateFaults()
    template.name, template.description = name.strip(), description.strip()
    template.task = task.replace("\r\n", "\n")
    _check_names(template, faults)
    read = read_inputs(inputs)
    template.inputs = [each.as_json() for each in read.inputs]
    faults.of_inputs += read.faults
    faulty = {each.name for each in read.faults}
    for each in read.inputs:
        if each.name not in faulty and (words := default_misfit(each)) is not None:
            faults.of_inputs.append(InputFault(each.name, "default", words))
    text = read_task(template.task)
    for words in (*(fault.words for fault in text.faults), *missing_inputs(text, read.inputs)):
        faults.add("task", words)
    _check_storable(template, faults)
    if faults:
        raise TemplateRefused(faults)
    return template


def _check_names(template: TaskTemplate, faults: TemplateFaults) -> None:
    if not template.name:
        faults.add("name", Wording("Give it a name."))
    if len(template.name) > MAX_NAME_CHARS:
        faults.add("name", Wording("At most %(most)s characters.", most=MAX_NAME_CHARS))
    if not {"/", "\n", "\r"}.isdisjoint(template.name):
        faults.add("name", Wording("A name has no slash and no line end: programs name a template agent/name."))
    if len(template.description) > MAX_DESCRIPTION_CHARS:
        faults.add("description", Wording("At most %(most)s characters.", most=MAX_DESCRIPTION_CHARS))
    if not template.task.strip():
        faults.add("task", Wording("Type what the agent should do."))


def _check_storable(template: TaskTemplate, faults: TemplateFaults) -> None:
    for name in ("name", "description", "task", "inputs"):
        try:
            check_storable_json(getattr(template, name))
        except ValueError:
            faults.add("task" if name == "inputs" else name, Wording("It has a character that cannot be stored."))
            return
    size = len(template.task.encode())
    if size > MAX_TASK_BYTES:
        most = MAX_TASK_BYTES // 1024
        faults.add("task", Wording("The task is longer than the %(most)s KiB that are taken.", most=most))


def _stored(template: TaskTemplate) -> TaskTemplate:
    others = TaskTemplate.objects.filter(agent_id=template.agent_id, name=template.name).exclude(pk=template.pk)
    faults = TemplateFaults({"name": [Wording("The agent has another template of this name.")]})
    if others.exists():
        raise TemplateRefused(faults)
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        # Another one of that name came in between; or the agent went away, which is what the caller finds next.
        if others.exists():
            raise TemplateRefused(faults) from error
        raise
    return template
