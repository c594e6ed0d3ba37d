"""What a skill is, and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SKILL_FILE: Final = "SKILL.md"
MAX_SKILL_BYTES: Final = 2 * 1024 * 1024
"""All files of a skill together."""
MOST_FILES: Final = 200
MAX_PATH_CHARACTERS: Final = 200
MAX_FRONTMATTER_BYTES: Final = 8192
"""The YAML at the beginning of `SKILL.md`. What the format allows in it fits several times."""
MOST_SKILLS: Final = 50
"""Skills of one agent: their descriptions are in every request to a model."""


@dataclass(frozen=True, slots=True)
class SkillInfo:
    """A skill without its content: what a model is told before it reads anything."""

    name: str
    description: str
    """At most 1,024 characters."""
    files: tuple[str, ...]
    """The paths of its files in it, `SKILL.md` first."""


@dataclass(frozen=True, slots=True)
class SkillContent:
    """A valid skill with its content."""

    info: SkillInfo
    contents: Mapping[str, bytes]
    """By the path of each file."""

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.contents.values()))


def skill_of(name: str, description: str, contents: Mapping[str, bytes]) -> SkillContent:
    """The skill of files that were checked."""
    files = sorted(contents, key=lambda path: (path != SKILL_FILE, path))
    return SkillContent(SkillInfo(name, description, tuple(files)), contents)
