"""Runs a job on untrusted input in a process of its own, which is killed at its limits.

For parsers and engines that nobody can bound from inside: readers of documents, SQL, HTML. A job is a module with
`run(request: bytes) -> bytes`; it may raise `JobRefused`. The process has no secrets in its environment, no network
where the kernel allows that and the job does not need one, and an empty folder as its working directory.
"""

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from runs.agent.errors import file_sentences as sentences
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.sandbox.fork_client import IS_SUPPORTED, ForkServerLost
from runs.agent.sandbox.forked_process import start_forked
from runs.agent.sandbox.job_process import JobProcess, start_fresh
from runs.agent.sandbox.limits import MIB, JobLimits
from runs.agent.sandbox.slots import SLOTS
from runs.agent.sandbox.wire import DONE, OUT_OF_MEMORY, REFUSED

logger = logging.getLogger(__name__)

NOTES_BYTES: Final = 4096
"""How much of a process's standard error is kept, for the log."""
_ROOT: Final = Path(__file__).resolve().parents[3]
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")
_DEFAULT: Final = JobLimits()
_RUST_OUT_OF_MEMORY: Final = b"memory allocation of "
"""What libraries in Rust write before they abort, where others raise `MemoryError`."""


class JobFailed(ToolFailed):
    """The job gave no answer: it refused its input, reached a limit, or its process ended. The message says which."""


class _Ended(NamedTuple):
    """A process that has ended."""

    answer: bytes
    notes: bytes
    """The beginning of its standard error."""
    returncode: int


@contextlib.contextmanager
def job_folder() -> Iterator[Path]:
    """A folder for the input files of a job; removed at the end with everything in it."""
    with tempfile.TemporaryDirectory(prefix="agentsite-job-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def run_job(
    module: str,
    request: bytes,
    *,
    limits: JobLimits = _DEFAULT,
    folder: Path | None = None,
    is_forked: bool = False,
) -> bytes:
    """The answer of the job `module` to `request`. `folder` is its working directory; None for an empty one.

    A job that `is_forked` is a fork of a process that has imported its module, where the system allows that: without
    the time of the imports, but with the addresses and the seed of hashes of other jobs (`fork_client`).
    Cancelling this kills the process. Raises `JobFailed`, and `ToolUnavailable` if no process could be started or too
    many jobs are running.
    """
    if folder is None:
        with job_folder() as empty:
            return await run_job(module, request, limits=limits, folder=empty, is_forked=is_forked)
    async with SLOTS.hold():
        ended = None
        if is_forked and IS_SUPPORTED and not limits.has_network:
            ended = await _run_forked(module, request, limits, folder)
        if ended is None:
            process = await start_fresh(module, request, limits, folder, _environment())
            ended = await _ended(process, limits)
    return _payload(module, ended, limits)


async def _run_forked(module: str, request: bytes, limits: JobLimits, folder: Path) -> _Ended | None:
    """How a fork of the fork server ended; None if the server has no answer."""
    try:
        process = await start_forked(module, request, limits, folder, _environment())
        return await _ended(process, limits)
    except ForkServerLost as lost:
        logger.warning("The job %s runs in a fresh process, since the fork server is lost: %s.", module, lost)
        return None


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"PYTHONPATH": str(_ROOT)}


async def _ended(process: JobProcess, limits: JobLimits) -> _Ended:
    """How the process ended, after which nothing of it is left."""
    try:
        async with asyncio.timeout(limits.wall_s):
            answer, notes = await _exchange(process, limits.answer_bytes)
            return _Ended(answer, notes, await process.wait())
    except TimeoutError:
        raise JobFailed(sentences.JOB_TIME.made(seconds=f"{limits.wall_s:g}")) from None
    finally:
        await process.end()


async def _exchange(process: JobProcess, most: int) -> tuple[bytes, bytes]:
    """The process's answer, at most one byte longer than `most`, and the beginning of what it wrote to its standard
    error."""
    async with asyncio.TaskGroup() as group:
        group.create_task(process.send())
        answer = group.create_task(_beginning(process.answer, most + 2, process))
        notes = group.create_task(_beginning(process.notes, NOTES_BYTES))
    return answer.result(), notes.result()


async def _beginning(stream: asyncio.StreamReader, most: int, ends: JobProcess | None = None) -> bytes:
    """At most `most` bytes of the stream. The rest is read and dropped; the process `ends` is killed instead."""
    kept = bytearray()
    while piece := await stream.read(65_536):
        kept += piece[: most - len(kept)]
        if ends is not None and len(kept) >= most:
            ends.kill()
    return bytes(kept)


def _payload(module: str, ended: _Ended, limits: JobLimits) -> bytes:
    answer, notes, returncode = ended
    if len(answer) > limits.answer_bytes + 1:
        raise JobFailed(sentences.JOB_ANSWER.made(most=f"{limits.answer_bytes / MIB:.3g}"))
    status, payload = answer[:1], answer[1:]
    if status == DONE:
        return payload
    if status == REFUSED:
        logger.debug("The job %s refused its input. %s", module, notes.decode(errors="replace"))
        raise JobFailed(payload.decode(errors="replace"))
    if status == OUT_OF_MEMORY or (returncode == -signal.SIGABRT and _RUST_OUT_OF_MEMORY in notes):
        raise JobFailed(sentences.JOB_MEMORY.made(most=f"{limits.memory_bytes / MIB:.4g}"))
    if returncode == -signal.SIGXCPU:
        raise JobFailed(sentences.JOB_CPU.made(seconds=limits.cpu_s))
    logger.error("The job %s ended with %s: %s", module, returncode, notes.decode(errors="replace"))
    raise JobFailed(sentences.JOB_ENDED.made())
