"""What it costs to evaluate 1,000 alert rules over 100,000 runs of a month, on both databases.

A round is timed as a host does it. "Whole" rounds are those in which rules with windows of 7 and 30 days have their
turn, each tenth; the others are "usual". Between two rounds some runs end, so that values change and are stored. The
load is the share of a core that rounds take, with the pauses that the rounds themselves ask for.

    python -m tests.benchmarks.alerts [--rules 1000] [--database sqlite]
"""

import argparse
import json
import random
import statistics
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.benchmarks.own_process import Figures, figures_of

RUNS = 100_000
PEOPLE = 50
AGENTS = 20
DAYS = 30
ROUNDS = 40
LIMIT_S = 1.0
MOST_LOAD = 0.01
CHUNK = 2_000


def fill(rules: int, now: datetime) -> None:
    """People, agents, runs of a month as wide as real ones, and rules of all kinds."""
    from django.contrib.auth.models import User

    from runs.models import Agent, AlertRule, Run

    chance = random.Random(7)
    people = User.objects.bulk_create(User(username=f"person-{n}", is_superuser=n < 2) for n in range(PEOPLE))
    agents = [Agent.objects.create(name=f"Agent {n}", model_names=["offline"]) for n in range(AGENTS)]
    config = {**agents[0].snapshot(), "instructions": "Look twice before you answer. " * 40}
    for begin in range(0, RUNS, CHUNK):
        made = []
        for _ in range(min(CHUNK, RUNS - begin)):
            at = now - timedelta(seconds=chance.random() * DAYS * 86_400)
            made.append(
                Run(
                    user=chance.choice(people), agent=chance.choice(agents), config=config, task="An order. " * 20,
                    answer="It is done. " * 40, status=chance.choice(["completed"] * 8 + ["failed", "cancelled"]),
                    active_ms=chance.randrange(90_000), cost=Decimal(chance.randrange(1, 9999)) / 100_000,
                    tokens_used=900, created_at=at, ended_at=at, next_sequence=2,
                )
            )  # fmt: skip
        Run.objects.bulk_create(made)
    windows, metrics = AlertRule.Window.values, AlertRule.Metric.values
    AlertRule.objects.bulk_create(
        AlertRule(
            user=people[n % PEOPLE], name=f"Rule {n}", metric=metrics[n % len(metrics)], alert_at=Decimal(50),
            window_s=chance.choice(windows), agent=chance.choice([None, *agents]), is_for_all=n % PEOPLE < 2,
        )
        for n in range(rules)
    )  # fmt: skip


def end_some(now: datetime) -> None:
    """Let a few runs end."""
    from runs.models import Run

    some = Run.objects.order_by("?").values_list("pk", flat=True)[:20]
    Run.objects.filter(pk__in=list(some)).update(ended_at=now)


def run_case(rules: int) -> dict[str, Figures]:
    """Measure in this process, on the database of the environment."""
    import django

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from runs.engine.alert_rules.rounds import SLOW_ROUNDS, do_round
    from runs.models import AlertRound

    now = timezone.now()
    fill(rules, now)
    connection.cursor().execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    taken: dict[str, list[float]] = {"usual": [], "whole": []}
    used = passed = 0.0
    for number in range(ROUNDS):
        end_some(now)
        began, cpu = time.perf_counter(), time.process_time()
        assert do_round(now) is not None
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        following: Any = AlertRound.objects.get().due_at
        if number:  # The first one writes the level of every rule.
            taken["usual" if number % SLOW_ROUNDS else "whole"].append(took)
            used, passed = used + spent, passed + (following - now).total_seconds()
        now = following
    figures = {name: {"p50_s": statistics.median(each), "max_s": max(each)} for name, each in taken.items() if each}
    return figures | {"load": {"share": used / passed, "pause_s": passed / (ROUNDS - 1)}}


def main() -> None:
    """Measure on both databases and print the figures with their goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, help="measure this many rules here and print JSON")
    parser.add_argument("--rules", type=int, default=1_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only this database")
    parser.add_argument("--requests", type=int, default=0, help="not used")
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case)) + "\n")
        return
    for database in options.database or ("sqlite", "postgres"):
        figures = figures_of("tests.benchmarks.alerts", database, options.rules, 0)
        load = figures.pop("load")
        sys.stdout.write(f"\n{database}, {options.rules:,} rules over {RUNS:,} runs; goal: under {LIMIT_S:g} s\n")
        for name, each in figures.items():
            slow = "  too slow" if each["max_s"] > LIMIT_S else ""
            sys.stdout.write(f"  a {name} round: p50 {each['p50_s']:.3f} s, max {each['max_s']:.3f} s{slow}\n")
        heavy = "  too much" if load["share"] > MOST_LOAD else ""
        sys.stdout.write(f"  {load['share']:.2%} of a core, a round each {load['pause_s']:.0f} s{heavy}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
