"""Cost of slow readers: the server's memory, and the delay of another user meanwhile.

A real server and a hundred connections of each kind (sockets that acknowledge what they never read, dashboards that
request everything again, AG-UI streams, exports, pages of the API, large pages, slow uploads), each kind alone and then
all at once, of one user. Another user requests `/healthz`, launches runs and opens a run's page all the while.

    python -m tests.benchmarks.hold
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from tests.hostile.battery import MOST_GROWTH_MIB, Figures, attack, warm_up
from tests.hostile.readers import KINDS
from tests.hostile.site import prepare
from tests.live_site import LiveSite, prepare_data

GOALS_S = {"healthz": 1.0, "launch": 1.0, "page": 2.0}


def main() -> None:
    """Print a line for each attack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=100, help="connections of each kind")
    parser.add_argument("--hold", type=float, default=20, help="seconds of each attack")
    parser.add_argument("--unread", type=int, default=10, help="seconds until what is not read is closed")
    parser.add_argument("--steps", type=int, default=10_000, help="of the long run, 3 KB each")
    parser.add_argument("--kinds", nargs="*", default=[*KINDS, "all"], choices=[*KINDS, "all"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="agentsite-bench-"))
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    try:
        prepare_data(folder / "site")
        for kind in options.kinds:
            figures = measured(folder, kind, options)
            print(f"{figures} {verdict(figures)}", flush=True)
    finally:
        shutil.rmtree(folder)


def measured(folder: Path, kind: str, options: argparse.Namespace) -> Figures:
    """One attack on a server of its own."""
    data = folder / "served"
    shutil.copytree(folder / "site", data)
    site = LiveSite(data, {"AGENTSITE_UNREAD_LIMIT_S": str(options.unread)})
    try:
        person = prepare(site.start(), steps=options.steps)
        warm_up(site, person)
        kinds = list(KINDS) if kind == "all" else [kind]
        return attack(site, person, kinds, each=options.each, hold_s=options.hold)
    finally:
        site.close()


def verdict(figures: Figures) -> str:
    """`ok`, or the missed goals."""
    late = [what for what, p99 in figures.p99_s.items() if p99 > GOALS_S[what]]
    missed = [*late, *(["growth"] if figures.growth > MOST_GROWTH_MIB else []), *([] if figures.is_back else ["after"])]
    return f"MISSED {', '.join(missed)}" if missed else "ok"


if __name__ == "__main__":
    main()
