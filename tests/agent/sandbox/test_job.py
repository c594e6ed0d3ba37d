"""A job in a sandbox answers, or is ended at its limits; the site is not harmed either way."""

import asyncio
import json
import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.agent.sandbox.fork_client import CLIENT
from runs.agent.sandbox.job import JobFailed, job_folder, run_job
from runs.agent.sandbox.limits import MIB, JobLimits
from runs.agent.sandbox.slots import JOBS_AT_ONCE

JOBS = "tests.agent.sandbox.jobs"
is_forked = False


@pytest.fixture(params=["fresh", "forked"], autouse=True)
def process(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test has both kinds of processes."""
    global is_forked  # noqa: PLW0603
    is_forked = request.param == "forked"
    yield
    CLIENT.end()


async def ask(request: str, limits: JobLimits = JobLimits(), folder: Path | None = None) -> bytes:  # noqa: B008
    return await run_job(JOBS, request.encode(), limits=limits, folder=folder, is_forked=is_forked)


async def test_a_job_answers_with_bytes() -> None:
    assert await ask("echo:Grüße\0") == "Grüße\0".encode()


async def test_a_refusal_is_the_words_of_the_job() -> None:
    with pytest.raises(JobFailed, match=r"^Line 3 has no closing quote\.$"):
        await ask("refuse:Line 3 has no closing quote.")


@pytest.mark.parametrize(
    ("request_", "limits", "says"),
    [
        ("spin", JobLimits(cpu_s=1), "more than 1 seconds of processor time"),
        ("sleep", JobLimits(wall_s=0.5), "more than 0.5 seconds"),
        ("memory", JobLimits(memory_bytes=256 * MIB), "more than 256 MiB of memory"),
        ("answer:2000001", JobLimits(answer_bytes=2_000_000), "longer than 1.91 MiB"),
        ("flood:1", JobLimits(answer_bytes=2_000_000), "longer than"),
        ("flood:2", JobLimits(wall_s=1.0), "more than 1 seconds"),
        ("end", JobLimits(), "ended without an answer"),
        ("abort:memory allocation of 549755813888 bytes failed", JobLimits(), "more than 512 MiB of memory"),
        ("abort:assertion failed", JobLimits(), "ended without an answer"),
        ("file:2000000", JobLimits(file_bytes=1_000_000), "ended without an answer"),
    ],
)
async def test_a_job_is_ended_at_each_limit(request_: str, limits: JobLimits, says: str) -> None:
    with pytest.raises(JobFailed, match=says):
        await ask(request_, limits)


async def test_an_answer_of_exactly_the_limit_is_taken() -> None:
    assert len(await ask("answer:2000000", JobLimits(answer_bytes=2_000_000))) == 2_000_000


async def test_a_job_has_no_secrets_no_foreign_modules_and_a_folder_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-jobs")
    with job_folder() as folder:
        (folder / "json.py").write_text("raise SystemExit('taken over')")
        about = json.loads(await ask("about:", folder=folder))
    assert "OPENAI_API_KEY" not in about["environment"]
    assert about["cwd"] == str(folder)
    assert about["cwd"] not in about["path"] and "" not in about["path"]
    assert not folder.exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
async def test_what_a_job_started_ends_with_it(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    with pytest.raises(JobFailed, match="more than 1 seconds"):
        await ask(f"child:{noted}", JobLimits(wall_s=1.0))
    assert _ends(int(noted.read_text()))


async def test_a_cancelled_job_leaves_no_process(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    job = asyncio.create_task(ask(f"child:{noted}"))
    await asyncio.to_thread(_wait_for_text, noted)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert _ends(int(noted.read_text()))


@pytest.mark.skipif(
    os.geteuid() != 0 and not Path("/proc/sys/user/max_user_namespaces").exists(), reason="needs namespaces of Linux"
)
async def test_a_job_reaches_no_listener_where_the_kernel_has_namespaces() -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        with pytest.raises(JobFailed):
            await ask(f"connect:127.0.0.1 {canary.getsockname()[1]}")
        with pytest.raises(BlockingIOError):
            canary.accept()


def _wait_for_text(file: Path) -> None:
    until = time.monotonic() + 20
    while not file.exists() or not file.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)


async def test_a_job_that_needs_a_network_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        request = f"connect:127.0.0.1 {server.getsockname()[1]}"
        answer = await ask(request, JobLimits(has_network=True))
    assert answer == b"connected"


def _ends(pid: int) -> bool:
    """True once the process has ended; a killed one takes a moment on a busy machine. Without pidfd nobody can tell."""
    if not hasattr(os, "pidfd_open"):
        return True
    try:
        ended = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([ended], [], [], 5)[0])
    finally:
        os.close(ended)


async def test_more_jobs_than_slots_wait_for_their_turn_in_any_event_loop() -> None:
    async def echo_all() -> list[bytes]:
        return list(await asyncio.gather(*(ask(f"echo:{number}") for number in range(4))))

    ours, theirs = await asyncio.gather(echo_all(), asyncio.to_thread(lambda: asyncio.run(echo_all())))
    assert ours == theirs == [b"0", b"1", b"2", b"3"]


async def test_a_job_cancelled_in_the_queue_leaves_its_slot_to_the_next() -> None:
    busy = [asyncio.create_task(ask("sleep")) for _ in range(JOBS_AT_ONCE)]
    waiting = asyncio.create_task(ask("echo:never"))
    last = asyncio.create_task(ask("echo:last"))
    await asyncio.sleep(0)
    for each in (waiting, *busy):
        each.cancel()
    assert await last == b"last"
    assert all(
        isinstance(each, asyncio.CancelledError)
        for each in await asyncio.gather(*busy, waiting, return_exceptions=True)
    )
