"""Calls of an MCP tool as runs make them, beside the bare client of the SDK, and the cost of idle connections.

`python -m tests.benchmarks.mcp_calls --case SERVERS --requests ROUNDS` prints its figures as JSON, for `tools.py`.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import django

SERVER = Path(__file__).resolve().parents[1] / "engine" / "mcp" / "server.py"
CALLS = 200
"""Of one measurement, one after the other."""
IDLE_S = 10.0
Cost = tuple[float, float]


async def measured(work: Callable[[], Awaitable[object]]) -> Cost:
    """CPU of this process, without the server's, and wall seconds."""
    cpu, began = _cpu_s(), time.perf_counter()
    await work()
    return _cpu_s() - cpu, time.perf_counter() - began


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def connect(number: int, *arguments: str) -> list[Any]:
    """Connect that many servers, started with these arguments. Returns their tools called `echo`, which are on."""
    from django.conf import settings

    from runs.agent.tools.registry import registered_tools
    from runs.engine.mcp.servers import check_server, known_servers
    from runs.engine.mcp.stdio_settings import parse_stdio_servers

    programs = {f"s{each}": {"command": sys.executable, "args": [str(SERVER), *arguments]} for each in range(number)}
    settings.AGENTSITE_MCP_SERVERS = parse_stdio_servers(json.dumps(programs))
    for source in known_servers():
        if source.state == source.State.NEW:
            check_server(source)
    turn_on_named("echo")
    return [registered_tools()[f"s{each}__echo"] for each in range(number)]


def turn_on_named(*remote_names: str) -> None:
    """Approve the tools that their servers call so."""
    from runs.engine.stored_tools.catalog import refresh_tools
    from runs.engine.stored_tools.decisions import turn_on
    from runs.models import StoredTool

    for tool in StoredTool.objects.filter(remote_name__in=remote_names):
        turn_on(tool.pk, seen_hash=tool.hash, by=None)
    refresh_tools()


def calls_of(call: Callable[[str], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
    """Makes `CALLS` calls, each of which has to give back its text."""

    async def calls() -> None:
        for number in range(CALLS):
            if await call(f"tide {number}") != f"tide {number}":
                raise AssertionError

    return calls


async def costs(tool: Any, rounds: int) -> dict[str, list[Cost]]:
    """The costs in each round, in turn, of the same calls: of the tool as runs call it, of the SDK's own client, and of
    an async function as a tool with the same schema, as runs call that."""
    from mcp import Client, StdioServerParameters, stdio_client

    from runs.agent.tools.function_tool import FunctionTool
    from runs.agent.tools.registry import execute_tool_safely

    async def echo(text: str) -> str:
        return text

    ordinary = FunctionTool(echo, parameters=tool.get_schema(), description=tool.description, effect="read")

    program = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with Client(stdio_client(program)) as client:

        async def bare(text: str) -> Any:
            result: Any = await client.call_tool("echo", {"text": text})
            return result.content[0].text

        works = {
            "tool": calls_of(lambda text: execute_tool_safely(tool, {"text": text})),
            "bare": calls_of(bare),
            "ordinary": calls_of(lambda text: execute_tool_safely(ordinary, {"text": text})),
        }
        for work in works.values():
            await work()
        found: dict[str, list[Cost]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                found[name].append(await measured(work))
        return found


def idle(servers: int) -> dict[str, float]:
    """What further connected servers cost while nobody calls them."""
    import psutil  # type: ignore[import-untyped]

    here = psutil.Process()
    before_mib = here.memory_info().rss / 2**20
    connect(servers + 1)
    own_mib = here.memory_info().rss / 2**20 - before_mib
    guards = [each for each in here.children(recursive=True) if "server_guard" in " ".join(each.cmdline())]
    cpu, began = _cpu_s() + _cpu_of(guards), time.perf_counter()
    time.sleep(IDLE_S)
    used_s = _cpu_s() + _cpu_of(guards) - cpu
    return {
        "cpu_percent": 100 * used_s / (time.perf_counter() - began),
        "own_mib": own_mib,
        # What both processes of a guard share is counted once.
        "guard_mib": sum(each.memory_full_info().pss for each in guards) / (servers + 1) / 2**20,
    }


def _cpu_of(processes: list[Any]) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def main(servers: int, rounds: int) -> None:
    """Print the figures."""
    from asgiref.sync import async_to_sync

    from runs.engine.mcp.pool import close_connections

    [tool] = connect(1)
    figures = {"calls": CALLS, "costs": asyncio.run(costs(tool, rounds)), "idle": idle(servers)}
    async_to_sync(close_connections)()
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    options = parser.parse_args()
    django.setup()
    main(options.case, options.requests)
