"""How long lists of runs, the first page, the inbox and the tools take with 3,000 and 100,000 runs, on both databases.

Each request goes through the whole site in this process, which is set up as `serve` sets up its own. Beside it, in the
same run, stands the raw query that reads what the page must read: the difference is what the page costs besides. The
first request, and the most of one request that the garbage collector took, tell what the interpreter adds.

    python -m tests.benchmarks.pages [--runs 100000] [--requests 60]
"""

import argparse
import json
import os
import random
import statistics
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.benchmarks.own_process import Figures, become_a_server, figures_of, times_of

GOAL_MS = 300
SIZES = (3_000, 100_000)
STEPS = 4
CALLS = 3
TEMPLATES = 10_000
PEOPLE = 20
PAGES = {
    "home": ("/", ""),
    "inbox, 500 questions": ("/inbox/", ""),
    "all": ("/runs/", "SELECT * FROM runs_run ORDER BY created_at DESC, id DESC LIMIT 51"),
    "failed": (
        "/runs/?status=failed",
        "SELECT * FROM runs_run WHERE status = 'failed' ORDER BY created_at DESC, id DESC LIMIT 51",
    ),
    "agent, 7 days": ("/runs/?agent=Assistant&when=7d", ""),
    "person, cost": ("/runs/?owner=person-3&cost_min=0.01", ""),
    "by cost": ("/runs/?sort=-cost", "SELECT id FROM runs_run ORDER BY coalesce(cost, -1) DESC, id DESC LIMIT 51"),
    "by time": ("/runs/?sort=-time", "SELECT id FROM runs_run ORDER BY active_ms DESC, id DESC LIMIT 51"),
    "search, found": ("/runs/?q=invoice", ""),
    "search, not there": ("/runs/?q=zebra+crossing", ""),
    "view: failed today": ("/runs/?view=failed-today", ""),
    "error": ("/runs/?status=failed&error=auth&when=7d", ""),
    "groups of errors": ("/runs/?group=error", ""),
    "no match": ("/runs/?status=cancelled&agent=Nobody+used", ""),
    "templates": ("/templates/", "SELECT id FROM runs_tasktemplate ORDER BY name, id LIMIT 25"),
    "templates, found": ("/templates/?q=report+99", ""),
    "templates, not there": ("/templates/?q=zebra+crossing", ""),
    "templates, late": ("/templates/?after=Weekly+report+9900&id=1", ""),
    "templates of an agent": ("/templates/?agent=Coder", ""),
    "new run": ("/runs/new/", ""),
    "tools": (
        "/tools/",
        "SELECT tool_name, state, count(*) FROM runs_toolcall WHERE ended_at IS NOT NULL GROUP BY tool_name, state",
    ),
    "a tool": ("/tools/calculator/", ""),
}
"""By name: the address, and the raw query beside it."""
TASKS = (
    "Send the invoice of order 2026-{n}",
    "Summarise the returns policy for customer {n}",
    "Check A-{n} for Ms Peeters in Ghent: stock, price with VAT and delivery weather, then reserve 5 pieces",
    "Draft the weekly report: open orders, late deliveries, refunds above {n} EUR, and three sentences",
    "Why does the checkout test {n} fail? Find the cause and propose a fix",
)
ERRORS = ("401 not authorised: the key was refused", "Could not reach down after 3 attempts", "rate limited (429)")


def fill(runs: int) -> None:
    """Runs of 20 people over 60 days with four steps and three calls each; some go on, and some wait."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from runs.models import Agent, Run

    chance, now = random.Random(7), timezone.now()
    people = User.objects.bulk_create(User(username=f"person-{n}") for n in range(PEOPLE))
    agents = [Agent.objects.get(is_default=True), *(Agent.objects.create(name=n) for n in ("Coder", "Nobody used"))]
    made = list(_runs(runs, chance, now, people, agents[:2]))
    for start in range(0, runs, 2000):
        batch = Run.objects.bulk_create(made[start : start + 2000])
        _add_steps(batch, chance)
        _add_calls(batch, chance)
    _add_questions(people, agents[0], chance, now)
    _add_templates(agents[:2])


def _add_templates(agents: list[Any]) -> None:
    from runs.models import TaskTemplate

    inputs = [{"name": name, "type": "text", "required": True} for name in ("topic", "reader", "tone")]
    for start in range(0, TEMPLATES, 1000):
        TaskTemplate.objects.bulk_create(
            TaskTemplate(
                agent=agents[n % 2],
                name=f"Weekly report {n}",
                description=f"Open orders and late deliveries of region {n}, in three sentences",
                task="Write about {{ topic }} for {{ reader }}, {{ tone }}." * 20,
                inputs=inputs,
            )
            for n in range(start, start + 1000)
        )


def _add_calls(runs: list[Any], chance: random.Random) -> None:
    """Calls that have ended, most of them of few tools."""
    import uuid

    from runs.agent.tools.registry import registered_tools
    from runs.models import ToolCall

    tools = list(registered_tools())
    weights = [1 / place for place in range(1, len(tools) + 1)]
    ended = [run for run in runs if run.status not in ("idle", "waiting")]
    ToolCall.objects.bulk_create(
        ToolCall(call_id=uuid.uuid4(), run=run, turn=1, index=index, tool_name=chance.choices(tools, weights)[0],
                 arguments={"text": "a"}, arguments_hash="0" * 64, epoch=1, started_at=run.created_at,
                 state=chance.choices(("succeeded", "failed"), (9, 1))[0],
                 ended_at=run.created_at + timedelta(seconds=chance.expovariate(2)))
        for run in ended
        for index in range(CALLS)
    )  # fmt: skip


def _add_questions(people: list[Any], agent: Any, chance: random.Random, now: Any) -> None:
    """250 runs with two questions each, some of them alike."""
    import uuid

    from runs.models import Run, Step, ToolCall

    runs = Run.objects.bulk_create(
        Run(user=chance.choice(people), agent=agent, config={"agent": agent.name}, task=TASKS[0].format(n=n), epoch=1,
            status="waiting", waiting_for="approval", next_sequence=STEPS + 1, created_at=now - timedelta(seconds=n))
        for n in range(250)
    )  # fmt: skip
    _add_steps(runs, chance)
    Step.objects.filter(run__in=runs).update(turn=1)
    asked = ((run, index, *each) for run in runs for index, each in enumerate(_questions(chance)))
    ToolCall.objects.bulk_create(
        ToolCall(call_id=uuid.uuid4(), run=run, turn=1, index=index, tool_name=tool, arguments=arguments,
                 arguments_hash="0" * 64, state="awaiting_approval", epoch=1,
                 expires_at=now + timedelta(hours=chance.randint(1, 48)))
        for run, index, tool, arguments in asked
    )  # fmt: skip


def _questions(chance: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    yield "send_invoice", {"order": f"2026-{chance.randint(1, 999)}"}
    yield f"tool_{chance.randint(1, 40)}", {"to": "a"}


def _runs(count: int, chance: random.Random, now: Any, people: list[Any], agents: list[Any]) -> Iterator[Any]:
    from runs.models import Run

    for number in range(count):
        at = now - timedelta(days=60) * (number / count) - timedelta(seconds=chance.random())
        status = chance.choices(("completed", "failed", "cancelled"), (83, 14, 3))[0]
        if number < 40:
            status = chance.choice(("waiting", "idle"))
        took, agent = chance.expovariate(0.1), chance.choice(agents)
        error = {"code": "auth", "message": chance.choice(ERRORS)} if status == "failed" else None
        yield Run(
            user=chance.choice(people),
            agent=agent,
            config={"agent": agent.name, "models": ["local/m1"]},
            task=chance.choice(TASKS).format(n=number),
            status=status,
            waiting_for="approval" if status == "waiting" else "",
            next_sequence=STEPS + 1,
            active_ms=int(took * 1000),
            answer="It is done. " * chance.randint(3, 80) if status == "completed" else "",
            error=error,
            severity="error" if error else "",
            tokens_used=chance.randint(200, 9000),
            cost=None if chance.random() < 0.1 else round(chance.expovariate(50), 6),
            created_at=at,
            started_at=at,
            ended_at=at + timedelta(seconds=took) if status not in ("waiting", "idle") else None,
        )


def _add_steps(runs: list[Any], chance: random.Random) -> None:
    from runs.models import Step

    words = ["stock", "price", "order", "customer", "delivery", "weather", "piece", "article", "page", "report"]
    Step.objects.bulk_create(
        Step(run=run, sequence=n, epoch=1, kind="reasoning", content=" ".join(chance.choices(words, k=40)),
             started_at=run.created_at, ended_at=run.created_at)
        for run in runs
        for n in range(1, STEPS + 1)
    )  # fmt: skip


def run_case(runs: int, requests: int) -> dict[str, Figures]:
    """Measure all pages in this process, on the database of the environment, as someone who sees everybody's runs."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client

    from runs.management.startup import collect_static_files

    settings.ALLOWED_HOSTS = ["*"]
    collect_static_files()
    fill(runs)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    site = Client()
    site.force_login(User.objects.create_superuser("boss"))
    become_a_server()

    def page(address: str) -> None:
        cache.clear()  # Nothing that was counted before helps.
        assert site.get(address).status_code == 200

    def raw(query: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(query)
            cursor.fetchall()

    figures: dict[str, Figures] = {}
    for name, (address, query) in PAGES.items():
        taken = times_of(lambda address=address: page(address), requests)  # type: ignore[misc]
        cuts = statistics.quantiles(taken.others, n=100, method="inclusive")
        collected = max(taken.collections)
        figures[name] = {"first_ms": taken.first, "p50_ms": cuts[49], "p99_ms": cuts[98], "gc_ms": collected}
        if query:
            alone = times_of(lambda query=query: raw(query), 15)  # type: ignore[misc]
            figures[name]["raw_ms"] = statistics.median(alone.others)
    return figures


def main() -> None:
    """Measure each size on both databases and print a table with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, help="measure this many runs here and print JSON")
    parser.add_argument("--runs", type=int, action="append", help="only this many runs")
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only this database")
    parser.add_argument("--requests", type=int, default=60)
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case, options.requests)) + "\n")
        return
    for database in options.database or ("sqlite", "postgres"):
        for runs in options.runs or SIZES:
            sys.stdout.write(f"\n{database}, {runs:,} runs in ms; goal: p99 under {GOAL_MS}\n")
            sys.stdout.write(f"  {'':22} {'first':>8} {'p50':>8} {'p99':>8} {'raw':>8}   most of a request for gc\n")
            for name, each in figures_of("tests.benchmarks.pages", database, runs, options.requests).items():
                raw = f"{each['raw_ms']:8.1f}" if "raw_ms" in each else "       –"
                late = "  too slow" if each["p99_ms"] > GOAL_MS else ""
                sys.stdout.write(f"  {name:22} {_row(each)} {raw} {each['gc_ms']:8.1f}{late}\n")
            sys.stdout.flush()


def _row(figures: Figures) -> str:
    return " ".join(f"{figures[name]:8.1f}" for name in ("first_ms", "p50_ms", "p99_ms"))


if __name__ == "__main__":
    main()
