"""The skills that agents may have: those of the site's folder, and those that people uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models.functions import Length

from runs.agent.skills.skill import SKILL_FILE, SkillContent
from runs.models import Skill


@dataclass(frozen=True, slots=True)
class KnownSkill:
    """A skill, wherever it is from."""

    name: str
    description: str
    size: int
    """In bytes."""
    uploaded: Skill | None
    """Its row; None for one of the folder."""


def folder_skills() -> dict[str, SkillContent]:
    """The skills of the folder in the settings, by name."""
    return {each.info.name: each for each in settings.AGENTSITE_SKILLS}


def known_skills() -> list[KnownSkill]:
    """All skills, by name. One of the folder hides an uploaded one of its name."""
    known = {
        each.name: KnownSkill(each.name, each.description, each.size, each)
        for each in Skill.objects.select_related("user")
    }
    for name, each in folder_skills().items():
        known[name] = KnownSkill(name, each.info.description, each.size, None)
    return [known[name] for name in sorted(known)]


def skill_names() -> set[str]:
    """The names of all skills."""
    return set(Skill.objects.values_list("name", flat=True)) | folder_skills().keys()


def unknown_skills(names: Sequence[str]) -> list[str]:
    """Those of `names` that no skill has; without a query for none."""
    known = skill_names() if names else set()
    return [name for name in names if name not in known]


def files_of(skill: KnownSkill) -> list[tuple[str, int]]:
    """Path and size in bytes of its files, `SKILL.md` first."""
    if skill.uploaded is None:
        given = folder_skills()[skill.name]
        return [(path, len(given.contents[path])) for path in given.info.files]
    sizes = skill.uploaded.files.annotate(size=Length("content")).values_list("path", "size")
    return sorted(sizes, key=lambda each: (each[0] != SKILL_FILE, each[0]))


def content_of(skill: KnownSkill, path: str) -> bytes | None:
    """The bytes of one of its files; None if it has none there."""
    if skill.uploaded is None:
        return folder_skills()[skill.name].contents.get(path)
    content = skill.uploaded.files.filter(path=path).values_list("content", flat=True).first()
    return None if content is None else bytes(content)
