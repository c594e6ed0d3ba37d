"""The skill in a ZIP, read in a sandboxed process."""

import base64
import json
from typing import Final

from runs.agent.sandbox.job import job_folder, run_job
from runs.agent.sandbox.limits import JobLimits
from runs.agent.skills.skill import SkillContent, skill_of

JOB: Final = "runs.agent.skills.archive_job"
LIMITS: Final = JobLimits(cpu_s=5, wall_s=15.0)


async def unpacked_skill(content: bytes) -> SkillContent:
    """The skill in these bytes of a ZIP: `SKILL.md` and its other files, alone or in one folder of the skill's name.

    Raises `JobFailed` with what is wrong with it, and `ToolUnavailable` if too many files are being read.
    """
    with job_folder() as folder:
        (folder / "input").write_bytes(content)
        told = json.loads(await run_job(JOB, b"", limits=LIMITS, folder=folder))
    contents = {path: base64.b64decode(encoded) for path, encoded in told["files"].items()}
    return skill_of(told["name"], told["description"], contents)
