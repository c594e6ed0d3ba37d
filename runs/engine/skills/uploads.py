"""Uploads of skills: a ZIP is unpacked and checked in a sandboxed process, then its files become rows."""

from typing import Any, Final

from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction
from django.utils import timezone

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.sandbox.job import JobFailed
from runs.agent.skills.archive import unpacked_skill
from runs.agent.skills.skill import SkillContent
from runs.agent.wording import Wording
from runs.engine.skills.known_skills import folder_skills
from runs.models import Skill, SkillFile

MAX_ZIP_BYTES: Final = 1_000_000
"""The largest ZIP: with its form it is within the limit of a request. What it unpacks to may be twice that."""
MOST_UPLOADED: Final = 500


class SkillRefused(ValueError):
    """The skill is not taken. The message, a `Wording` or a sentence of errors, says why."""


def store_skill(content: bytes, *, user: Any, replaces: bool) -> Skill:
    """The skill in the bytes of a ZIP, stored. `replaces`: also if there is one of that name.

    Raises `SkillRefused` with what is wrong.
    """
    if len(content) > MAX_ZIP_BYTES:
        raise SkillRefused(Wording("The ZIP is larger than %(most)s MB.", most=MAX_ZIP_BYTES // 10**6))
    try:
        given = async_to_sync(unpacked_skill)(content)
    except (JobFailed, ToolUnavailable) as refused:
        raise SkillRefused(str(refused)) from refused
    name = given.info.name
    if name in folder_skills():
        raise SkillRefused(Wording("The folder of this site has a skill %(name)s, which goes first.", name=name))
    try:
        return _stored(given, user=user, replaces=replaces)
    except IntegrityError:
        # Another upload of that name came first: it is there now, as for any later one.
        return _stored(given, user=user, replaces=replaces)


def _stored(given: SkillContent, *, user: Any, replaces: bool) -> Skill:
    name = given.info.name
    with transaction.atomic():
        row = Skill.objects.select_for_update().filter(name=name).first()
        if row is not None and not replaces:
            raise SkillRefused(Wording("There is a skill %(name)s. Tick “Replace” to upload it again.", name=name))
        if row is None and Skill.objects.count() >= MOST_UPLOADED:
            raise SkillRefused(Wording("There are %(most)s skills, and that is the limit.", most=MOST_UPLOADED))
        values = {
            "description": given.info.description, "size": given.size, "user": user, "uploaded_at": timezone.now(),
        }  # fmt: skip
        if row is None:
            row = Skill.objects.create(name=name, **values)
        else:
            Skill.objects.filter(pk=row.pk).update(**values)
            row.refresh_from_db()
        row.files.all().delete()
        SkillFile.objects.bulk_create(
            SkillFile(skill=row, path=path, content=content) for path, content in given.contents.items()
        )
    return row
