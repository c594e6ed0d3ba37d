"""The tool `read_skill`."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_list import size_text
from runs.agent.files.file_types import BEGINNING_BYTES, decoded, is_text
from runs.agent.skills.access import current_skills, find_skill_file
from runs.agent.skills.skill import SKILL_FILE, SkillInfo
from runs.agent.tools.registry import tool

MOST_BYTES: Final = 24_000
"""What one call gives back, in UTF-8: below the limit of what a model sees of a result."""
_LONGEST_LINE: Final = 4000
"""In characters; a longer line counts as several."""


@tool(effect="read", layer="builtin", needs_skills=True)
async def read_skill(name: str, file: str = SKILL_FILE, start: Annotated[int, Field(ge=1)] = 1) -> str:
    """Read the instructions of a skill, or another file of it.

    Args:
        name: The name of the skill, as it is listed.
        file: The path of the file in the skill. The instructions are in SKILL.md, and name the others.
        start: The number of the line to begin at. A long file comes in several calls: the end of each says where the
            next one begins.
    """
    skill, path = await find_skill_file(name, file)
    content = await current_skills().content(skill, path)
    if not is_text(content[:BEGINNING_BYTES]):
        raise ToolFailed(f"{path} of the skill {skill.name} is not text ({size_text(len(content))}).")
    lines = list(_lines(_body(decoded(content)) if path == SKILL_FILE else decoded(content)))
    if start > max(len(lines), 1):
        raise ToolFailed(f"{path} of the skill {skill.name} ends before line {start}.")
    told, number = _from(lines, start)
    head = f"[Skill {skill.name}, {path}{f', from line {start}' if start > 1 else ''}]"
    if number <= len(lines):
        return f"{head}\n{told}\n[The file goes on: call read_skill with start={number}.]"
    return f"{head}\n{told}{_others(skill) if path == SKILL_FILE else ''}"


def _from(lines: list[str], start: int) -> tuple[str, int]:
    """The lines from number `start` on that fit, and the number of the next one."""
    kept: list[str] = []
    size, number = 0, start
    for line in lines[start - 1 :]:
        size += len(line.encode(errors="replace")) + 1
        if kept and size > MOST_BYTES:
            break
        kept.append(line)
        number += 1
    return "\n".join(kept), number


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield line[:_LONGEST_LINE]
        for begin in range(_LONGEST_LINE, len(line), _LONGEST_LINE):
            yield line[begin : begin + _LONGEST_LINE]


def _body(text: str) -> str:
    """`SKILL.md` without its front matter, which the model knows."""
    _begin, _line, rest = text.partition("\n")
    lines = rest.split("\n")
    end = next((place for place, line in enumerate(lines) if line.rstrip() == "---"), -1)
    return "\n".join(lines[end + 1 :]).strip("\n")


def _others(skill: SkillInfo) -> str:
    others = [each for each in skill.files if each != SKILL_FILE]
    return f"\n\n[Other files of this skill: {', '.join(others)}]" if others else ""
