"""How soon pages can be used in a browser: Home, Runs, the inbox with 500 questions, and runs of any length.

A real server and headless Chromium, each time with nothing in its cache. A page is interactive when its scripts have
run and no task of over 50 ms is left. The server's time is that of the first byte.

    python -m tests.benchmarks.interactive [--runs 3000] [--database sqlite] [--loads 10]
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests import site_process
from tests.benchmarks.follow import FLAGS
from tests.benchmarks.run_pages import SIZES, STEPS_PER_TURN
from tests.conftest import HEADLESS_SHELL
from tests.live_site import LiveSite, clean_environment, prepare_data

GOAL_MS = 1_000
FILL_LIMIT_S = 1_800.0
FILL = """
from django.contrib.auth.models import User
from django.db import connection
from tests.benchmarks.pages import fill
from tests.long_run import add_long_run
fill({runs})
for steps in {sizes}:
    print(add_long_run("boss", turns=round(steps / {per_turn}))[0])
with connection.cursor() as cursor:
    cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
"""
WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => {
  window.longTasks.push(...list.getEntries().map((each) => each.startTime + each.duration));
}).observe({ type: "longtask", buffered: true });
"""
READ = """
() => {
  const { responseStart, domContentLoadedEventEnd } = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  return [responseStart, paint, Math.max(domContentLoadedEventEnd, ...window.longTasks)];
}
"""


@contextmanager
def filled_site(database: str, runs: int) -> Iterator[tuple[LiveSite, list[str]]]:
    """A server with so many runs, and the ids of the boss's long ones."""
    from tests.services import own_services

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentsite-bench-")))
        services = stack.enter_context(own_services()).environment if database == "postgres" else {}
        prepare_data(folder / "data")
        site = LiveSite(folder / "data", {"AGENTSITE_LOG_LEVEL": "ERROR", **services}).start()
        stack.callback(site.close)
        site.create_user("boss", staff=True, superuser=True)
        code = FILL.format(runs=runs, sizes=SIZES, per_turn=STEPS_PER_TURN)
        environment = clean_environment(site.data, site.environment)
        done = site_process.run(("shell", "--no-imports", "-c", code), environment, limit_s=FILL_LIMIT_S)
        assert done.returncode == 0, done.stderr
        yield site, done.stdout.split()


def measured(site: LiveSite, pages: Mapping[str, str], loads: int) -> Iterator[tuple[str, list[list[float]]]]:
    """By page: first byte, first paint and interactivity of each load, in milliseconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=HEADLESS_SHELL, args=FLAGS)
        for name, address in pages.items():
            yield name, [_load(browser, site, address) for _ in range(loads + 1)][1:]
        browser.close()


def _load(browser: Any, site: LiveSite, address: str) -> list[float]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 860})
    context.add_cookies([{"name": "sessionid", "value": site.session_of("boss"), "url": site.url}])
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(500)  # for tasks after the end of the load
    found: list[float] = page.evaluate(READ)
    context.close()
    return found


def main() -> None:
    """Load each page some times and print a table with the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only this database")
    parser.add_argument("--loads", type=int, default=10)
    options = parser.parse_args()
    for database in options.database or ("sqlite", "postgres"):
        with filled_site(database, options.runs) as (site, long_runs):
            sys.stdout.write(
                f"\n{database}, {options.runs:,} runs: first byte, first paint, interactive, its maximum in ms; "
                f"goal: under {GOAL_MS}\n"
            )
            pages = {"home": "/", "runs": "/runs/", "inbox, 500 questions": "/inbox/"}
            pages |= {f"run, {size:,} steps": f"/runs/{each}/" for size, each in zip(SIZES, long_runs, strict=True)}
            for name, times in measured(site, pages, options.loads):
                byte, paint, ready = (statistics.median(each) for each in zip(*times, strict=True))
                worst = max(each[2] for each in times)
                late = "  too slow" if worst > GOAL_MS else ""
                sys.stdout.write(f"  {name:22} {byte:8.0f} {paint:8.0f} {ready:8.0f} {worst:8.0f}{late}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
