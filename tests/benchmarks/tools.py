"""CPU and time of the built-in tools, beside the bare library in the same run.

python -m tests.benchmarks.tools

Each tool and its bare library take turns. CPU is that of all processes a call starts and of this one.
"""

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from runs.agent.files.access import files_context
from runs.agent.tools.data.query_table import query_table
from tests.agent.files.memory_files import MemoryFiles

ROUNDS = 15
DATA = Path(__file__).resolve().parents[2] / "examples" / "data" / "sales.csv"
QUERY = "SELECT region, sum(amount) FROM {} GROUP BY region ORDER BY region"

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A tool and the bare library that answers the same."""

    name: str
    tool: Work
    bare: Work
    goal: float
    """The most CPU of the tool, as a multiple of the bare library's."""


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


async def measured(work: Work) -> tuple[float, float]:
    """CPU and wall seconds of one call."""
    cpu, began = _cpu_s(), time.perf_counter()
    await work()
    return _cpu_s() - cpu, time.perf_counter() - began


async def compared(each: Comparison, rounds: int) -> str:
    """A line of the table: medians, and the median of the ratios of neighbours in time."""
    await each.tool()
    await each.bare()
    pairs = [(await measured(each.tool), await measured(each.bare)) for _ in range(rounds)]
    tool_cpu, tool_wall, bare_cpu, bare_wall = (
        statistics.median(pair[who][what] for pair in pairs) * 1000 for who in (0, 1) for what in (0, 1)
    )
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
    tool = f"{tool_cpu:7.0f} ms CPU {tool_wall:7.0f} ms"
    bare = f"{bare_cpu:7.0f} ms CPU {bare_wall:7.0f} ms"
    return f"{each.name:<28} {tool}   bare {bare}   {ratio:5.2f}x CPU (goal {each.goal:g}x)"


async def query_table_cold() -> None:
    """One call of the tool: it has no warm process, each call is cold."""
    with files_context(MemoryFiles({"sales.csv": DATA.read_bytes()})):
        result = await query_table(sql=QUERY.format("sales"), files=["sales.csv"])
    if result["row_count"] != 4:
        raise AssertionError(result)


async def bare_duckdb() -> None:
    """A Python that imports duckdb and asks the same."""
    query = QUERY.format(f"read_csv('{DATA}')")
    script = f"import duckdb; assert len(duckdb.sql({query!r}).fetchall()) == 4"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True, cwd=os.sep)


COMPARISONS: tuple[Comparison, ...] = (Comparison("query_table", query_table_cold, bare_duckdb, 1.5),)
"""In the order of the table."""


async def main(rounds: int) -> None:
    """Print the table."""
    for each in COMPARISONS:
        print(await compared(each, rounds), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asyncio.run(main(parser.parse_args().rounds))
