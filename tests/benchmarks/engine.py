"""Cost of the engine: CPU per durable step, database per step, memory per held run.

The standard work W(n) is a model without latency and n turns of 20 words of reasoning and one `calculator` call: 3n + 1
steps, each committed (SQLite, synchronous=FULL) before it can be shown. Every figure is measured in a process of
its own, the median of five; the raw limit (the same rows through plain `sqlite3`) in the same run.

    python -m tests.benchmarks.engine

If Postgres and Redis answer, or are named in `DATABASE_URL` and `REDIS_URL`, the same work is measured on them too,
in a database of its own. The servers' own CPU is not counted.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.services import Services

ROUNDS = 5
WORDS = " ".join(f"word{n:02}" for n in range(1, 21))
HELD_RUNS = 1000
IDLE_S = 5.0

Figures = dict[str, float]


class StandardModel:
    """The model of W(n): no latency, n turns with one call, then the answer."""

    name = "standard"

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.model = f"W({turns})"

    async def reply(self, request: Any, *, on_delta: Any = None) -> Any:
        """The next turn, by the number of earlier ones."""
        from runs.agent.providers.scripted import answers, calls_tool

        done = len(request.turns)
        if done == self.turns:
            return answers("That was all.")
        return calls_tool("calculator", reasoning=WORDS, expression=f"{done} * 23")


class HoldingModel:
    """A model that never replies, and counts its waiting runs."""

    name = "holding"
    model = "holding"

    def __init__(self) -> None:
        self.waiting = 0
        self._awaited = 0
        self._all_wait = asyncio.Event()
        self._for_ever = asyncio.Event()

    async def all_wait(self, runs: int) -> None:
        """Wait until that many runs wait here."""
        self._awaited = runs
        self._all_wait.clear()
        if self.waiting < runs:
            await self._all_wait.wait()

    async def reply(self, request: Any, *, on_delta: Any = None) -> Any:
        """Wait without end."""
        self.waiting += 1
        if self.waiting == self._awaited:
            self._all_wait.set()
        await self._for_ever.wait()


async def work(turns: int, runs: int) -> Figures:
    """CPU per step of `runs` concurrent runs of W(turns), launch included."""
    from runs.engine.host_timings import HostTimings
    from runs.engine.hosting.host import RunHost
    from runs.models import Run, Step

    host = RunHost(provider_for=lambda _: StandardModel(turns), timings=HostTimings(sweep_every_s=0.2))
    host.start(asyncio.get_running_loop())
    await _warm_up(host)
    size_before, cpu_before, began = _database_bytes(), time.process_time(), time.perf_counter()
    await asyncio.to_thread(_launch, runs, turns + 1)
    await host.idle()
    cpu_s, wall_s = time.process_time() - cpu_before, time.perf_counter() - began
    await host.drain()
    steps = await Step.objects.filter(run__task="work").acount()
    completed = await Run.objects.filter(task="work", status="completed").acount()
    if completed != runs or steps != runs * (3 * turns + 1):
        raise SystemExit(f"{completed} of {runs} runs completed with {steps} steps")
    return {
        "cpu_ms_per_step": cpu_s / steps * 1000,
        "steps_per_s": steps / wall_s,
        "database_bytes_per_step": (_database_bytes() - size_before) / steps,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def held() -> Figures:
    """Memory per run inside a model call, and the CPU of a process that only holds such runs."""
    from runs.engine.hosting.host import RunHost

    model = HoldingModel()
    host = RunHost(provider_for=lambda _: model)
    host.start(asyncio.get_running_loop())
    await asyncio.to_thread(_launch, 50, 20)
    await model.all_wait(50)
    before = _resident_kib()
    await asyncio.to_thread(_launch, HELD_RUNS, 20)
    await model.all_wait(50 + HELD_RUNS)
    kib = (_resident_kib() - before) / HELD_RUNS
    cpu = time.process_time()
    await asyncio.sleep(IDLE_S)
    idle = (time.process_time() - cpu) / IDLE_S * 100
    began = time.perf_counter()
    await host.drain()
    return {"kib_per_held_run": kib, "idle_cpu_percent": idle, "drain_s": time.perf_counter() - began}


def raw(rows_per_commit: int) -> Figures:
    """CPU per row of inserting a step's row by plain `sqlite3`."""
    path = Path(os.environ["AGENTSITE_DATA"]) / "raw.sqlite3"
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        columns = ", ".join(f"c{n}" for n in range(24))
        connection.execute(
            f"CREATE TABLE step (id INTEGER PRIMARY KEY, run, sequence, {columns}, UNIQUE (run, sequence))"
        )
        insert = f"INSERT INTO step (run, sequence, {columns}) VALUES ({', '.join('?' * 26)})"
        rows = [["f" * 32, number, WORDS, WORDS, *[None] * 22] for number in range(3000)]
        cpu = time.process_time()
        for first in range(0, len(rows), rows_per_commit):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, rows[first : first + rows_per_commit])
            connection.execute("COMMIT")
        return {"cpu_ms_per_step": (time.process_time() - cpu) / len(rows) * 1000}


async def _warm_up(host: Any) -> None:
    await asyncio.to_thread(_launch, 1, 20, task="warm-up")
    await host.idle()


def _launch(runs: int, max_turns: int, task: str = "work") -> None:
    from runs.engine import control

    for _ in range(runs):
        control.launch(user=None, task=task, overrides={"max_turns": max_turns})


def _resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _database_bytes() -> int:
    from django.db import connections

    if url := os.environ.get("DATABASE_URL"):
        import psycopg

        with psycopg.connect(url) as postgres:
            row = postgres.execute("SELECT pg_database_size(current_database())").fetchone()
            return int(row[0]) if row is not None else 0
    path = Path(str(connections.settings["default"]["NAME"]))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


CASES = {
    "alone": lambda: asyncio.run(work(200, 1)),
    "hundred": lambda: asyncio.run(work(20, 100)),
    "short": lambda: asyncio.run(work(50, 1)),
    "long": lambda: asyncio.run(work(800, 1)),
    "held": lambda: asyncio.run(held()),
    "raw_alone": lambda: raw(1),
    "raw_batch": lambda: raw(100),
}


def run_case(name: str) -> None:
    """Measure one case in this process and print it as JSON."""
    if not name.startswith("raw"):
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
    sys.stdout.write(json.dumps(CASES[name]()) + "\n")


def measure(name: str, *, on_postgres: bool = False) -> Figures:
    """Measure a case in a process and a data folder of its own, and optionally a Postgres database of its own."""
    from tests.services import own_services

    folder = tempfile.mkdtemp(prefix="agentsite-bench-")
    try:
        with own_services() if on_postgres else nullcontext() as services:
            command = [sys.executable, "-m", "tests.benchmarks.engine", "--case", name]
            done = subprocess.run(
                command, env=_environment(folder, services), stdout=subprocess.PIPE, text=True, check=True
            )
        figures: Figures = json.loads(done.stdout)
        return figures
    finally:
        shutil.rmtree(folder)


def _environment(folder: str, services: "Services | None") -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | {"AGENTSITE_DATA": folder} | (services.environment if services is not None else {})


def median_of(name: str, rounds: int, *, on_postgres: bool = False) -> Figures:
    """The median of each figure over the rounds."""
    measured = [measure(name, on_postgres=on_postgres) for _ in range(rounds)]
    return {key: statistics.median(each[key] for each in measured) for key in measured[0]}


def on_postgres(rounds: int) -> list[tuple[str, float, str]]:
    """The rows of the table for Postgres; without it none, with the reason on standard error."""
    from tests.services import why_not

    if reason := why_not():
        sys.stderr.write(f"Not measured on Postgres: {reason}\n")
        return []
    alone = median_of("alone", rounds, on_postgres=True)
    hundred = median_of("hundred", rounds, on_postgres=True)
    return [
        ("Postgres: W(200) alone, CPU ms per step", alone["cpu_ms_per_step"], ""),
        ("Postgres: W(20) x 100, CPU ms per step", hundred["cpu_ms_per_step"], ""),
        ("Postgres: W(20) x 100, steps per second", hundred["steps_per_s"], ""),
    ]


def main() -> None:
    """Measure everything and print a table with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, help="measure one case here and print JSON")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    if options.case:
        run_case(options.case)
        return
    found = {name: median_of(name, options.rounds) for name in CASES}
    rows = [
        ("W(200) alone, CPU ms per step", found["alone"]["cpu_ms_per_step"], "at most 1.0, goal 0.7"),
        ("  raw sqlite3, a commit per row", found["raw_alone"]["cpu_ms_per_step"], "the limit"),
        ("W(20) x 100 at once, CPU ms per step", found["hundred"]["cpu_ms_per_step"], "at most 0.4, goal 0.25"),
        ("  raw sqlite3, 100 rows per commit", found["raw_batch"]["cpu_ms_per_step"], "the limit"),
        ("W(20) x 100, steps per second", found["hundred"]["steps_per_s"], ""),
        ("W(20) x 100, peak MiB", found["hundred"]["peak_mib"], ""),
        (
            "CPU per step at n=800 over that at n=50",
            found["long"]["cpu_ms_per_step"] / found["short"]["cpu_ms_per_step"],
            "at most 1.25",
        ),
        ("Database bytes per step", found["hundred"]["database_bytes_per_step"], "at most 2048"),
        ("KiB per run held in a model call", found["held"]["kib_per_held_run"], "at most 40"),
        ("Idle CPU with 1,050 held runs, percent", found["held"]["idle_cpu_percent"], "under 2"),
        ("Draining them, seconds", found["held"]["drain_s"], "under 10"),
        *on_postgres(options.rounds),
    ]
    for label, value, goal in rows:
        sys.stdout.write(f"{label:42} {value:10.3f}   {goal}\n")


if __name__ == "__main__":
    main()
