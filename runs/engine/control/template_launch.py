"""Launching a template: its task is filled with the values of its inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType, stored_inputs
from runs.agent.task_templates.places import TaskText, read_task
from runs.agent.task_templates.values import InputsRefused, checked_values
from runs.agent.wording import Wording
from runs.engine.control.launch import launch
from runs.engine.files.visibility import files_for
from runs.models import Run, Schedule, StoredFile, TaskTemplate, Trigger
from runs.models.bounds import MAX_TASK_BYTES


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """The task of one launch."""

    template: TaskTemplate
    task: str
    values: JsonObject
    """As `Run.filled_inputs` has them."""
    files: tuple[UUID, ...]
    """The documents that were given as values."""


def fill(template: TaskTemplate, given: Mapping[str, Any], *, by: Any) -> FilledTemplate:
    """The task of a template with these values; of a file its name. `by` None is the command line.

    Raises `InputsRefused` with an error for each value that does not fit.
    """
    inputs = stored_inputs(template.inputs)
    values = checked_values(inputs, given, today=timezone.localdate())
    files = _files_in({each.name: values[each.name] for each in inputs if each.type == InputType.FILE}, by)
    told = [
        {"name": each.name, "label": each.title, "type": each.type.value, "value": values[each.name]}
        | ({"file_name": files[each.name].name} if each.name in files else {})
        for each in inputs
    ]
    task = filled_in_bounds(read_task(template.task), values | {name: file.name for name, file in files.items()})
    if not task.strip():
        raise InputsRefused({inputs[0].name: Wording("The task would be empty.")})
    ids = tuple(dict.fromkeys(file.pk for file in files.values()))
    return FilledTemplate(template, task, {"template": template.name, "values": told}, ids)


def filled_in_bounds(text: TaskText, values: Mapping[str, str]) -> str:
    """The task with these values in its places. Raises `InputsRefused` if it would be longer than a task may be."""
    if text.filled_bytes(values) > MAX_TASK_BYTES:
        longest = max(values, key=lambda name: len(values[name]))
        words = Wording("The task would be longer than the %(most)s KiB that are taken.", most=MAX_TASK_BYTES // 1024)
        raise InputsRefused({longest: words})
    return text.filled(values)


def launch_template(
    *,
    user: Any,
    template: TaskTemplate,
    inputs: Mapping[str, Any],
    overrides: JsonObject | None = None,
    version: str = "",
    rerun_of: Run | None = None,
    files: Sequence[UUID] = (),
    schedule: Schedule | None = None,
    trigger: Trigger | None = None,
) -> Run:
    """A new run of the template's agent with its task filled. Raises `InputsRefused`, and what `launch` raises."""
    filled = fill(template, inputs, by=user)
    return launch(
        user=user,
        task=filled.task,
        agent=template.agent,
        overrides=overrides,
        version=version,
        rerun_of=rerun_of,
        files=tuple(dict.fromkeys((*filled.files, *files))),
        template=template,
        filled_inputs=filled.values,
        schedule=schedule,
        trigger=trigger,
    )


def _files_in(values: Mapping[str, str], by: Any) -> dict[str, StoredFile]:
    """By input, the file whose id is its value."""
    ids = {name: UUID(value) for name, value in values.items() if value}
    if not ids:
        return {}
    seen = StoredFile.objects.filter(state=StoredFile.State.READY) if by is None else files_for(by)
    found = {file.pk: file for file in seen.filter(pk__in=ids.values())}
    missing = [name for name, pk in ids.items() if pk not in found]
    if missing:
        words = Wording("The file is no longer there, or is not yours. Upload it again.")
        raise InputsRefused(dict.fromkeys(missing, words))
    return {name: found[pk] for name, pk in ids.items()}
