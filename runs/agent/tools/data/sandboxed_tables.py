"""Questions about tables of the run's files, answered in a sandboxed process of their own."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import current_files
from runs.agent.files.file_info import MAX_FILE_BYTES, FileInfo
from runs.agent.files.file_names import find_file
from runs.agent.files.file_types import MEDIA_TYPES
from runs.agent.json_data.json_types import JsonObject
from runs.agent.sandbox.job import job_folder, run_job
from runs.agent.sandbox.limits import MIB, JobLimits

MAX_FILES: Final = 10
MAX_BYTES: Final = 2 * MAX_FILE_BYTES
"""Of all files of one question."""
LIMITS: Final = JobLimits(cpu_s=5, wall_s=5.0, memory_bytes=512 * MIB, file_bytes=128 * MIB, answer_bytes=MIB)
_JOB: Final = "runs.agent.tools.data.table_job"
_FORMATS: Final = ("csv", "tsv", "json", "jsonl", "xlsx")
_SAME_ENDS: Final = {"ndjson": "jsonl"}


async def ask_tables(names: Sequence[str], **asked: Any) -> JsonObject:
    """The answer of `table_job` about the files of these names or ids. Raises `ToolFailed`."""
    if not names:
        raise ToolFailed("No file is named.")
    if len(names) > MAX_FILES:
        raise ToolFailed(f"{len(names)} files are named; at most {MAX_FILES} can be read at once.")
    files = list(dict.fromkeys([await find_file(name) for name in names]))
    formats = [format_of(file) for file in files]
    if (size := sum(file.size for file in files)) > MAX_BYTES:
        raise ToolFailed(f"The files have {size / MIB:.0f} MiB; at most {MAX_BYTES // MIB} can be read at once.")
    with job_folder() as folder:
        listed = []
        for number, (file, end) in enumerate(zip(files, formats, strict=True)):
            path = folder / f"{number}.{end}"
            await asyncio.to_thread(Path.write_bytes, path, await current_files().content(file))
            listed.append({"name": file.name, "path": path.name, "format": end})
        request = json.dumps({**asked, "files": listed}).encode()
        # Two thirds of the time of a usual question were imports.
        answer: JsonObject = json.loads(await run_job(_JOB, request, limits=LIMITS, folder=folder, is_forked=True))
    return answer


def format_of(file: FileInfo) -> str:
    """The format of the file's table. Raises `ToolFailed` if it has none, or is too large."""
    if file.size > MAX_FILE_BYTES:
        raise ToolFailed(
            f"{file.name} has {file.size / MIB:,.0f} MiB; at most {MAX_FILE_BYTES // MIB} MiB can be read as a table."
        )
    end = file.name.rpartition(".")[2].casefold()
    end = _SAME_ENDS.get(end, end)
    if end not in _FORMATS:
        end = next((each for each in _FORMATS if MEDIA_TYPES.get(each, ("",))[0] == file.media_type), "")
    if not end:
        raise ToolFailed(f"{file.name} is no table. Tables are files of CSV, TSV, JSON, JSON lines and XLSX.")
    return end
