"""The inputs that a trigger fills: those of its template, or the places of its own task."""

from collections.abc import Sequence

from runs.agent.task_templates.inputs import InputType, TemplateInput, stored_inputs
from runs.agent.task_templates.places import read_task
from runs.models import TaskTemplate, Trigger


def inputs_of(template: TaskTemplate | None, task: str) -> Sequence[TemplateInput]:
    """The inputs of the template; without one the places of the task, which are texts of any length."""
    if template is not None:
        return stored_inputs(template.inputs)
    return [TemplateInput(name=name, type=InputType.LONG_TEXT) for name in read_task(task).places]


def inputs_of_trigger(trigger: Trigger) -> Sequence[TemplateInput]:
    """As `inputs_of`, of a stored trigger. Reads its template."""
    return inputs_of(trigger.template, trigger.task)
