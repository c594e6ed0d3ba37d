"""Latency of a POST beside runs that write at the maximum rate, in the same process.

A real server, forms over HTTP one after the other: a launch (a run, its dispatch) and a sign-in (a session, the
user's last login). First idle, then beside busy runs of a model without latency. A GET that needs no database shows
the share of the event loop and the processor. Most of a sign-in is Django's
password hash, which is slow by design and shares the processor; the same sign-in without it shows the cost of the site
and its database.

    python -m tests.benchmarks.web
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live_site import LiveSite, prepare_data
from tests.visitor import Visitor

PASSWORD = "a good long password"
GOAL_MS = 100.0
BUSY = """
from django.contrib.auth.models import User
from runs.engine import control
ada = User.objects.get(username="ada")
endless = {{"models": ["busy/m1"], "max_turns": 1_000_000, "max_duration_s": 3600}}
for _ in range({runs}):
    control.launch(user=ada, task="busy", overrides=endless)
"""
STEPS = "from runs.models import Step; print(Step.objects.count())"

Times = list[float]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=200, help="of each kind")
    parser.add_argument("--runs", type=int, nargs="*", default=[10, 100], help="busy runs beside them")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="agentsite-bench-"))
    try:
        with_hash = prepared(folder / "hashed", {})
        without = prepared(folder / "plain", {"AGENTSITE_BENCH_HASH": "off"})
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {options.posts} POSTs of each kind, ms")
        print(f"{'':28}{'idle p50':>9}{'p99':>8}   beside runs: p50, p99, p50 of idle, steps/s meanwhile")
        table(without, "a GET without database", looks, options.posts, options.runs)
        table(without, "launch", launches, options.posts, options.runs)
        table(without, "sign-in without the hash", sign_ins, options.posts, options.runs)
        table(with_hash, "sign-in", sign_ins, options.posts // 4, options.runs)
        print(f"password hash alone, idle: {statistics.median(hashes(10)):.0f} ms")
    finally:
        shutil.rmtree(folder)


def table(data: Path, name: str, measure: Callable[[LiveSite, int], Times], posts: int, beside: list[int]) -> None:
    """One line: idle, then beside each number of busy runs."""
    with serving(data, 0) as site:
        idle = measure(site, posts)
    line = f"{name:28}{p(50, idle):9.1f}{p(99, idle):8.1f}"
    for runs in beside:
        with serving(data, runs) as site:
            before, began = int(site.ask(STEPS)), time.monotonic()
            busy = measure(site, posts)
            per_s = (int(site.ask(STEPS)) - before) / (time.monotonic() - began)
        said = "" if name == "sign-in" else (" ok" if p(99, busy) < GOAL_MS else " MISSED")
        line += (
            f"   {runs} runs: {p(50, busy):.1f}, {p(99, busy):.1f}{said}, x{p(50, busy) / p(50, idle):.1f}, {per_s:.0f}"
        )
    print(line, flush=True)


def looks(site: LiveSite, posts: int) -> Times:
    """The delay of the event loop alone."""
    with Visitor(site.url) as somebody:
        somebody.get("/healthz")
        return [timed(lambda: somebody.get("/healthz")) for _ in range(posts)]


def launches(site: LiveSite, posts: int) -> Times:
    """Launch runs of the offline planner, which work and end meanwhile."""
    with Visitor(site.url, session=site.session_of("ada")) as ada:
        ada.launch("What is 1 + 1?")
        return [timed(lambda: ada.launch("What is 17 * 23?")) for _ in range(posts)]


def sign_ins(site: LiveSite, posts: int) -> Times:
    """Sign in with a new browser each time; only the POST counts."""
    times = []
    for _ in range(posts):
        with Visitor(site.url) as ada:
            ada.get("/accounts/login/")
            times.append(timed(lambda: sign_in(ada)))
    return times


def sign_in(visitor: Visitor) -> None:
    """Sign in. Raises `AssertionError` if that is refused."""
    status, _ = visitor.post("/accounts/login/", username="ada", password=PASSWORD)
    assert status == 302, status


def hashes(number: int) -> Times:
    """Durations of Django's password hash."""
    from agentsite.hashers import PasswordHasher

    return [timed(lambda: PasswordHasher().encode(PASSWORD, "salt" * 6)) for _ in range(number)]


def prepared(data: Path, environment: dict[str, str]) -> Path:
    """A data folder with one user."""
    prepare_data(data)
    LiveSite(data, environment_of(environment)).create_user("ada", PASSWORD)
    return data


def environment_of(extra: dict[str, str]) -> dict[str, str]:
    """The environment of a server of this benchmark."""
    return {"AGENTSITE_TOOLS": "tests.benchmarks.busy", "AGENTSITE_LOG_LEVEL": "ERROR", **extra}


@contextmanager
def serving(prepared_data: Path, busy_runs: int) -> Iterator[LiveSite]:
    """A server on a copy of the data, with that many runs that never stop writing."""
    data = prepared_data.with_name("served")
    shutil.copytree(prepared_data, data)
    site = LiveSite(data, environment_of({"AGENTSITE_BENCH_HASH": "off"} if prepared_data.name == "plain" else {}))
    try:
        if busy_runs:
            site.ask(BUSY.format(runs=busy_runs))
        yield site.start()
    finally:
        site.close()


def timed(work: Callable[[], object]) -> float:
    """The duration of `work` in milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def p(percent: int, times: Times) -> float:
    """A percentile."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
