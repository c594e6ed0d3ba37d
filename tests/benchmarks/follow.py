"""A run followed in a browser: 20 steps a second until they are painted, 100 tokens a second until they are shown.

A real server, whose model says at what time it said its words (`stamped.py`), and headless Chromium on the same clock.
`painted` ends after the frame in which the words are on the page. Of a step the time is also taken from its arrival
at the browser: the part that grows with the page.

    python -m tests.benchmarks.follow [--steps 10000] [--tokens 3000]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import HEADLESS_SHELL
from tests.live_site import LiveSite, prepare_data

PAINT_GOAL_MS, TOKEN_GOAL_MS, MOST_CARDS = 100, 50, 500
STEPS_OF_A_TURN = 3
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH = """
from django.contrib.auth.models import User
from runs.engine import control
overrides = {{"models": [{model!r}], "max_turns": 1_000_000, "max_duration_s": 7200}}
print(control.launch(user=User.objects.get(username="ada"), task="Follow me.", overrides=overrides).pk)
"""
WATCH = """
(() => {
  const seen = new Set(), now = () => performance.timeOrigin + performance.now();
  let arrived = 0;
  window.bench = { shown: [], painted: [], costs: [], cards: 0 };
  window.WebSocket = class extends WebSocket {
    constructor(...asked) {
      super(...asked);
      this.addEventListener("message", () => { arrived = performance.now(); });
    }
  };
  const afterPaint = (act) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = act;
    channel.port2.postMessage(0);
  });
  const look = (text) => {
    const at = now(), began = arrived || performance.now(), fresh = [];
    for (const [, stamp] of text.matchAll(/t=(\\d{19})/g)) {
      if (seen.has(stamp)) continue;
      seen.add(stamp);
      fresh.push(Number(stamp) / 1e6);
    }
    arrived = 0;
    window.bench.shown.push(...fresh.map((stamp) => at - stamp));
    if (fresh.length) afterPaint(() => {
      const painted = now();
      window.bench.painted.push(...fresh.map((stamp) => painted - stamp));
      window.bench.costs.push(performance.now() - began);
      const cards = document.querySelectorAll("[data-step-list] [data-step-seq]").length;
      window.bench.cards = Math.max(window.bench.cards, cards);
    });
  };
  addEventListener("DOMContentLoaded", () => {
    const replies = document.querySelector("[data-replies]");
    new MutationObserver(() => look(replies.textContent.slice(-8000))).observe(
      replies, { subtree: true, childList: true, characterData: true });
    new MutationObserver((changes) => {
      const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.matches?.("*"));
      look(added.map((node) => node.textContent).join(" "));
    }).observe(document.querySelector("[data-step-list]"), { subtree: true, childList: true });
  });
})()
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """What the browser saw, in milliseconds."""

    shown: list[float]
    """From words to the page."""
    painted: list[float]
    """From words to the end of their frame."""
    costs: list[float]
    """From an arrival at the browser to the end of its frame."""
    cards: int
    """The most cards at a time."""
    took_s: float


def follow(environment: dict[str, str], model: str) -> Followed:
    """Launch a run of the model, and follow it to its end."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="agentsite-bench-") as folder, sync_playwright() as playwright:
        prepare_data(Path(folder) / "data")
        tools = {"AGENTSITE_TOOLS": "tests.benchmarks.stamped", "AGENTSITE_LOG_LEVEL": "ERROR"}
        site = LiveSite(Path(folder) / "data", tools | environment).start()
        browser = playwright.chromium.launch(executable_path=HEADLESS_SHELL, args=FLAGS)
        try:
            site.create_user("ada")
            context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 860})
            context.add_cookies([{"name": "sessionid", "value": site.session_of("ada"), "url": site.url}])
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(f"/runs/{site.ask(LAUNCH.format(model=model))}/")
            began = time.monotonic()
            page.wait_for_selector("#run-state[data-ended]", timeout=3_600_000)
            took_s = time.monotonic() - began
            page.wait_for_timeout(500)
            seen: dict[str, Any] = page.evaluate("window.bench")
            return Followed(**seen, took_s=took_s)
        finally:
            browser.close()
            site.close()


def cuts(times: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    found = statistics.quantiles(times, n=100, method="inclusive")
    return found[49], found[98]


def report(name: str, times: Sequence[float], goal: str = "") -> None:
    """A line of the table."""
    p50, p99 = cuts(times)
    sys.stdout.write(f"  {name:34} {p50:7.1f} {p99:7.1f} {max(times):7.1f}   {goal}\n")
    sys.stdout.flush()


def main() -> None:
    """Follow a run of many steps, then a long reply, and print a table with the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--tokens", type=int, default=3_000)
    options = parser.parse_args()
    if options.steps:
        turns = options.steps // STEPS_OF_A_TURN
        run = follow({"AGENTSITE_BENCH_TURNS": str(turns)}, "stamped/steps")
        rate = STEPS_OF_A_TURN * turns / run.took_s
        sys.stdout.write(f"{turns * STEPS_OF_A_TURN:,} steps, {rate:.1f} a second: p50, p99 and maximum in ms\n")
        report("said → painted", run.painted)
        report("arrived → painted", run.costs, f"goal: p99 under {PAINT_GOAL_MS}")
        sys.stdout.write(f"  most cards {run.cards} (goal: {MOST_CARDS}); {len(run.shown)} of {turns} turns seen\n")
    if options.tokens:
        run = follow({"AGENTSITE_BENCH_TOKENS": str(options.tokens)}, "stamped/tokens")
        sys.stdout.write(f"{options.tokens:,} tokens, 100 a second: p50, p99 and maximum in ms\n")
        report("token → page", run.shown, f"goal: p50 at most {TOKEN_GOAL_MS}")
        report("token → painted", run.painted)
        sys.stdout.write(f"  {len(run.shown)} of {options.tokens} tokens seen in the making\n")


if __name__ == "__main__":
    main()
