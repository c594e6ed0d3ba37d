"""Programs that tools run: their outputs are bounded, and nothing of them is left."""

import asyncio
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from runs.agent import ToolFailed, run_program
from runs.agent.tools.output_limit import MAX_OUTPUT_BYTES

MIB = 1 << 20


async def test_a_program_gives_what_it_wrote_and_how_it_ended() -> None:
    ended = await run_program("sh", "-c", "cat; echo no >&2; exit 3", stdin="ü\n".encode())

    assert (ended.stdout.text(), ended.stderr.text(), ended.exit_code, ended.timed_out) == ("ü\n", "no\n", 3, False)


async def test_of_a_flood_the_beginning_is_kept_and_all_of_it_counted() -> None:
    ended = await run_program("head", "-c", str(100 * MIB), "/dev/zero")

    assert ended.stdout.size == 100 * MIB
    assert ended.stdout.kept == bytes(MIB)
    assert ended.stdout.sha256 == hashlib.sha256(bytes(100 * MIB)).hexdigest()


@pytest.mark.parametrize("text", ["x" * 3 * MIB, '"\n' * MIB, "漢" * MIB])
async def test_the_text_of_a_flood_says_what_it_is_and_is_not_cut_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "flood").write_text(text)

    given = (await run_program("cat", tmp_path / "flood")).stdout.text()

    line, _, kept = given.partition("\n")
    assert line.startswith("[cut: the first ")
    assert line.endswith(f"SHA-256 of all: {hashlib.sha256(text.encode()).hexdigest()}]")
    assert text.startswith(kept)
    assert len(json.dumps(given, ensure_ascii=False).encode()) <= MAX_OUTPUT_BYTES


async def test_at_its_time_limit_a_program_is_killed_and_what_it_wrote_is_there() -> None:
    ended = await run_program("sh", "-c", "echo begun; exec sleep 1000", timeout_s=0.3)

    assert (ended.stdout.text(), ended.timed_out, ended.exit_code) == ("begun\n", True, -9)


async def test_what_a_program_leaves_running_ends_with_it() -> None:
    ended = await run_program("sh", "-c", "sleep 1000 & echo $!")

    await gone(int(ended.stdout.text()))


async def test_a_cancelled_call_leaves_no_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    call = asyncio.create_task(run_program("sh", "-c", f"echo $$ > {pid}; yes"))
    number = int(await asyncio.to_thread(pid.read_text))

    call.cancel()

    with suppress(asyncio.CancelledError):
        await call
    await gone(number)


@pytest.mark.parametrize("steps", [2, 3, 4, 6])
async def test_a_call_that_is_cancelled_while_its_program_starts_leaves_nothing_of_it(
    tmp_path: Path, steps: int
) -> None:
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    call = asyncio.create_task(run_program("sh", "-c", f"sleep 1000 & echo $! > {pid}; wait"))
    for _ in range(steps):
        await asyncio.sleep(0)
    number = int(pid.read_text())  # Read in the event loop: the program goes on, and the call does not.

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    await gone(number)


async def test_a_program_gets_no_keys_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    ended = await run_program("env", env={"SHOP": "north"})

    assert "sk-secret" not in ended.stdout.text()
    assert "SHOP=north" in ended.stdout.text()


async def test_a_program_that_is_not_there_fails_the_call() -> None:
    with pytest.raises(ToolFailed, match="The program no-such could not be started: No such file"):
        await run_program("no-such")


async def test_input_that_nobody_reads_does_no_harm() -> None:
    assert (await run_program("true", stdin=bytes(10 * MIB))).exit_code == 0


async def gone(pid: int) -> None:
    """Wait until no such process runs. A dead one may wait for its parent."""
    async with asyncio.timeout(10):
        while is_running(pid):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
