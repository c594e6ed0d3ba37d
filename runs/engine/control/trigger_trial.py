"""A mapping that is tried before it is saved: what its expressions make of a payload. Launches and stores nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync

from runs.agent.task_templates.values import InputsRefused
from runs.agent.wording import Wording
from runs.engine.control.deliveries import filled_task, mapped_by
from runs.engine.control.template_launch import fill
from runs.models import TaskTemplate, Trigger


@dataclass(frozen=True, slots=True)
class MappingTrial:
    """What would come of a delivery."""

    is_wanted: bool
    """False if the filter is not true, or has a fault."""
    values: dict[str, Any] = field(default_factory=dict)
    """By input, as its expression made it."""
    faults: dict[str, Wording] = field(default_factory=dict)
    """By input, and under `FILTER` that of the filter."""
    task: str = ""
    """The task of the run; empty if nothing would be launched."""


def try_mapping(
    *,
    template: TaskTemplate | None,
    task: str,
    inputs: Mapping[str, str],
    filter_text: str,
    root: Any,
    by: Any,
) -> MappingTrial:
    """What a trigger with these expressions would make of `root`, the payload and its headers. `by` None is the command
    line. Raises `MappingBusy`."""
    trigger = Trigger(template=template, task="" if template else task, inputs=dict(inputs), filter=filter_text)
    made = async_to_sync(mapped_by)(trigger, root)
    if made.faults or not made.is_wanted:
        return MappingTrial(made.is_wanted, dict(made.values), made.faults)
    try:
        text = filled_task(trigger, made.values) if template is None else fill(template, made.values, by=by).task
    except InputsRefused as refused:
        return MappingTrial(True, dict(made.values), refused.errors)
    return MappingTrial(True, dict(made.values), {}, text)
