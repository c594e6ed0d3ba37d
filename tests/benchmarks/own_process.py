"""One case of a benchmark in a process, a database and a data folder of its own."""

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Figures = dict[str, float]


def figures_of(module: str, database: str, case: int, requests: int) -> dict[str, Figures]:
    """The figures that `json_of` gives."""
    figures: dict[str, Figures] = json_of(module, database, case, requests)
    return figures


def json_of(module: str, database: str, case: int, requests: int) -> Any:
    """What `python -m module --case … --requests …` prints as its last line, on `sqlite` or `postgres`."""
    from tests.services import own_services

    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="agentsite-bench-"))
        environment = os.environ | {"AGENTSITE_DATA": folder, "AGENTSITE_LOG_LEVEL": "WARNING"}
        environment.pop("DATABASE_URL", None)
        environment.pop("REDIS_URL", None)
        if database == "postgres":
            environment |= opened.enter_context(own_services()).environment
        environment["DJANGO_SETTINGS_MODULE"] = "agentsite.settings"
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        command = [sys.executable, "-m", module, "--case", str(case), "--requests", str(requests)]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


def become_a_server() -> None:
    """Compile the templates and keep what is loaded out of collections, as `serve` does when it starts."""
    from runs.management.warm_up import warm_up

    warm_up(serves_pages=True, hosts_runs=False).join()
    gc.collect()
    gc.freeze()


@dataclass(slots=True)
class Times:
    """Durations in milliseconds."""

    first: float
    """Of the first call."""
    others: list[float] = field(default_factory=list)
    collections: list[float] = field(default_factory=list)
    """Of each of the others: the part that the garbage collector took."""


def times_of(act: Callable[[], None], count: int) -> Times:
    """The times of the first call, and of `count` further ones."""
    collected = begun = 0.0

    def note(phase: str, _about: object) -> None:
        nonlocal collected, begun
        if phase == "start":
            begun = time.perf_counter()
        else:
            collected += (time.perf_counter() - begun) * 1000

    gc.callbacks.append(note)
    times = Times(_timed(act))
    try:
        _timed(act)  # what the second call finds was made ready by the first one
        for _ in range(count):
            collected = 0.0
            times.others.append(_timed(act))
            times.collections.append(collected)
    finally:
        gc.callbacks.remove(note)
    return times


def _timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000
