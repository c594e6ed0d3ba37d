"""The text of a document in passages, read in a sandboxed process."""

import json
from dataclasses import dataclass
from typing import Final

from runs.agent.files.file_types import MEDIA_TYPES
from runs.agent.files.image_check import check_image
from runs.agent.sandbox.job import job_folder, run_job
from runs.agent.sandbox.limits import MIB, JobLimits

JOB: Final = "runs.agent.files.extraction_job"
LIMITS: Final = JobLimits(cpu_s=30, wall_s=45.0, memory_bytes=1024 * MIB, answer_bytes=64 * MIB)
"""A PDF of 25 MiB takes pypdf some 20 seconds and 500 MiB."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The text of a document."""

    passages: list[tuple[str, str]]
    """Place and text, in order; empty for an image."""
    is_cut: bool = False
    """The document has more text."""


async def extract(end: str, content: bytes) -> Extraction:
    """The text of a file of the type `end`, a key of `MEDIA_TYPES`.

    Raises `JobFailed` or `NotTaken` with what is wrong with the file, and `ToolUnavailable` if too many are being read.
    """
    if MEDIA_TYPES[end][1] == "image":
        check_image(end, content)
        return Extraction([])
    with job_folder() as folder:
        (folder / "input").write_bytes(content)
        answer = json.loads(await run_job(JOB, end.encode(), limits=LIMITS, folder=folder))
    return Extraction([(place, text) for place, text in answer["passages"]], answer["is_cut"])
