"""kill -9 at a random moment, start again: nothing is lost, nothing is done twice."""

import os
import random
import threading
import time
from collections.abc import Callable

import pytest

from tests.chaos.checker import FINAL, faults_in
from tests.chaos.site import ChaosSite

RUNS = 100
TRIES = int(os.environ.get("CHAOS_TRIES", "3"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 2**31)
CALLS = 7 * RUNS
"""About what 100 runs start when nothing is killed."""


@pytest.mark.parametrize("seed", [SEED + number for number in range(TRIES)])
def test_a_killed_server_loses_no_run_no_step_and_repeats_no_recorded_call(
    seed: int, start_chaos: Callable[[], ChaosSite]
):
    chance = random.Random(seed)
    moment, delay_s = chance.randrange(0, CALLS), chance.uniform(0, 0.03)
    print(f"CHAOS_SEED={seed}: killed after {moment} calls and {delay_s * 1000:.0f} ms")
    site = start_chaos()
    tasks = [f"work r{number}" for number in range(RUNS)]
    unanswered: list[str] = []
    launching = threading.Thread(target=lambda: unanswered.extend(site.launch(*tasks)))
    launching.start()

    site.wait_until(lambda: len(site.starts()) >= moment or is_over(site, launching))
    time.sleep(delay_s)  # Not a wait for anything: part of the random moment.
    site.kill()
    launching.join()
    before = site.rows()
    site.live.start()
    # Under another name: a launch without an answer may have been committed all the same.
    unanswered = site.launch(*(f"{task}-again" for task in unanswered))
    site.wait_until(lambda: all(status in FINAL for status, _ in site.statuses()))

    seen = site.evidence(before)
    assert unanswered == []
    assert len(seen.launched) == RUNS
    assert faults_in(seen) == []
    assert {run.status for run in seen.after.runs} == {"completed"}


def is_over(site: ChaosSite, launching: threading.Thread) -> bool:
    """True if everything was done before the moment came."""
    return not launching.is_alive() and all(status in FINAL for status, _ in site.statuses())
