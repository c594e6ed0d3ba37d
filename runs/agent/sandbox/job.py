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
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runs.agent.errors import file_sentences as sentences
from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
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


@contextlib.contextmanager
def job_folder() -> Iterator[Path]:
    """A folder for the input files of a job; removed at the end with everything in it."""
    with tempfile.TemporaryDirectory(prefix="agentsite-job-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def run_job(module: str, request: bytes, *, limits: JobLimits = _DEFAULT, folder: Path | None = None) -> bytes:
    """The answer of the job `module` to `request`. `folder` is its working directory; None for an empty one.

    Cancelling this kills the process. Raises `JobFailed`, and `ToolUnavailable` if no process could be started or too
    many jobs are running.
    """
    if folder is None:
        with job_folder() as empty:
            return await run_job(module, request, limits=limits, folder=empty)
    async with SLOTS.hold():
        process = await _started(module, limits, folder)
        try:
            async with asyncio.timeout(limits.wall_s):
                answer, notes = await _exchange(process, request, limits.answer_bytes)
                await process.wait()
        except TimeoutError:
            raise JobFailed(sentences.JOB_TIME.made(seconds=f"{limits.wall_s:g}")) from None
        finally:
            await _end(process)
    return _payload(module, answer, notes, process.returncode, limits)


async def _started(module: str, limits: JobLimits, folder: Path) -> asyncio.subprocess.Process:
    numbers = (limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.file_bytes, int(limits.has_network))
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        return await asyncio.create_subprocess_exec(
            # -P: no module is loaded from the folder, whose files come from people.
            *(sys.executable, "-P", "-s"),
            *("-m", "runs.agent.sandbox.worker", module, *map(str, numbers)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            # The temporary files of libraries go where the folder's owner removes them.
            env=environment | {"PYTHONPATH": str(_ROOT), "TMPDIR": str(folder), "HOME": str(folder)},
            start_new_session=True,
        )
    except OSError as error:
        raise ToolUnavailable(f"No process could be started for this: {error.strerror or error}.") from error


async def _exchange(process: asyncio.subprocess.Process, request: bytes, most: int) -> tuple[bytes, bytes]:
    """The process's answer, at most one byte longer than `most`, and the beginning of what it wrote to its standard
    error."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError("The process was started without pipes.")
    async with asyncio.TaskGroup() as group:
        group.create_task(_send(process.stdin, request))
        answer = group.create_task(_beginning(process.stdout, most + 2, process))
        notes = group.create_task(_beginning(process.stderr, NOTES_BYTES))
    return answer.result(), notes.result()


async def _send(stream: asyncio.StreamWriter, request: bytes) -> None:
    # A process that ended needs no request; its answer or exit status says why.
    with contextlib.suppress(ConnectionError):
        stream.write(request)
        await stream.drain()
        stream.close()
        await stream.wait_closed()


async def _beginning(stream: asyncio.StreamReader, most: int, ends: asyncio.subprocess.Process | None = None) -> bytes:
    """At most `most` bytes of the stream. The rest is read and dropped; the process `ends` is killed instead."""
    kept = bytearray()
    while piece := await stream.read(65_536):
        kept += piece[: most - len(kept)]
        if ends is not None and len(kept) >= most:
            _kill(ends)
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process with all that it started, and wait for its end."""
    _kill(process)
    # asyncio waits for the end of pipes, which it stops reading when nobody takes what it has: nothing public closes
    # them.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
    # asyncio.wait cancels nothing: a second cancellation must not leave the process unreaped.
    await asyncio.wait([asyncio.ensure_future(process.wait())])


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _payload(module: str, answer: bytes, notes: bytes, returncode: int | None, limits: JobLimits) -> bytes:
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
