"""The start of child runs, beside that of ordinary runs in the same host.

`python -m tests.benchmarks.child_runs --case RUNS --requests RUNS` prints its figures as JSON, for `tools.py`.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import django


class Clock:
    """A model that notes when runs ask it for their first reply. A run with the task `parent` calls an agent first."""

    name = "clock"
    model = "clock"

    def __init__(self) -> None:
        self.called_at = 0.0
        """When a parent was told to make its call."""
        self.asked_at = 0.0

    async def reply(self, request: Any, *, on_delta: Any = None) -> Any:
        """The next reply."""
        from runs.agent.providers.scripted import answers, calls_tool

        if request.turns:
            return answers("Done.")
        if request.task == "parent":
            self.called_at = time.perf_counter()
            return calls_tool("call_agent", agent="Child", task="child")
        self.asked_at = time.perf_counter()
        return answers("Done.")


async def starts(clock: Clock, runs: int) -> dict[str, Any]:
    """Milliseconds to the first request (minimum, median, maximum) and CPU milliseconds, of each kind of run."""
    from runs.engine.hosting.host import RunHost

    host = RunHost(provider_for=lambda _: clock)
    host.start(asyncio.get_running_loop())

    async def one(agent: str, task: str) -> float:
        began = time.perf_counter()
        await asyncio.to_thread(launch, agent, task)
        await host.idle()
        return clock.asked_at - (clock.called_at if task == "parent" else began)

    found = {}
    for name, each in {"child": ("Parent", "parent"), "ordinary": ("Child", "ordinary")}.items():
        await one(*each)
        found[name] = await measured(lambda each=each: one(*each), runs)  # type: ignore[misc]
    await host.drain()
    return {
        # Its parent is an ordinary run too.
        "child": (found["child"][0], found["child"][1] - found["ordinary"][1]),
        "ordinary": found["ordinary"],
    }


async def measured(start: Callable[[], Awaitable[float]], runs: int) -> tuple[tuple[float, float, float], float]:
    """Minimum, median and maximum, and the CPU of one, in milliseconds."""
    cpu = time.process_time()
    found = [1000 * await start() for _ in range(runs)]
    return (min(found), statistics.median(found), max(found)), 1000 * (time.process_time() - cpu) / runs


def launch(agent: str, task: str) -> None:
    """Launch a run."""
    from runs.engine import control
    from runs.models import Agent

    control.launch(user=None, agent=Agent.objects.get(name=agent), task=task, overrides={})


def main(runs: int) -> None:
    """Print the figures."""
    from runs.models import Agent

    for name, callable_ in {"Parent": ["Child"], "Child": []}.items():
        Agent.objects.create(name=name, model_names=["offline"], approval="never", tools=[], agents=callable_)
    print(json.dumps(asyncio.run(starts(Clock(), runs))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    options = parser.parse_args()
    django.setup()
    main(options.case)
