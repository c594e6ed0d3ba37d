"""Cost of scale-out, on a database and a Redis prefix of its own (`DATABASE_URL` and `REDIS_URL` name the servers).

- 300 live runs in one worker, two steps a second each: the time from queueing a step to its commit.
- Two workers and 200 runs launched one after the other: how many each hosts.

    python -m tests.benchmarks.scale
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIVE_RUNS = 300
TURNS = 20
SHARED_RUNS = 200

Figures = dict[str, float]


async def live(runs: int) -> Figures:
    """`runs` concurrent runs of 20 turns in this process; every step must be durable in the end."""
    from runs.engine import control
    from runs.engine.hosting.host import RunHost
    from runs.models import Run, Step
    from tests.benchmarks.paced import PacedModel

    host = RunHost(capacity=runs, provider_for=lambda _: PacedModel())
    appended: list[float] = []
    heard = host.services.writer._on_committed

    def note(writes: Any) -> None:
        now = time.monotonic()
        appended.extend(now - write.queued_at for write in writes if write.steps)
        heard(writes)

    host.services.writer._on_committed = note
    host.start(asyncio.get_running_loop())

    def launch() -> None:
        for _ in range(runs):
            control.launch(user=None, task="work", overrides={"max_turns": TURNS + 1})

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.to_thread(launch)
    while await Run.objects.unfinished().aexists():  # noqa: ASYNC110 - many rows, each on its own
        await asyncio.sleep(1)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    await host.drain()
    steps = await Step.objects.acount()
    completed = await Run.objects.filter(status="completed").acount()
    if completed != runs or steps != runs * (3 * TURNS + 1):
        raise SystemExit(f"{completed} of {runs} runs completed with {steps} steps")
    cuts = statistics.quantiles(appended, n=1000)
    return {
        "steps": steps,
        "steps_per_s": steps / wall_s,
        "append_p50_ms": cuts[499] * 1000,
        "append_p99_ms": cuts[989] * 1000,
        "append_max_ms": max(appended) * 1000,
        "cpu_percent": cpu_s / wall_s * 100,
    }


def shared(environment: dict[str, str]) -> Figures:
    """Launch long runs; returns how many of them each of two workers hosts."""
    from runs.engine import control
    from runs.models import Run

    workers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        time.sleep(1)  # Long enough for the workers to hear of each other.
        for _ in range(SHARED_RUNS):
            control.launch(user=None, task="work", overrides={"models": ["paced/m1"], "max_turns": 1000})
        give_up_at = time.monotonic() + 60
        while Run.objects.filter(owner=None).exists() and time.monotonic() < give_up_at:
            time.sleep(0.1)
        owners = Counter(Run.objects.values_list("owner", flat=True))
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    hosted = [count for owner, count in owners.items() if owner is not None]
    most, least = (max(hosted), min(hosted)) if len(hosted) == 2 else (SHARED_RUNS, 0)
    return {"most": most, "least": least, "difference_percent": (most - least) / (SHARED_RUNS / 2) * 100}


def run_case(name: str) -> None:
    """Measure one case in this process, on the services of the environment, and print it as JSON."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
    django.setup()
    figures = asyncio.run(live(LIVE_RUNS)) if name == "live" else shared(dict(os.environ))
    sys.stdout.write(json.dumps(figures) + "\n")


def measure(name: str) -> Figures:
    """Measure a case in a process, a database and a data folder of its own."""
    from tests.services import own_services

    with own_services() as services, tempfile.TemporaryDirectory(prefix="agentsite-bench-") as folder:
        environment = os.environ | services.environment | {"AGENTSITE_DATA": folder}
        environment |= {"AGENTSITE_TOOLS": "tests.benchmarks.paced", "AGENTSITE_LOG_LEVEL": "WARNING"}
        environment |= {"AGENTSITE_BENCH_TURNS": str(TURNS if name == "live" else 1000)}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        command = [sys.executable, "-m", "tests.benchmarks.scale", "--case", name]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        figures: Figures = json.loads(done.stdout)
        return figures


def main() -> None:
    """Measure both cases and print a table with the goals."""
    from tests.services import why_not

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=("live", "shared"), help="measure one case here and print JSON")
    options = parser.parse_args()
    if options.case:
        run_case(options.case)
        return
    if reason := why_not():
        sys.stdout.write(f"Scale-out is not measured: {reason}.\n")
        return
    one, two = measure("live"), measure("shared")
    rows = [
        (f"{LIVE_RUNS} live runs in one worker, steps", one["steps"], "all of them durable"),
        ("  steps per second", one["steps_per_s"], "600 asked for"),
        ("  append, p50 ms", one["append_p50_ms"], ""),
        ("  append, p99 ms", one["append_p99_ms"], "under 250"),
        ("  append, max ms", one["append_max_ms"], ""),
        ("  CPU, percent of a core", one["cpu_percent"], ""),
        (f"{SHARED_RUNS} runs, two workers: the busier hosts", two["most"], ""),
        ("  the other", two["least"], ""),
        ("  difference, percent of a fair half", two["difference_percent"], "within 20"),
    ]
    for label, value, goal in rows:
        sys.stdout.write(f"{label:44} {value:10.1f}   {goal}\n")


if __name__ == "__main__":
    main()
