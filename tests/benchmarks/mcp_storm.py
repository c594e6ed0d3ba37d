"""Launches while an MCP server announces new tools all the time, and lists other ones each time.

`python -m tests.benchmarks.mcp_storm --case TOOLS --requests LAUNCHES` prints its figures as JSON, for `tools.py`.
"""

import argparse
import asyncio
import json
import statistics
import threading
import time

import django

STORM_S = 20.0
REST_S = 0.02
"""Between two launches."""
FEWEST = 20


def launches(until: float, least: int) -> list[float]:
    """Milliseconds of launches one after the other."""
    from runs.engine import control

    found: list[float] = []
    while time.monotonic() < until or len(found) < least:
        began = time.perf_counter()
        control.launch(user=None, task="work", overrides={"max_turns": 1})
        found.append(1000 * (time.perf_counter() - began))
        time.sleep(REST_S)
    return found


async def storm(tool: object, ended: threading.Event) -> None:
    """Have the server announce changes, a hundred at a time, until the end."""
    from runs.agent.tools.registry import execute_tool_safely

    while not ended.is_set():
        await execute_tool_safely(tool, {"count": 100})  # type: ignore[arg-type]
        await asyncio.sleep(0.2)


def middle_and_p95(found: list[float]) -> tuple[float, float]:
    """Of the launches."""
    return statistics.median(found), statistics.quantiles(found, n=20)[-1]


def main(tools: int, least: int) -> None:
    """Print the figures."""
    from asgiref.sync import async_to_sync

    from runs.agent.tools.registry import execute_tool_safely, registered_tools
    from runs.engine.mcp.pool import close_connections
    from tests.benchmarks.mcp_calls import connect, turn_on_named

    connect(1, "--legacy")  # whose announcements need no subscription
    turn_on_named("storm", "changing", "lists")
    named = registered_tools()
    calm = launches(time.monotonic() + 5, max(least, FEWEST))
    async_to_sync(execute_tool_safely)(named["s0__changing"], {"tools": tools})
    ended = threading.Event()
    stormy = threading.Thread(target=lambda: asyncio.run(storm(named["s0__storm"], ended)))
    stormy.start()
    in_storm = launches(time.monotonic() + STORM_S, max(least, FEWEST))
    ended.set()
    stormy.join()
    lists = json.loads(async_to_sync(execute_tool_safely)(named["s0__lists"], {}))["lists"]
    async_to_sync(close_connections)()
    print(json.dumps({"calm": middle_and_p95(calm), "storm": middle_and_p95(in_storm), "lists": lists}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    options = parser.parse_args()
    django.setup()
    main(options.case, options.requests)
