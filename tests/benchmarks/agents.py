"""How long the pages of an agent take with 1,000 versions, 500 templates and 10,000 runs, on both databases; and what a
launch costs, by the current version, by number and by label.

A request goes through the whole site in this process, which is set up as `serve` sets up its own. A launch is counted
in calls of Python functions: they are the same in every run of the benchmark, other than its time.

    python -m tests.benchmarks.agents [--versions 1000] [--requests 60]
"""

import argparse
import json
import random
import statistics
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.benchmarks.own_process import Figures, become_a_server, figures_of, times_of

GOAL_MS = 300
RUNS = 10_000
TEMPLATES = 500
LAUNCHES = 20
LINES = 60
"""Of the instructions, of which each version changes one."""
PAGES = {
    "agents": "/agents/",
    "the agent": "/agents/{id}/",
    "its editor": "/agents/{id}/edit/",
    "versions": "/agents/{id}/versions/",
    "versions, late": "/agents/{id}/versions/?before=60",
    "a version": "/agents/{id}/versions/500/",
    "compare neighbours": "/agents/{id}/compare/?from=500&to=501",
    "compare first and last": "/agents/{id}/compare/?from=1&to={last}",
    "launch form": "/runs/new/?agent=Clerk",
    "runs of a version": "/runs/?agent=Clerk&version=500",
    "export as YAML": "/agents/{id}/export/?format=yaml",
    "API: versions": "/api/v1/agents/{id}/versions?limit=100",
    "API: diff": "/api/v1/agents/{id}/diff?before=1&after={last}",
}


def fill(versions: int) -> Any:
    """An agent with so many versions, a label, templates and runs."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from runs.engine import control
    from runs.models import Agent, Run, TaskTemplate

    chance, now = random.Random(7), timezone.now()
    boss = User.objects.create_superuser("boss")
    lines = [f"Rule {number}: look twice before you answer." for number in range(LINES)]
    agent = Agent(name="Clerk", model_names=["offline"], tools=["calculator", "current_time"])
    for number in range(1, versions + 1):
        lines[number % LINES] = f"Rule {number}: mind what changed in step {number}."
        agent.instructions, agent.max_turns = "\n".join(lines), 5 + number % 30
        agent.save(by=boss, message=f"Step {number}")
    control.set_label(agent.pk, "production", max(versions // 2, 1), by=boss)
    TaskTemplate.objects.bulk_create(
        TaskTemplate(agent=agent, name=f"Report {n}", task="About {{ topic }}.", inputs=[{"name": "topic"}])
        for n in range(TEMPLATES)
    )
    config = agent.snapshot()
    Run.objects.bulk_create(
        Run(
            user=boss, agent=agent, version=chance.randint(1, versions), config=config, task=f"Order {n}",
            status="failed" if n % 9 == 0 else "completed", next_sequence=2, answer="Done.",
            tokens_used=900, cost=round(chance.expovariate(50), 6), created_at=now - timedelta(minutes=7 * n),
        )
        for n in range(RUNS)
    )  # fmt: skip
    return agent


def calls_of(act: Callable[[], Any]) -> int:
    """The calls of Python functions that `act` makes."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def launch_calls(agent: Any, user: Any) -> dict[str, int]:
    """By what a launch names: the median of the calls of a launch."""
    from runs.engine import control

    found = {}
    for name, version in {"current version": "", "by number": "3", "by label": "production"}.items():

        def launch(version: str = version) -> None:
            control.launch(user=user, task="What is 17 * 23?", agent=agent, version=version)

        launch()
        found[name] = int(statistics.median(calls_of(launch) for _ in range(LAUNCHES)))
    return found


def run_case(versions: int, requests: int) -> dict[str, Figures]:
    """Measure in this process, on the database of the environment."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from runs.management.startup import collect_static_files

    settings.ALLOWED_HOSTS = ["*"]
    collect_static_files()
    agent = fill(versions)
    connection.cursor().execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    boss = User.objects.get(username="boss")
    calls = launch_calls(agent, boss)
    client = Client()
    client.force_login(boss)
    become_a_server()
    figures: dict[str, Figures] = {"launch": {name: float(count) for name, count in calls.items()}}
    for name, address in PAGES.items():

        def ask(address: str = address.format(id=agent.pk, last=versions)) -> None:
            assert client.get(address).status_code == 200

        taken = times_of(ask, requests)
        cuts = statistics.quantiles(taken.others, n=100, method="inclusive")
        figures[name] = {"first_ms": taken.first, "p50_ms": cuts[49], "p99_ms": cuts[98]}
    return figures


def main() -> None:
    """Measure on both databases and print a table with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, help="measure this many versions here and print JSON")
    parser.add_argument("--versions", type=int, default=1_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only this database")
    parser.add_argument("--requests", type=int, default=60)
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case, options.requests)) + "\n")
        return
    for database in options.database or ("sqlite", "postgres"):
        figures = figures_of("tests.benchmarks.agents", database, options.versions, options.requests)
        launch = ", ".join(f"{name} {count:,.0f}" for name, count in figures.pop("launch").items())
        sys.stdout.write(f"\n{database}, calls of a launch: {launch}\n")
        sys.stdout.write(f"{database}, {options.versions:,} versions, ms; goal: p99 under {GOAL_MS}\n")
        sys.stdout.write(f"  {'':30} {'first':>8} {'p50':>8} {'p99':>8}\n")
        for name, each in figures.items():
            shown = " ".join(f"{each[figure]:8.1f}" for figure in ("first_ms", "p50_ms", "p99_ms"))
            sys.stdout.write(f"  {name:30} {shown}{'  too slow' if each['p99_ms'] > GOAL_MS else ''}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
