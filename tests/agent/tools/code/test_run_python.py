"""The tool that runs a script: what it gives, and what a script cannot do."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # It has no types.
import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.call_idempotency import call_context
from runs.agent.tools.code.run_python import run_python
from runs.agent.tools.registry import execute_tool_by_name


async def test_a_script_gives_what_it_prints_and_the_value_of_its_last_expression() -> None:
    result = await run_python(code="print('two', 3)\nx = 20\nx + 1")

    assert result == {"printed": "two 3\n", "value": 21}


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("x = 1", None),
        ("{'a': (1, 2.5), 3: {None}}", {"a": [1, 2.5], "3": [None]}),
        ("float('inf')", "inf"),
        ("import json\njson.loads('[1e3]')", [1000.0]),
        ("sorted({'b', 'a'})", ["a", "b"]),
        ("import re, math\n[re.sub('a', 'b', 'aa'), math.floor(2.5)]", ["bb", 2]),
        ("# await nothing\n'ä\\ud800\\x00'", "ä��"),
    ],
)
async def test_values_are_json(code: str, value: Any) -> None:
    assert await execute_tool_by_name("run_python", code=code) == {"printed": "", "value": value}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = (", "line 1\n    x = (\n"),
        ("def f():\n    return 1 / 0\n\nf()", "line 2, in f\n    return 1 / 0\n"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("print('half')\nraise ValueError('no')", "It had printed:\nhalf"),
        ("calculator(expression='1')", "name 'calculator' is not defined. There are no tools to call here."),
        ("x" * 70_000, "The script has 70,000 characters; at most 65,536 are run."),
    ],
)
async def test_an_error_names_its_line_so_that_the_model_can_correct_it(code: str, said: str) -> None:
    with pytest.raises(ToolFailed) as raised:
        await run_python(code=code)

    assert said in str(raised.value)
    assert "python-input" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("try:\n    while True: pass\nexcept BaseException:\n    pass", "it computed for more than 5 s"),
        ("x = []\nwhile True: x.append('a' * 1000)", "it used more than 32 MiB of memory"),
        ("try:\n    'a' * 10**9\nexcept MemoryError:\n    pass", "it used more than 32 MiB of memory"),
        ("'x' * 30_000_000", "more than"),
        ("10 ** 10 ** 8", "it used more than 32 MiB of memory"),
        ("while True: print('x' * 1000)", "it printed more than 1,048,576 characters"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
        ("x = []\nfor _ in range(100_000): x = [x]\nx", "nested more than 50 levels deep"),
        ("[0] * 200_000", "more than 100,000 parts"),
        ("10 ** 5000", "more than 12,000 bits"),
        ("(" * 5000, "too deeply nested"),
        ("open('/etc/passwd').read()", "Permission denied"),
        ("from pathlib import Path\nPath('/').iterdir()", "Permission denied"),
        ("import os\nos.environ", "os.environ"),
        ("import socket", "No module named 'socket'"),
        ("import subprocess", "No module named 'subprocess'"),
        ("import ctypes", "No module named 'ctypes'"),
        ("__import__('os').system('id')", "name '__import__' is not defined"),
        ("import time\ntime.time()", "A script has no clock"),
        ("from datetime import datetime\ndatetime.now()", "A script has no clock"),
        ("import time\ntime.sleep(60)", "A script cannot wait"),
        ("import os\nos.urandom(8)", "no random bytes"),
    ],
)
async def test_a_script_cannot_go_beyond_its_limits_or_outside(code: str, said: str) -> None:
    before = psutil.Process().memory_info().rss

    with pytest.raises(ToolFailed) as raised:
        await run_python(code=code)

    assert said in str(raised.value)
    assert psutil.Process().memory_info().rss - before < 64 << 20
    await all_gone()


async def test_a_long_print_is_cut_and_says_so() -> None:
    result = await run_python(code="for _ in range(40): print('x' * 999)")

    assert result["printed"].endswith("[cut: the first 32,768 of 40,000 characters]")
    assert len(result["printed"]) < 33_000


async def test_random_numbers_follow_from_the_call_so_that_a_script_can_start_again() -> None:
    code = "import random\n[random.random(), random.choice('abcdef'), list({'u', 'v', 'w', 'x'}), hash('y')]"

    with call_context("call-1"):
        first, second = await run_python(code=code), await run_python(code=code)
    with call_context("call-2"):
        other = await run_python(code=code)

    assert first == second
    assert first["value"][0] != other["value"][0]


async def test_a_cancelled_script_leaves_no_process() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await run_python(code="while True: pass")

    await all_gone()


async def test_a_process_that_dies_is_replaced_once() -> None:
    running = asyncio.create_task(run_python(code="x = 0\nwhile True: x += 1"))

    first = await interpreter()
    os.kill(first, signal.SIGKILL)
    second = await interpreter(but=first)
    os.kill(second, signal.SIGKILL)

    with pytest.raises(ToolFailed, match="The interpreter was ended"):
        await running


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="Only Linux shows the limits of a process.")
async def test_the_system_too_lets_the_process_open_nothing_and_see_no_environment() -> None:
    running = asyncio.create_task(run_python(code="while True: pass"))
    folder = Path("/proc") / str(await interpreter())

    limits = {line[:25].strip(): line.split()[-3:-1] for line in (folder / "limits").read_text().splitlines()}
    environment = (folder / "environ").read_bytes()
    running.cancel()

    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max address space"] == [str(512 << 20)] * 2
    assert environment == b""


def interpreters() -> list[int]:
    """The interpreter processes of this one that are alive."""
    found = []
    for child in psutil.Process().children():
        try:
            if child.name() == "monty" and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child.pid)
        except psutil.NoSuchProcess:
            continue
    return found


async def interpreter(*, but: int = 0) -> int:
    """The interpreter process, once there is one that computes."""
    async with asyncio.timeout(10):
        while True:
            for pid in interpreters():
                if pid != but and psutil.Process(pid).nice() == 10 and sum(psutil.Process(pid).cpu_times()[:2]) > 0.02:
                    return pid
            await asyncio.sleep(0.01)


async def all_gone() -> None:
    """Return once no interpreter process is left."""
    async with asyncio.timeout(5):
        while interpreters():  # noqa: ASYNC110 - a fact of the system, which sets no event
            await asyncio.sleep(0.01)
