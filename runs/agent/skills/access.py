"""Access of tools to the skills of their run.

A tool asks `current_skills()`. In the engine that is the site's folder and the database; in a script the folders given
to `run_agent`; in other places there are none.
"""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.skills.skill import SKILL_FILE, SkillContent, SkillInfo

NAMES_TOLD: Final = 20
"""How many names an error lists."""


class SkillAccess(Protocol):
    """The skills of one run. All methods may be called from several tool calls at once."""

    async def skills(self) -> Sequence[SkillInfo]:
        """The skills that the run may read, in the order of its agent."""
        ...

    async def content(self, skill: SkillInfo, path: str) -> bytes:
        """The bytes of a file of one of them. Raises `ToolFailed` if it was deleted meanwhile."""
        ...


class GivenSkills:
    """Access to skills in memory."""

    def __init__(self, skills: Sequence[SkillContent] = ()) -> None:
        self._skills = {each.info.name: each for each in skills}

    @property
    def infos(self) -> tuple[SkillInfo, ...]:
        """What a model is told of them."""
        return tuple(each.info for each in self._skills.values())

    async def skills(self) -> Sequence[SkillInfo]:
        """All of them."""
        return self.infos

    async def content(self, skill: SkillInfo, path: str) -> bytes:
        """The bytes of a file."""
        return self._skills[skill.name].contents[path]


NO_SKILLS: Final[SkillAccess] = GivenSkills()
_current: ContextVar[SkillAccess] = ContextVar("current_skills", default=NO_SKILLS)


def current_skills() -> SkillAccess:
    """The skills of the run whose tool call this is."""
    return _current.get()


@contextmanager
def skills_context(skills: SkillAccess) -> Iterator[None]:
    """Make `current_skills()` return `skills` inside the block."""
    token = _current.set(skills)
    try:
        yield
    finally:
        _current.reset(token)


async def find_skill_file(name: str, path: str) -> tuple[SkillInfo, str]:
    """The skill of the current run with that name, and the path of its file. Upper and lower case are the same.

    Raises `ToolFailed`, which names what there is.
    """
    skills = {each.name: each for each in await current_skills().skills()}
    if not skills:
        raise ToolFailed("This run has no skills.")
    found = _match(name, list(skills))
    if found is None:
        raise ToolFailed(f"There is no skill {name[:80]!r}. There are: {_listed(list(skills))}.")
    skill = skills[found]
    wanted = path.strip().replace("\\", "/").removeprefix("./") or SKILL_FILE
    file = _match(wanted, skill.files) or _match(wanted.removeprefix(f"{skill.name}/"), skill.files)
    if file is None:
        near = difflib.get_close_matches(wanted[:200], skill.files, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ToolFailed(f"The skill {found} has no file {path[:200]!r}.{hint} It has: {_listed(skill.files)}.")
    return skill, file


def _match(wanted: str, names: Sequence[str]) -> str | None:
    if wanted in names:
        return wanted
    folded = [name for name in names if name.casefold() == wanted.casefold()]
    return folded[0] if len(folded) == 1 else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
    return f"{', '.join(names[:NAMES_TOLD])}{more}"
