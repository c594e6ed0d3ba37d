"""How long the list of threads takes with 10,000 threads, and the page of a thread of 10,000 runs, on both databases.

Each thread has three runs; one in ten is starred, one in ten archived, one in twenty has a title of its own. A request
goes through the whole site in this process, which is set up as `serve` sets up its own.

    python -m tests.benchmarks.threads [--threads 10000] [--requests 60]
"""

import argparse
import json
import random
import statistics
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.benchmarks.own_process import Figures, become_a_server, figures_of, times_of

GOAL_MS = 300
RUNS_OF_A_THREAD = 3
LONG_RUNS = 10_000
LONG = uuid.UUID(int=7)
LISTS = {
    "all": "/threads/",
    "starred": "/threads/?show=starred",
    "archived": "/threads/?show=archived",
    "by title": "/threads/?sort=title",
    "by cost": "/threads/?sort=-cost",
    "oldest first": "/threads/?sort=started",
    "search, found": "/threads/?q=invoice",
    "search, title": "/threads/?q=Distances+900",
    "search, not there": "/threads/?q=zebra+crossing",
    "API": "/api/v1/threads?limit=50",
}
WORDS = ("invoice", "returns", "stock", "weather", "report", "refund", "price", "order")


def fill(threads: int) -> None:
    """Threads of two people, and a long one."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from runs.models import Run, Step, Thread, ThreadStar

    chance, now = random.Random(7), timezone.now()
    people = [User.objects.create_superuser("boss"), User.objects.create_user("ada")]
    made = list(_runs(threads, chance, now, people))
    for start in range(0, len(made), 2_000):
        batch = Run.objects.bulk_create(made[start : start + 2_000])
        Step.objects.bulk_create(
            Step(run=run, sequence=1, epoch=1, kind="answer", content=run.answer, html=f"<p>{run.answer}</p>")
            for run in batch
        )
    ids = [run.pk for run in made if run.thread == run.pk]
    rows = Thread.objects.bulk_create(
        Thread(id=pk, title=f"Distances {n}" if n % 20 == 3 else "", archived_at=now if n % 10 == 1 else None)
        for n, pk in enumerate(ids)
        if n % 10 in (0, 1, 3)
    )
    ThreadStar.objects.bulk_create(ThreadStar(thread=row, user=people[0]) for row in rows[::3])


def _runs(threads: int, chance: random.Random, now: Any, people: list[Any]) -> Iterator[Any]:
    for number in range(threads):
        first = uuid.UUID(int=chance.getrandbits(128), version=4)
        begun = now - timedelta(minutes=5 * number)
        yield from _conversation(first, RUNS_OF_A_THREAD, begun, timedelta(minutes=1), people[number % 2], chance)
    yield from _conversation(LONG, LONG_RUNS, now - timedelta(days=40), timedelta(minutes=5), people[0], chance)


def _conversation(
    first: uuid.UUID, runs: int, begun: Any, pause: timedelta, person: Any, chance: random.Random
) -> Iterator[Any]:
    from runs.models import Run

    before = None
    for place in range(runs):
        pk, at = uuid.UUID(int=chance.getrandbits(128), version=4) if place else first, begun + place * pause
        task = f"{' '.join(chance.choices(WORDS, k=9))} {place}"
        yield Run(
            id=pk, user=person, continues_id=before, thread=first, task=task,
            config={"agent": "Assistant", "models": ["local/m1"]}, status="completed", next_sequence=2, active_ms=900,
            answer="It is done. " * chance.randint(3, 80), tokens_used=chance.randint(200, 9_000),
            cost=round(chance.expovariate(50), 6), created_at=at, started_at=at, ended_at=at + timedelta(seconds=9),
        )  # fmt: skip
        before = pk


def run_case(threads: int, requests: int) -> dict[str, Figures]:
    """Measure the pages in this process, on the database of the environment."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from runs.management.startup import collect_static_files
    from runs.models import Run

    settings.ALLOWED_HOSTS = ["*"]
    collect_static_files()
    fill(threads)
    connection.cursor().execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    client = Client()
    client.force_login(User.objects.get(username="boss"))
    become_a_server()
    last = Run.objects.filter(thread=LONG).order_by("-created_at").values_list("pk", flat=True)[0]
    long = {
        "long thread": f"/threads/{LONG}/",
        "long thread, one run": f"/threads/{LONG}/runs/{last}/",
        "long thread, page of the run": f"/runs/{last}/",
    }
    figures: dict[str, Figures] = {}
    for name, address in (LISTS | long).items():

        def ask(address: str = address) -> None:
            assert client.get(address).status_code == 200

        taken = times_of(ask, requests)
        cuts = statistics.quantiles(taken.others, n=100, method="inclusive")
        figures[name] = {"first_ms": taken.first, "p50_ms": cuts[49], "p99_ms": cuts[98]}
    return figures


def main() -> None:
    """Measure on both databases and print a table with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, help="measure this many threads here and print JSON")
    parser.add_argument("--threads", type=int, default=10_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only this database")
    parser.add_argument("--requests", type=int, default=60)
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case, options.requests)) + "\n")
        return
    for database in options.database or ("sqlite", "postgres"):
        sys.stdout.write(f"\n{database}, {options.threads:,} threads, ms; goal: p99 under {GOAL_MS}\n")
        sys.stdout.write(f"  {'':30} {'first':>8} {'p50':>8} {'p99':>8}\n")
        for name, each in figures_of("tests.benchmarks.threads", database, options.threads, options.requests).items():
            shown = " ".join(f"{each[figure]:8.1f}" for figure in ("first_ms", "p50_ms", "p99_ms"))
            sys.stdout.write(f"  {name:30} {shown}{'  too slow' if each['p99_ms'] > GOAL_MS else ''}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
