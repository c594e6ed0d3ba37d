"""Lighthouse's scores of sign-in, Home, Runs, a run and the launch page, as a desktop and as a phone.

Lighthouse 12 comes from npm into a folder of its own; a score is a share of 100, and the goal is 95 in each category.

    python -m tests.benchmarks.lighthouse [--rounds 3]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import npm
from tests.conftest import CHROMIUM
from tests.live_site import ROOT, LiveSite, prepare_data

FILES = [ROOT / "tests" / "lighthouse" / name for name in ("package.json", "package-lock.json", ".npmrc")]
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
GOAL = 95
FORMS = {"desktop": ["--preset=desktop"], "phone": []}
LIMIT_S = 180.0


def main() -> int:
    """Print a line for each page and form. Returns 1 if a score misses the goal, 2 if Lighthouse cannot run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the median counts")
    options = parser.parse_args()
    if CHROMIUM is None:
        print("There is no Chromium: run `make browser`, or name one in CHROMIUM.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="agentsite-lighthouse-") as folder:
        if reason := npm.try_install(FILES, Path(folder)):
            print(f"Lighthouse: {reason}", file=sys.stderr)
            return 2
        return measure(Path(folder), options.rounds)


def measure(folder: Path, rounds: int) -> int:
    """Score all pages of a new site in both forms. Returns 1 if a score misses the goal."""
    prepare_data(folder / "data")
    site = LiveSite(folder / "data").start()
    missed = 0
    try:
        site.create_user("ada", staff=True, superuser=True)
        for name, (address, signed_in) in pages(site).items():
            for form, flags in FORMS.items():
                cookie = f"sessionid={site.session_of('ada')}" if signed_in else ""
                found = [reported(folder, site.url + address, cookie, flags) for _ in range(rounds)]
                scores = {each: round(statistics.median(one[each][0] for one in found)) for each in CATEGORIES}
                missed += sum(score < GOAL for score in scores.values())
                print(f"{name:8} {form:8} {line(scores, found[-1])}", flush=True)
    finally:
        site.close()
    return int(missed > 0)


def pages(site: LiveSite) -> dict[str, tuple[str, bool]]:
    """Address of each page, and whether somebody is signed in there."""
    done = site.manage("run_agent", "What is 17 * 23 and what is 2**10?", "--user", "ada", "--json")
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout.splitlines()[-1])["id"]
    return {
        "sign-in": ("/accounts/login/", False),
        "home": ("/", True),
        "runs": ("/runs/", True),
        "run": (f"/runs/{run_id}/", True),
        "launch": ("/runs/new/", True),
    }


def reported(folder: Path, url: str, cookie: str, flags: list[str]) -> dict[str, tuple[float, list[str]]]:
    """By category: the score, and the titles of the audits that failed."""
    command = [
        "node", str(folder / "node_modules" / "lighthouse" / "cli" / "index.js"), url, "--quiet", "--output=json",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu", f"--only-categories={','.join(CATEGORIES)}",
        *flags, *([f"--extra-headers={json.dumps({'Cookie': cookie})}"] if cookie else []),
    ]  # fmt: skip
    environment = {**os.environ, "CHROME_PATH": str(CHROMIUM)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    report = json.loads(done.stdout)
    return {name: found_in(report, name) for name in CATEGORIES}


def found_in(report: Mapping[str, Any], category: str) -> tuple[float, list[str]]:
    """Score of a category, and what its weighted audits found."""
    about = report["categories"][category]
    audits = [report["audits"][each["id"]] for each in about["auditRefs"] if each["weight"]]
    failed = [f"{each['id']} ({each['title']})" for each in audits if each["score"] is not None and each["score"] < 0.9]
    return about["score"] * 100, failed


def line(scores: Mapping[str, int], last: Mapping[str, tuple[float, list[str]]]) -> str:
    """The scores, and what was found where one misses the goal."""
    words = "  ".join(f"{name} {score:3}" for name, score in scores.items())
    return words + "".join(f"\n    {name}: {found}" for name, (_, found) in last.items() if scores[name] < GOAL)


if __name__ == "__main__":
    sys.exit(main())
