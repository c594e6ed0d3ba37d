"""The skills of a run, for its tools: the `SkillAccess` of the engine."""

from collections.abc import Sequence
from functools import partial

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.skills.skill import SKILL_FILE, SkillInfo
from runs.engine.database_threads import in_thread
from runs.engine.skills.known_skills import folder_skills
from runs.models import Run, SkillFile


class RunSkills:
    """The skills that the configuration of a run names, and that are still there."""

    def __init__(self, names: Sequence[str], infos: Sequence[SkillInfo]) -> None:
        self._names = names
        self.infos = infos
        """As they are when the run begins."""

    async def skills(self) -> Sequence[SkillInfo]:
        """Those that are there now: people may have uploaded one again since."""
        return await _infos_of(self._names)

    async def content(self, skill: SkillInfo, path: str) -> bytes:
        """The bytes of a file. Raises `ToolFailed` if it was deleted."""
        if (given := folder_skills().get(skill.name)) is not None:
            return given.contents[path]
        content = await in_thread(partial(_content, skill.name, path))
        if content is None:
            raise ToolFailed(f"{path} of the skill {skill.name} was deleted.")
        return content


async def skills_known_to(run: Run) -> RunSkills:
    """The skills of a run; without a query for one that has none."""
    names = skills_in(run.config)
    return RunSkills(names, await _infos_of(names))


def skills_in(config: JsonObject) -> list[str]:
    """The names of the skills in a run's configuration."""
    return list(config.get("skills") or [])


async def _infos_of(names: Sequence[str]) -> list[SkillInfo]:
    given = folder_skills()
    uploaded = [name for name in names if name not in given]
    infos = {name: each.info for name, each in given.items()}
    if uploaded:
        infos |= await in_thread(partial(_uploaded, uploaded))
    return [infos[name] for name in names if name in infos]


def _uploaded(names: Sequence[str]) -> dict[str, SkillInfo]:
    found: dict[str, tuple[str, list[str]]] = {}
    rows = SkillFile.objects.filter(skill__name__in=names).order_by("path")
    for name, description, path in rows.values_list("skill__name", "skill__description", "path"):
        found.setdefault(name, (description, []))[1].append(path)
    return {
        name: SkillInfo(name, description, (SKILL_FILE, *(each for each in paths if each != SKILL_FILE)))
        for name, (description, paths) in found.items()
    }


def _content(name: str, path: str) -> bytes | None:
    content = SkillFile.objects.filter(skill__name=name, path=path).values_list("content", flat=True).first()
    return None if content is None else bytes(content)
