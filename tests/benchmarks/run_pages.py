"""How long the pages about one run take with 10, 1,000 and 10,000 steps, on SQLite and on Postgres.

Each request goes through the whole site in this process.

    python -m tests.benchmarks.run_pages [--requests 60]
"""

import argparse
import json
import statistics
import sys

from tests.benchmarks.own_process import Figures, become_a_server, figures_of, times_of
from tests.benchmarks.pages import GOAL_MS

SIZES = (10, 1_000, 10_000)
STEPS_PER_TURN = 3.05
PAGES = {
    "steps": "",
    "steps in the middle": "?at={middle}",
    "step opened": "?step={middle}",
    "errors only": "?only=errors",
    "timeline": "?view=timeline",
    "timeline, next rows": "timeline/?after={middle}",
    "settings used": "?view=settings",
    "step": "steps/{middle}/",
    "step, around": "steps/{middle}/?tab=around",
    "search, found": "search/?q=shelf+3",
    "search, not there": "search/?q=zebra",
    "shape": "shape/",
    "next error": "jump/?only=errors&after={middle}",
}
"""Addresses below the run's, by name."""


def run_case(steps: int, requests: int) -> dict[str, Figures]:
    """Measure all pages in this process, on the database of the environment."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from runs.management.startup import collect_static_files
    from runs.web import step_search
    from tests.long_run import add_long_run

    settings.ALLOWED_HOSTS = ["*"]
    collect_static_files()
    owner = User.objects.create_user("owner")
    run_id, count = add_long_run("owner", turns=round(steps / STEPS_PER_TURN))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    site = Client()
    site.force_login(owner)
    become_a_server()

    def page(address: str) -> None:
        assert site.get(f"/runs/{run_id}/{address.format(middle=count // 2)}", follow=True).status_code == 200

    figures: dict[str, Figures] = {}
    for name, address in PAGES.items():
        taken = times_of(lambda address=address: page(address), requests)  # type: ignore[misc]
        cuts = statistics.quantiles(taken.others, n=100, method="inclusive")
        figures[name] = {"p50_ms": cuts[49], "p99_ms": cuts[98]}
    step_search.SEARCH_S = 60  # type: ignore[misc]
    whole = times_of(lambda: page("search/?q=zebra"), max(5, requests // 6)).others
    figures["search, without a limit"] = {"p50_ms": statistics.median(whole), "p99_ms": max(whole)}
    return figures


def main() -> None:
    """Measure each size on both databases and print a table with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, help="measure this many steps here and print JSON")
    parser.add_argument("--steps", type=int, action="append", help="only this many steps")
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only this database")
    parser.add_argument("--requests", type=int, default=60)
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case, options.requests)) + "\n")
        return
    for database in options.database or ("sqlite", "postgres"):
        for steps in options.steps or SIZES:
            sys.stdout.write(f"\n{database}, {steps:,} steps: p50 and p99 in ms; goal: p99 under {GOAL_MS}\n")
            for name, each in figures_of("tests.benchmarks.run_pages", database, steps, options.requests).items():
                late = "  too slow" if each["p99_ms"] > GOAL_MS else ""
                sys.stdout.write(f"  {name:24} {each['p50_ms']:8.1f} {each['p99_ms']:8.1f}{late}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
