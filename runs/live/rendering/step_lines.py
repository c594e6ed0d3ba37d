"""A step on one line, for lists of steps that do not show their cards."""

from runs.live.rendering.first_lines import first_line
from runs.live.rendering.short_texts import short_arguments, short_result
from runs.live.rendering.step_icons import ICONS
from runs.live.rendering.stored_words import words_of
from runs.markdown import visible
from runs.models import Step

OF_CALLS = (Step.Kind.TOOL_CALL, Step.Kind.TOOL_RESULT, Step.Kind.APPROVAL)
"""The kinds of steps that are about one tool call; a retry may be too."""


def line_of(step: Step) -> str:
    """The step's text on one line: the arguments of a call, its result, the first line of anything else."""
    match step.kind:
        case Step.Kind.TOOL_CALL:
            return short_arguments(step.tool_input)
        case Step.Kind.TOOL_RESULT:
            return short_result(words_of(step), step.tool_output)
        case _:
            return first_line(words_of(step))


def name_of(step: Step) -> str:
    """What the step is: its tool, or its kind."""
    return visible(step.tool_name) or str(step.get_kind_display())


def icon_of(step: Step) -> str:
    """The name of the icon of its kind."""
    return ICONS.get(Step.Kind(step.kind), "info")
