"""Two people decide the two calls of a turn at the same instant: the run is woken exactly once."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.fleet import Fleet
from tests.chaos.moves import wakes
from tests.chaos.size import size
from tests.chaos.verdict import assert_sound
from tests.visitor import Visitor

TURNS = size(short=5, full=100)


def test_two_people_who_decide_at_the_same_instant_wake_a_run_once(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    site = start_fleet()
    site.launch(*(f"pair r{number}" for number in range(TURNS)), agent="Careful")
    site.wait_until(lambda: site.statuses() == [("waiting", "approval")] * TURNS)
    calls = site.waiting_calls("awaiting_approval")
    together = threading.Barrier(2, timeout=30)

    def decide(visitor: Visitor, mine: list[tuple[str, str, str]]) -> list[int]:
        answers = []
        for run, call, shown in mine:
            together.wait()
            answers.append(visitor.post(f"/runs/{run}/calls/{call}/approve/", arguments_hash=shown)[0])
        return answers

    with site.visitor() as ada, Visitor(site.url) as grace, ThreadPoolExecutor(2) as people:
        grace.post("/accounts/login/", username="grace", password="a good long password")
        answers = list(people.map(decide, [ada, grace], [calls[0::2], calls[1::2]]))
    site.wait_until(site.all_ended)

    seen = site.evidence()
    woken = Counter(wakes(seen).values())
    jobs = Counter(Counter(move.run for move in seen.rows.moves if move.kind == "wake").values())
    report(
        "wake", f"{TURNS} turns decided by two people at once: runs by times woken {dict(woken)}, by jobs {dict(jobs)}"
    )
    assert answers == [[302] * TURNS] * 2
    assert woken == {1: TURNS}
    assert jobs == {2: TURNS}  # At its launch, and after the decisions.
    assert {run.epoch for run in seen.rows.runs} == {2}
    assert {run.status for run in seen.rows.runs} == {"completed"}
    assert_sound(seen)
