"""Skills in folders of this machine, read once."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from runs.agent.errors.exceptions import AgentFailure
from runs.agent.sandbox.job import run_job
from runs.agent.sandbox.limits import JobLimits
from runs.agent.skills.skill import (
    MAX_FRONTMATTER_BYTES,
    MAX_SKILL_BYTES,
    MOST_FILES,
    SKILL_FILE,
    SkillContent,
    skill_of,
)

JOB: Final = "runs.agent.skills.frontmatter_job"
LIMITS: Final = JobLimits(cpu_s=20, wall_s=40.0)


def skills_in(folder: Path) -> list[SkillContent]:
    """The skills in a folder of skill folders, by name. Hidden folders and files are left out.

    Raises `ValueError`, one line that names the skill and its first fault.
    """
    try:
        found = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        raise ValueError(f"cannot read this folder ({error.strerror}).") from error
    return skills_of(found)


def skills_of(folders: Sequence[Path]) -> list[SkillContent]:
    """The skills in these skill folders. Raises `ValueError` as `skills_in`."""
    folders = [each.absolute() for each in folders]
    contents = {each.name: _contents(each) for each in folders}
    if len(contents) < len(folders):
        raise ValueError("two of the skill folders have the same name.")
    told = _frontmatter_of({name: files[SKILL_FILE] for name, files in contents.items()})
    for name, read in told.items():
        if len(read) == 1:
            raise ValueError(f"the skill {name}: {read[0]}")
    return [skill_of(told[name][0], told[name][1], files) for name, files in contents.items()]


def _contents(folder: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = MAX_SKILL_BYTES
    try:
        for path in _files_in(folder):
            with path.open("rb") as file:
                content = file.read(left + 1)
            left -= len(content)
            contents[path.relative_to(folder).as_posix()] = content
            if left < 0:
                raise ValueError(f"the skill {folder.name} has more than {MAX_SKILL_BYTES // 2**20} MiB.")
            if len(contents) > MOST_FILES:
                raise ValueError(f"the skill {folder.name} has more than {MOST_FILES} files.")
    except OSError as error:
        raise ValueError(f"the skill {folder.name}: cannot read {error.filename} ({error.strerror}).") from error
    if SKILL_FILE not in contents and "skill.md" in contents:
        contents[SKILL_FILE] = contents.pop("skill.md")
    if SKILL_FILE not in contents:
        raise ValueError(f"the folder {folder.name} has no {SKILL_FILE}.")
    return contents


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"{path} is a link or no file, and skills have only files.")
        if path.is_dir():
            yield from _files_in(path)
        else:
            yield path


def _frontmatter_of(texts: dict[str, bytes]) -> dict[str, list[str]]:
    """For each folder name and description, or one fault."""
    if not texts:
        return {}
    beginnings = {name: text[: MAX_FRONTMATTER_BYTES + 1].decode(errors="replace") for name, text in texts.items()}
    request = json.dumps(beginnings).encode()
    # A thread of its own: the caller's may have an event loop that runs.
    with ThreadPoolExecutor(1) as thread:
        try:
            answer = thread.submit(lambda: asyncio.run(run_job(JOB, request, limits=LIMITS))).result()
        except AgentFailure as failure:
            raise ValueError(f"the skills could not be read: {failure}") from failure
    told: dict[str, list[str]] = json.loads(answer)
    return told
