"""10,000 schedules that are due in one minute: how fast they launch, how pages answer meanwhile, their cost when idle.

A real server, with a worker beside it on Postgres. The schedules are yearly, of 20 people, and all due at the same
minute; their runs are those of the offline planner, and the host executes them meanwhile. Pages are asked for over
HTTP from this process by three people, each one page after the other: until all are launched, and then for a while, in
which the runs that wait are executed. A tick's latency is from its due time to its row.

    python -m tests.benchmarks.schedules [--schedules 10000] [--idle-s 60] [--then-s 60]
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.chaos.fleet import Worker
from tests.live_site import LiveSite, manage, prepare_data
from tests.services import Services, own_services, why_not
from tests.visitor import Visitor

PEOPLE = 20
GOAL_PAGE_MS = 250.0
GOAL_IDLE_PERCENT = 1.0
GIVEN_UP_AFTER_S = 900.0
PAGES = {"runs": "/runs/", "home": "/", "schedules": "/schedules/"}
WITHOUT_LIMITS = {"AGENTSITE_LAUNCHES_PER_MINUTE": "1000000", "AGENTSITE_MAX_QUEUED": "1000000"}
MAKE = """
from datetime import datetime
from django.contrib.auth.models import User
from runs.models import Agent, Schedule
due = datetime.fromisoformat({due!r})
people = [User.objects.get_or_create(username=f"person-{{n}}")[0] for n in range({people})]
agent = Agent.objects.get(is_default=True)
cron = f"{{due.minute}} {{due.hour}} {{due.day}} {{due.month}} *"
rows = [
    Schedule(user=people[n % {people}], name=f"Report {{n}}", agent=agent, task="What is 17 * 23?", when=cron,
             cron=cron, time_zone="UTC", catch_up="none", next_tick_at=due, launch_at=due)
    for n in range({schedules})
]
Schedule.objects.bulk_create(rows, batch_size=500)
"""
LAUNCHED = "SELECT COUNT(*) FROM runs_scheduletick WHERE state <> 'missed'"
ENDED = "SELECT COUNT(*) FROM runs_run WHERE ended_at IS NOT NULL"
TICKS = "SELECT due_at, created_at FROM runs_scheduletick"

Query = Callable[..., list[tuple[Any, ...]]]


class Site:
    """The processes of one case, and their database."""

    def __init__(self, web: LiveSite, query: Query, workers: tuple[Worker, ...] = ()) -> None:
        self.web, self.query, self.workers = web, query, workers

    def cpu_s(self) -> float:
        """Seconds that all processes have used so far."""
        pids = [self.web.process.pid, *(worker.process.pid for worker in self.workers)]
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def make(self, schedules: int, due: datetime) -> None:
        """Make the schedules."""
        self.web.ask(MAKE.format(due=due.isoformat(), people=PEOPLE, schedules=schedules))

    def make_due(self, due: datetime) -> None:
        """Let all of them be due then."""
        cron = f"{due.minute} {due.hour} {due.day} {due.month} *"
        self.query("UPDATE runs_schedule SET cron = %s, next_tick_at = %s, launch_at = %s", cron, due, due)


class Viewers:
    """People who ask for one page after the other, each from a thread."""

    def __init__(self, site: LiveSite) -> None:
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        """Milliseconds by page."""
        self._site = site
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._look, args=(name, site.session_of(name))) for name in PAGES]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join()

    def _look(self, page: str, session: str) -> None:
        with Visitor(self._site.url, session=session) as person:
            while not self._over.wait(0.2):
                began = time.perf_counter()
                status, _text = person.get(PAGES[page])
                assert status == 200, f"{page} was answered with {status}."
                self.times[page].append((time.perf_counter() - began) * 1000)


def create_viewers(web: LiveSite) -> None:
    """Make the people, each named for the page that they look at."""
    for name in PAGES:
        web.create_user(name, superuser=True)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Site]:
    """A server on SQLite."""
    data = folder / "data"
    prepare_data(data)
    web = LiveSite(data, WITHOUT_LIMITS)
    create_viewers(web)
    database = data / "agentsite.sqlite3"

    def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        texts = [_text(value) if isinstance(value, datetime) else value for value in values]
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            return list(connection.execute(sql.replace("%s", "?"), texts))

    try:
        yield Site(web.start(), query)
    finally:
        web.close()


@contextmanager
def on_postgres(folder: Path) -> Iterator[Site]:
    """A server and a worker on Postgres."""
    with own_services() as services:
        environment = services.environment | WITHOUT_LIMITS
        data = folder / "data"
        prepare_data(data)
        assert manage("migrate", "-v0", data=data, environment=environment).returncode == 0
        web = LiveSite(data, environment)
        create_viewers(web)
        worker = Worker("worker", data, environment, restarts=False)
        try:
            web.start()
            worker.start()
            yield Site(web, _postgres_query(services), (worker,))
        finally:
            worker.close()
            web.close()


def _postgres_query(services: Services) -> Query:
    def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(services.database_url) as connection:
            done = connection.execute(sql, values)
            return list(done.fetchall()) if done.description else []

    return query


def measure(site: Site, schedules: int, *, idle_s: float, then_s: float) -> None:
    """Print the figures of one case."""
    print(f"  idle without schedules: {idle(site, idle_s):.2f} % of a core")
    site.make(schedules, datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=300))
    cost = idle(site, idle_s)
    print(f"  idle with {schedules}: {cost:.2f} % of a core (goal: {GOAL_IDLE_PERCENT:g} % more)")
    due = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
    site.make_due(due)
    with Viewers(site.web) as before:
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    with Viewers(site.web) as meanwhile:
        until_s = _wait_until_launched(site, schedules, due)
    print(f"  all launched after {until_s:.1f} s: {schedules / until_s:.0f} a second", flush=True)
    with Viewers(site.web) as afterwards:
        had_ended, began = site.query(ENDED)[0][0], time.monotonic()
        time.sleep(then_s)
        ended = site.query(ENDED)[0][0] - had_ended
    rate = ended / (time.monotonic() - began)
    print(f"  {had_ended} runs had ended then, and {ended} in {then_s:g} s afterwards: {rate:.0f} a second")
    late = [(_moment(created) - _moment(due_at)).total_seconds() for due_at, created in site.query(TICKS)]
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    print(f"  tick latency: p50 {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s")
    for page in PAGES:
        print(f"  {page:10} before {told(before.times[page])}, meanwhile {told(meanwhile.times[page])}")
    for when, viewers in {"until all are launched": meanwhile, "afterwards": afterwards}.items():
        every = [each for times in viewers.times.values() for each in times]
        print(f"  all pages {when}: {told(every)} (goal: p99 under {GOAL_PAGE_MS:.0f} ms)", flush=True)


def idle(site: Site, seconds: float) -> float:
    """Percent of a core that the processes use while nothing is asked for."""
    time.sleep(10)
    before, began = site.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return (site.cpu_s() - before) / (time.monotonic() - began) * 100


def told(times: list[float]) -> str:
    """Percentiles."""
    if len(times) < 2:
        return f"{times}"
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return f"p50 {cuts[49]:.0f}, p99 {cuts[98]:.0f} ms of {len(times)}"


def _wait_until_launched(site: Site, schedules: int, due: datetime) -> float:
    give_up_at = time.monotonic() + GIVEN_UP_AFTER_S
    while (launched := site.query(LAUNCHED)[0][0]) < schedules:
        if time.monotonic() > give_up_at:
            print(f"  GIVEN UP with {launched} of {schedules}")
            return GIVEN_UP_AFTER_S
        time.sleep(0.5)
    return (datetime.now(UTC) - due).total_seconds()


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def _moment(stored: Any) -> datetime:
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def main() -> None:
    """Print the figures of both databases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--idle-s", type=float, default=60.0, help="how long the idle cost is measured")
    parser.add_argument("--then-s", type=float, default=60.0, help="how long pages are asked for after the launches")
    parser.add_argument("--on", choices=("sqlite", "postgres"), nargs="*", default=["sqlite", "postgres"])
    options = parser.parse_args()
    for name, case in {"sqlite": on_sqlite, "postgres": on_postgres}.items():
        if name not in options.on:
            continue
        if name == "postgres" and (reason := why_not()):
            print(f"postgres: not measured: {reason}")
            continue
        folder = Path(tempfile.mkdtemp(prefix="agentsite-bench-"))
        print(f"{name}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
        try:
            with case(folder) as site:
                measure(site, options.schedules, idle_s=options.idle_s, then_s=options.then_s)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
