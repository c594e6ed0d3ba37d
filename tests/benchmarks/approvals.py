"""Cost of runs that wait for a person, and the delay from an approval to the claim.

A thousand runs of the offline planner ask before their first call. Then fifty calls are approved, one after another;
measured is the time from the approval to the claim of the run. With SQLite everything is in one process; with Postgres
(if it answers) a worker hosts the runs, in a process of its own.

    python -m tests.benchmarks.approvals
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RUNS = 1000
APPROVED = 50
TASK = "What is 17 * 23?"
LIMIT_S = 600

Figures = dict[str, float]


def rss_mib(pid: int) -> float:
    """Memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def wait_until(is_so: Callable[[], Any], every_s: float = 0.05) -> None:
    """Wait until `is_so()`. Raises `TimeoutError`."""
    give_up_at = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > give_up_at:
            raise TimeoutError
        time.sleep(every_s)


@contextmanager
def host_here() -> Iterator[int]:
    """A host in this process."""
    from runs.engine.hosting.host import RunHost
    from runs.engine.hosting.host_thread import HostThread

    with HostThread(RunHost()):
        yield os.getpid()


@contextmanager
def worker() -> Iterator[int]:
    """A worker process."""
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], stdout=subprocess.PIPE)
    try:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("The worker did not start.")
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def run_case(name: str) -> Figures:
    """Measure one case in this process, whose environment selects the database."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "agentsite.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from runs.engine import control
    from runs.models import Agent, Run, ToolCall

    call_command("migrate", verbosity=0)
    Agent.objects.update(approval="always")
    waiting = Run.objects.filter(status="waiting", waiting_for="approval")
    with host_here() if name == "sqlite" else worker() as pid:
        control.launch(user=None, task=TASK)
        wait_until(waiting.exists)  # Everything is imported.
        idle_mib = rss_mib(pid)
        for _ in range(RUNS - 1):
            control.launch(user=None, task=TASK)
        wait_until(lambda: waiting.count() == RUNS)
        figures: Figures = {
            "hosted": Run.objects.filter(owner__isnull=False).count(),
            "more_mib": rss_mib(pid) - idle_mib,
        }
        took = []
        for call in ToolCall.objects.filter(state="awaiting_approval")[:APPROVED]:
            run = Run.objects.filter(pk=call.run_id, epoch__gt=call.epoch)
            started = time.perf_counter()
            control.approve(call.pk, by=None, arguments_hash=call.arguments_hash)
            wait_until(run.exists, every_s=0.0005)
            took.append((time.perf_counter() - started) * 1000)
        wait_until(lambda: Run.objects.filter(status="completed").count() == APPROVED)
    return figures | {"p50_ms": statistics.median(took), "p95_ms": sorted(took)[int(0.95 * len(took))]}


def measure(name: str, environment: dict[str, str]) -> Figures:
    """Measure a case in a process and a data folder of its own."""
    folder = tempfile.mkdtemp(prefix="agentsite-bench-")
    try:
        command = [sys.executable, "-m", "tests.benchmarks.approvals", "--case", name]
        whole = os.environ | {"AGENTSITE_DATA": folder} | environment
        done = subprocess.run(command, env=whole, stdout=subprocess.PIPE, text=True, check=True)
        figures: Figures = json.loads(done.stdout.splitlines()[-1])
        return figures
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure on every available database, and print a table with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=("sqlite", "postgres"), help="measure one case here and print JSON")
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case)) + "\n")
        return
    from tests.services import own_services, why_not

    found = {"sqlite": measure("sqlite", {})}
    if reason := why_not():
        sys.stdout.write(f"Postgres is left out: {reason}\n")
    else:
        with own_services() as services:
            found["postgres"] = measure("postgres", services.environment)
    for name, figures in found.items():
        rows = [
            (f"{name}: {RUNS} waiting, slots held", figures["hosted"], "0"),
            (f"{name}: MiB more than idle", figures["more_mib"], "under 20"),
            (f"{name}: approve to running, p50 ms", figures["p50_ms"], "under 50"),
            (f"{name}: approve to running, p95 ms", figures["p95_ms"], ""),
        ]
        for label, value, goal in rows:
            sys.stdout.write(f"{label:42} {value:10.2f}   {goal}\n")


if __name__ == "__main__":
    main()
