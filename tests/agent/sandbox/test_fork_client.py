"""Jobs of a fork server are as alone as those in fresh processes, and are done whatever becomes of the server."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runs.agent.sandbox import fork_client, forked_process, job
from runs.agent.sandbox.fork_client import CLIENT, IS_SUPPORTED
from runs.agent.sandbox.job import JobFailed, run_job
from runs.agent.sandbox.limits import JobLimits
from runs.agent.sandbox.slots import JobSlots
from tests.agent.sandbox.test_job import JOBS, _ends, _wait_for_text

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="needs pidfd and memfd of Linux")
MANY = 10_000
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No server before and after, and no pause."""
    CLIENT.end()
    monkeypatch.setattr(CLIENT, "_not_before", 0.0)
    yield
    CLIENT.end()


async def ask(request: str, limits: JobLimits = JobLimits(), *, is_forked: bool = True) -> bytes:  # noqa: B008
    return await run_job(JOBS, request.encode(), limits=limits, is_forked=is_forked)


async def server_pid() -> int:
    """The server, which is the parent of its jobs."""
    parent = int(await ask("parent:"))
    assert parent != os.getpid()
    return parent


async def test_a_forked_job_has_of_the_kernel_what_a_fresh_process_has() -> None:
    forked, fresh = json.loads(await ask("state:")), json.loads(await ask("state:", is_forked=False))
    assert forked == fresh
    assert forked["descriptors"] == [0, 1, 2]
    assert forked["leads"] and forked["temporary"]


async def test_each_job_has_namespaces_of_its_own_as_far_as_a_fresh_process_has() -> None:
    ours = json.dumps({name: os.readlink(f"/proc/self/ns/{name}") for name in ("net", "user")}).encode()  # noqa: PTH115
    jobs = [json.loads(each) for each in [ours, await ask("namespaces:"), await ask("namespaces:")]]
    fresh = [json.loads(each) for each in [ours, await ask("namespaces:", is_forked=False)]]
    for name in ("net", "user"):
        is_own = len({each[name] for each in fresh}) == 2
        assert len({each[name] for each in jobs}) == (3 if is_own else 1)


async def test_a_job_finds_nothing_that_another_has_left_and_draws_other_random_numbers() -> None:
    server = await server_pid()
    assert [await ask(f"leave behind:{text}") for text in ("secret", "other")] == [b"[]", b"[]"]
    assert "LEFT" not in json.loads(await ask("about:"))["environment"]
    first, second = json.loads(await ask("random:")), json.loads(await ask("random:"))
    assert first[0] != second[0] and first[1] != second[1]
    assert await server_pid() == server


async def test_a_job_reads_the_memory_of_the_server_and_of_other_jobs_no_more_than_a_fresh_process_reads_ours(
    tmp_path: Path,
) -> None:
    other = asyncio.create_task(ask(f"once:{tmp_path / 'pid'}"))
    await asyncio.to_thread(_wait_for_text, tmp_path / "pid")
    fresh = await ask(f"read memory:{os.getpid()}", is_forked=False)
    for pid in (await server_pid(), int((tmp_path / "pid").read_text())):
        assert await ask(f"read memory:{pid}") == fresh
    other.cancel()
    await asyncio.wait([other])


@pytest.mark.parametrize(
    ("request_", "limits"),
    [
        ("end", JobLimits()),
        ("abort:crashed", JobLimits()),
        ("spin", JobLimits(cpu_s=1)),
        ("sleep", JobLimits(wall_s=0.5)),
        ("flood:1", JobLimits(answer_bytes=1000)),
    ],
)
async def test_after_a_job_that_did_not_end_by_itself_others_have_other_addresses(
    request_: str, limits: JobLimits
) -> None:
    server, hashed = await server_pid(), await ask("hash:seed")
    assert await ask("hash:seed") == hashed
    with pytest.raises(JobFailed):
        await ask(request_, limits)
    assert await server_pid() != server and await ask("hash:seed") != hashed
    assert _ends(server)


async def test_a_job_that_refuses_its_input_leaves_the_server_to_the_next() -> None:
    server = await server_pid()
    with pytest.raises(JobFailed, match="refused"):
        await ask("refuse:refused")
    assert await server_pid() == server


async def test_a_server_has_a_bounded_number_of_jobs_and_ends_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_client, "MOST_JOBS", 2)
    servers = [await server_pid() for _ in range(5)]
    assert servers[0] == servers[1] != servers[2] == servers[3] != servers[4]
    assert _ends(servers[0])


async def test_fifty_jobs_at_once_have_each_their_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "SLOTS", JobSlots(50))
    answers = await asyncio.gather(*(ask(f"echo:{number}" * 1000) for number in range(50)))
    assert [len(each) for each in answers] == [len(f"echo:{number}" * 1000) - 5 for number in range(50)]
    assert [each[:2].decode().rstrip("e") for each in answers] == [str(number) for number in range(50)]


async def test_what_a_job_leaves_running_ends_with_its_answer(tmp_path: Path) -> None:
    assert await ask(f"daemonize:{tmp_path / 'pid'}") == b"answered"
    assert _ends(int((tmp_path / "pid").read_text()))


async def test_a_job_whose_server_is_killed_ends_and_is_done_in_a_fresh_process(tmp_path: Path) -> None:
    server = await server_pid()
    asked = asyncio.create_task(ask(f"once:{tmp_path / 'pid'}"))
    await asyncio.to_thread(_wait_for_text, tmp_path / "pid")
    os.kill(server, signal.SIGKILL)
    assert await asked == b"again"
    assert _ends(int((tmp_path / "pid").read_text()))
    assert await server_pid() != server


async def test_a_hung_server_is_ended_and_fresh_processes_do_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_process, "START_S", 0.5)
    server = await server_pid()
    os.kill(server, signal.SIGSTOP)
    assert await ask("parent:") == str(os.getpid()).encode()
    assert _ends(server)
    assert await ask("parent:") == str(os.getpid()).encode()


async def test_a_job_is_cancelled_although_its_server_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(forked_process, "END_S", 0.5)
    server = await server_pid()
    asked = asyncio.create_task(ask(f"once:{tmp_path / 'pid'}"))
    await asyncio.to_thread(_wait_for_text, tmp_path / "pid")
    os.kill(server, signal.SIGSTOP)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert _ends(int((tmp_path / "pid").read_text())) and _ends(server)


async def test_a_server_that_takes_no_orders_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await server_pid()
    running = CLIENT._server
    assert running is not None
    os.kill(server, signal.SIGSTOP)
    orders = 0
    with suppress(BlockingIOError):
        while orders < MANY:
            running.send(b"{}", [])
            orders += 1
    assert orders < MANY
    monkeypatch.setattr(running, "jobs", 1)
    assert await ask("parent:") == str(os.getpid()).encode()


async def test_a_module_that_starts_threads_is_not_forked() -> None:
    threaded = "tests.agent.sandbox.threaded_job"
    assert [await run_job(threaded, each, is_forked=True) for each in (b"1", b"2")] == [b"1", b"2"]


async def test_a_module_that_cannot_be_imported_fails_as_in_a_fresh_process() -> None:
    with pytest.raises(JobFailed, match="ended without an answer"):
        await run_job("tests.agent.sandbox.broken_job", b"", is_forked=True)


async def test_a_changed_environment_is_that_of_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await server_pid()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert json.loads(await ask("about:"))["environment"]["TZ"] == "Asia/Tokyo"
    assert _ends(server)


def _script(tmp_path: Path, code: str) -> "subprocess.Popen[str]":
    script = (
        f"import asyncio, os\nfrom tests.agent.sandbox.test_fork_client import *\nnote = {str(tmp_path / 'pid')!r}\n"
    )
    return subprocess.Popen([sys.executable, "-c", script + code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_the_kill_of_this_process_ends_its_server_and_its_jobs(tmp_path: Path) -> None:
    code = (
        "async def main():\n"
        "    print(await server_pid(), flush=True)\n"
        "    await ask(f'once:{note}', JobLimits(wall_s=60.0))\n"
        "asyncio.run(main())"
    )
    with _script(tmp_path, code) as ours:
        assert ours.stdout is not None
        server = int(ours.stdout.readline())
        await asyncio.to_thread(_wait_for_text, tmp_path / "pid")
        ours.kill()
    assert _ends(server) and _ends(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("end", ["", "os._exit(0)"])
def test_the_end_of_this_process_ends_its_server(tmp_path: Path, end: str) -> None:
    with _script(tmp_path, f"print(asyncio.run(server_pid()), flush=True)\n{end}") as ours:
        output, _ = ours.communicate(timeout=60)
    assert ours.returncode == 0 and _ends(int(output))


def test_a_fork_of_this_process_has_a_server_of_its_own_and_leaves_ours_alone(tmp_path: Path) -> None:
    code = (
        "first = asyncio.run(server_pid())\n"
        "if (child := os.fork()) == 0:\n"
        "    theirs = asyncio.run(server_pid())\n"
        "    CLIENT.end()\n"
        "    os._exit(0 if theirs != first else 1)\n"
        "print(os.waitpid(child, 0)[1], asyncio.run(server_pid()) == first)"
    )
    with _script(tmp_path, code) as ours:
        assert ours.communicate(timeout=60)[0] == "0 True\n"


async def test_a_server_outlives_the_thread_and_the_event_loop_that_started_it() -> None:
    server = await asyncio.to_thread(lambda: asyncio.run(server_pid()))
    thread = threading.Thread(target=lambda: asyncio.run(ask("parent:")))
    CLIENT.end()
    thread.start()
    await asyncio.to_thread(thread.join)
    started = CLIENT.server_pid()
    assert started not in (None, server)
    assert await server_pid() == started


async def test_jobs_leave_no_descriptors_however_they_end() -> None:
    async def some(number: int) -> None:
        for _ in range(number):
            await ask("echo:x")
        with pytest.raises(JobFailed):
            await ask("end")
        cancelled = asyncio.create_task(ask("echo:x"))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])

    count: Callable[[], int] = lambda: len(list(Path("/proc/self/fd").iterdir()))  # noqa: E731
    await some(2)
    CLIENT.end()
    before = count()
    await some(40)
    CLIENT.end()
    assert count() == before
