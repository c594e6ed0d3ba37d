"""CPU and time of the built-in tools, beside the bare library in the same run.

python -m tests.benchmarks.tools

Each tool and its bare library take turns. CPU is that of this process and of all that a call starts; of Postgres, that
of the sessions. Where the tool has a process for each call, so has the bare library, which is imported there.
"""

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs.agent.files.access import files_context
from runs.agent.sandbox.fork_client import CLIENT
from runs.agent.tools.code.run_python import run_python
from runs.agent.tools.data.query_table import query_table
from runs.agent.tools.web.fetch_page import fetch_page
from tests.agent.files.memory_files import MemoryFiles
from tests.services import why_not

ROUNDS = 15
DOCUMENTS = 10_000
MCP_SERVERS = 20
CHANGING_TOOLS = 480
"""Beside those of the server itself, which has at most 500 in all."""
DATA = Path(__file__).resolve().parents[2] / "examples" / "data" / "sales.csv"
QUERY = "SELECT region, sum(amount) FROM {} GROUP BY region ORDER BY region"
PAGE_BYTES = 1_000_000

Work = Callable[[], Awaitable[object]]
Cost = tuple[float, float]
"""CPU and wall seconds of one call."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A tool and the bare library that answers the same."""

    name: str
    tool: Work
    bare: Work
    goal: float | None
    """The most CPU of the tool, as a multiple of the bare library's; None if there is no goal."""


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used) + _fork_server_cpu_s()


def _fork_server_cpu_s() -> float:
    """Of the fork server of sandboxed jobs and of the jobs that it has forked, to 10 ms. Waits for the end of these."""
    if (server := CLIENT.server_pid()) is None:
        return 0.0
    children = Path(f"/proc/{server}/task/{server}/children")
    while children.read_text():
        time.sleep(0.001)
    used = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


async def measured(work: Work) -> Cost:
    """CPU and wall seconds of one call."""
    cpu, began = _cpu_s(), time.perf_counter()
    await work()
    return _cpu_s() - cpu, time.perf_counter() - began


async def compared(each: Comparison, rounds: int) -> str:
    """The lines of the table of one comparison."""
    await each.tool()
    await each.bare()
    return told(each.name, [(await measured(each.tool), await measured(each.bare)) for _ in range(rounds)], each.goal)


def told(name: str, pairs: Sequence[tuple[Cost, Cost]], goal: float | None) -> str:
    """A line of the table, in milliseconds: minimum, median and maximum, and the median of the ratios of neighbours in
    time."""
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
    verdict = "no goal" if goal is None else f"goal {goal:g}x: {'ok' if ratio <= goal else 'MISSED'}"
    tool, bare = ([pair[who] for pair in pairs] for who in (0, 1))
    return f"{name:<32} {_spread(tool)}   bare {_spread(bare)}   {ratio:5.2f}x CPU ({verdict})"


def _spread(costs: Sequence[Cost]) -> str:
    parts = []
    for what, seconds in zip(("CPU", "wall"), zip(*costs, strict=True), strict=True):
        least, middle, most = (1000 * each for each in (min(seconds), statistics.median(seconds), max(seconds)))
        parts.append(f"{least:.1f}/{middle:.1f}/{most:.1f} ms {what}")
    return ", ".join(parts)


async def _fresh_python(code: str) -> None:
    """A new Python runs the code."""
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=True, cwd=os.sep)


# Tables


async def query_sales_cold() -> None:
    """The first call of the tool in a process."""
    await query_sales()
    _fork_server_cpu_s()  # that of the job is counted when the server has seen its end
    CLIENT.end()


async def query_sales() -> None:
    """A call of the tool. The fork server has imported duckdb."""
    with files_context(MemoryFiles({"sales.csv": DATA.read_bytes()})):
        result = await query_table(sql=QUERY.format("sales"), files=["sales.csv"])
    if result["row_count"] != 4:
        raise AssertionError(result)


async def bare_duckdb_cold() -> None:
    """A Python that imports duckdb and asks the same."""
    query = QUERY.format(f"read_csv('{DATA}')")
    await _fresh_python(f"import duckdb; assert len(duckdb.sql({query!r}).fetchall()) == 4")


async def bare_duckdb_warm() -> None:
    """A new connection in this process, which has imported duckdb."""
    import duckdb

    with duckdb.connect() as connection:
        if len(connection.sql(QUERY.format(f"read_csv('{DATA}')")).fetchall()) != 4:
            raise AssertionError(DATA)


# Pages


def page() -> bytes:
    """An article of 1 MB."""
    paragraph = "A sentence about the sea, the wind and <a href='/tides'>the tides</a>, as people write it. " * 8
    count = PAGE_BYTES // (len(paragraph) + 30)
    body = "".join(f"<h2>Part {number}</h2><p>{paragraph}</p>\n" for number in range(count))
    head = "<!doctype html><html><head><title>Tides</title></head>"
    return f"{head}<body><nav>Home</nav><article>{body}</article></body></html>".encode()


@contextmanager
def page_server() -> Iterator[str]:
    """The address of the page, at a server in a process of its own, which `fetch_page` may reach."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.html").write_bytes(page())
        command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=quiet, text=True) as server:
            port = server.stdout.readline().split(" port ")[1].split()[0] if server.stdout else ""
            os.environ["AGENTSITE_FETCH_HOSTS"] = f"127.0.0.1:{port}"
            yield f"http://127.0.0.1:{port}/"
            server.terminate()


def fetches(url: str) -> Work:
    """Read the page with the tool."""

    async def fetch() -> None:
        result: dict[str, Any] = await fetch_page(url=url)
        if "the tides" not in result["text"]:
            raise AssertionError(result)

    return fetch


def fetches_bare(url: str) -> Work:
    """Read the page with the libraries, in a Python that imports them."""
    code = (
        f"import httpx2, trafilatura; html = httpx2.get({url!r}, trust_env=False).content; "
        "assert 'the tides' in trafilatura.extract(html, output_format='markdown', include_links=True)"
    )
    return lambda: _fresh_python(code)


# Scripts


async def start_script() -> None:
    """The shortest script."""
    if (await run_python(code="1 + 1"))["value"] != 2:
        raise AssertionError


async def bare_monty() -> None:
    """The same in a pool of its own, as each script has one."""
    from pydantic_monty import AsyncMonty

    async with AsyncMonty(max_processes=1) as pool, pool.checkout() as session:
        if await session.feed_run("1 + 1") != 2:
            raise AssertionError


# Full text


def full_text(rounds: int) -> Iterator[str]:
    """The lines of `search_documents`, on SQLite and, if there is one, on Postgres."""
    for database in ("sqlite", "postgres"):
        if database == "postgres" and (reason := why_not()):
            yield f"search_documents, postgres: not measured, {reason}"
            continue
        pairs = searches(database, rounds)
        yield told(f"20 x search_documents, {database}", pairs, 1.2)


def searches(database: str, rounds: int) -> list[tuple[Cost, Cost]]:
    """The costs of both in each round, in a process, a database and a data folder of its own."""
    from tests.benchmarks.own_process import json_of

    figures: dict[str, list[tuple[Cost, Cost]]] = json_of("tests.benchmarks.full_text", database, DOCUMENTS, rounds)
    return figures["pairs"]


# MCP


def mcp_calls(rounds: int) -> Iterator[str]:
    """The lines of calls of an MCP tool, and of connections without calls.

    The whole call of a run is compared with one of the SDK's client in the same era of the protocol, and so is what it
    takes beyond that of an async function with the same schema: what a run does for any tool is not of MCP.
    """
    from tests.benchmarks.own_process import json_of

    figures: dict[str, Any] = json_of("tests.benchmarks.mcp_calls", "sqlite", MCP_SERVERS, rounds)
    ours, bare, ordinary = (figures["costs"][name] for name in ("tool", "bare", "ordinary"))
    share = [(one[0] - other[0], one[1] - other[1]) for one, other in zip(ours, ordinary, strict=True)]
    yield told(f"{figures['calls']} x MCP call", list(zip(ours, bare, strict=True)), None)
    yield told("… beyond any async tool", list(zip(share, bare, strict=True)), 1.3)
    idle = "{cpu_percent:.2f} % of a processor (goal 1 %), {own_mib:.2f} MiB here, {guard_mib:.1f} MiB in each guard"
    yield f"{MCP_SERVERS} MCP servers without calls: {idle.format(**figures['idle'])}"


def mcp_storm(rounds: int) -> Iterator[str]:
    """The line of launches while a server changes its tools all the time."""
    from tests.benchmarks.own_process import json_of

    launches = "{calm[0]:.1f}/{calm[1]:.1f} ms without it, {storm[0]:.1f}/{storm[1]:.1f} ms in it, {lists} lists"
    figures = json_of("tests.benchmarks.mcp_storm", "sqlite", CHANGING_TOOLS, rounds)
    yield f"launch in a storm of changed tools, p50/p95: {launches.format(**figures)}"


def child_runs(rounds: int) -> Iterator[str]:
    """The lines of the start of a child run, beside an ordinary launch."""
    from tests.benchmarks.own_process import json_of

    figures = json_of("tests.benchmarks.child_runs", "sqlite", rounds, rounds)
    for name, what in (("child", "child run, from the call"), ("ordinary", "ordinary run, from the launch")):
        start, cpu = figures[name]
        yield f"{what} to its first request: {start[0]:.1f}/{start[1]:.1f}/{start[2]:.1f} ms, {cpu:.1f} ms CPU in all"


async def main(rounds: int) -> None:
    """Print the table."""
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; minimum/median/maximum of {rounds}")
    with page_server() as url:
        comparisons = (
            Comparison("query_table, cold", query_sales_cold, bare_duckdb_cold, 1.5),
            Comparison("query_table, warm", query_sales, bare_duckdb_warm, None),
            Comparison("fetch_page, 1 MB", fetches(url), fetches_bare(url), 1.2),
            Comparison("run_python, start", start_script, bare_monty, 1.2),
        )
        for each in comparisons:
            print(await compared(each, rounds), flush=True)
    for lines in (mcp_calls, mcp_storm, child_runs, full_text):
        for line in lines(rounds):
            print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asyncio.run(main(parser.parse_args().rounds))
