"""E4: kill -9 of the only process, again and again, during full load."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.chaos.site import ChaosSite
from tests.chaos.size import REST_LIMIT_S, SEED, size
from tests.chaos.verdict import assert_sound

KILLS = size(short=2, full=100)
RUNS = size(short=16, full=200)
AT_ONCE = 12
MOST_CALLS_A_LIFE = 26
WATCHED = 5
RECOVERED_IN_S = 5.0


def test_a_server_killed_again_and_again_loses_no_run_no_step_and_repeats_no_recorded_call(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    chance = random.Random(SEED)
    site = start_chaos(AGENTSITE_MAX_RUNS=str(AT_ONCE))
    tasks = [f"mixed r{number}" for number in range(RUNS)]
    recoveries = []

    for kill in range(KILLS):
        wave = tasks[: RUNS // KILLS]
        tasks = tasks[len(wave) :] + live_once(site, wave, chance)
        lost = orphans(site)
        site.start()
        recoveries.append(site.wait_until(partial(all_claimed, site, lost)))
        if kill < WATCHED:
            site.viewers.watch(site.launched[-1:])
    unanswered = site.launch(*tasks)
    ended_in_s = site.wait_until(site.all_at_rest, limit_s=REST_LIMIT_S)
    undecided = site.stop_undecided()
    site.wait_until(lambda: site.all_ended() and site.viewers.are_done())

    seen = site.evidence()
    poisoned = sum(step.kind == "error" for step in seen.rows.steps)
    report(
        "E4",
        f"{KILLS} kills of the embedded server, {len(seen.rows.runs)} runs, {len(seen.rows.steps)} steps, "
        f"{len(site.starts())} calls started for {len(seen.rows.calls)}: 0 lost, {undecided} outcomes unknown, "
        f"{poisoned} poisoned; every run claimed again at most {max(recoveries):.1f} s after the site was up, "
        f"median {median(recoveries):.1f} s; all at rest {ended_in_s:.1f} s after the last start",
    )
    assert_sound(seen)
    assert unanswered == []
    assert len(seen.launched) == RUNS
    assert undecided <= KILLS * AT_ONCE
    assert max(recoveries) <= RECOVERED_IN_S


def live_once(site: ChaosSite, wave: list[str], chance: random.Random) -> list[str]:
    """Launch during full load, and kill the site at a random moment; returns the tasks to be launched again.

    Under another name: a launch without a response may have been committed all the same. Some calls have ended since
    the last kill.
    """
    moment = site.count_ends() + chance.randrange(AT_ONCE // 2, MOST_CALLS_A_LIFE)
    delay_s = chance.uniform(0, 0.03)
    with ThreadPoolExecutor(1) as launcher:
        launching = launcher.submit(site.launch, *wave)
        site.wait_until(lambda: site.count_ends() >= moment or (launching.done() and site.all_at_rest()))
        time.sleep(delay_s)  # Part of the random moment.
        site.kill()
        return [f"{task}-again" for task in launching.result()]


def orphans(site: ChaosSite) -> dict[str, int]:
    """The runs a killed host held, with their epochs, without suspects, which are tried one by one."""
    with site.ask() as query:
        return dict(query("SELECT id, epoch FROM runs_run WHERE owner IS NOT NULL AND crashes = 0"))


def all_claimed(site: ChaosSite, orphaned: dict[str, int]) -> bool:
    """True if every one of them was claimed again."""
    with site.ask() as query:
        claimed = {run for run, epoch in query("SELECT id, epoch FROM runs_run") if epoch > orphaned.get(run, epoch)}
    return claimed >= orphaned.keys()


def median(values: list[float]) -> float:
    """The middle value."""
    return sorted(values)[len(values) // 2]
