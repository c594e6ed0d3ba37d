"""The list of skills that a model is told of, after its instructions."""

from collections.abc import Sequence
from typing import Final

from runs.agent.skills.skill import SkillInfo

READING_TOOL: Final = "read_skill"
"""The name of the tool that reads them."""
_TOLD: Final = (
    "You have skills: instructions for certain tasks. If a task fits the description of one, read it with "
    f"{READING_TOOL} before you begin."
)


def instructions_with_skills(instructions: str, skills: Sequence[SkillInfo]) -> str:
    """The instructions as a model reads them: with name and description of each skill."""
    if not skills:
        return instructions
    lines = [_TOLD, *(f"- {each.name}: {' '.join(each.description.split())}" for each in skills)]
    return "\n\n".join(filter(None, [instructions, "\n".join(lines)]))
