"""E1, E5 and E10: workers that are killed, stopped, and suspended until another has taken over."""

import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.evidence import Witnessed
from tests.chaos.fleet import Fleet, Worker
from tests.chaos.size import REST_LIMIT_S, SEED, only_whole, size
from tests.chaos.verdict import assert_sound
from tests.chaos.witness import overlaps

KILLS = size(short=2, full=100)
RUNS = size(short=12, full=200)
LEASE_S = size(short=2, full=3)
AT_ONCE = size(short=8, full=12)
WIDEST_TURN = 3

ZOMBIES = 20
RUNS_OF_A_ZOMBIE = 4


def test_workers_killed_again_and_again_lose_no_run_no_step_and_repeat_no_recorded_call(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    chance = random.Random(SEED)
    site = start_fleet(
        workers=2, restarts=True, AGENTSITE_LEASE_S=str(LEASE_S), AGENTSITE_WORKER_RUNS=str(AT_ONCE), CHAOS_CALL_S="0.5"
    )
    site.launch(*(f"mixed r{number}" for number in range(RUNS)))
    site.viewers.watch(site.launched[:: RUNS // 5])

    for _ in range(KILLS):
        kill_one(site, chance)
    rested_in_s = site.wait_until(site.all_at_rest, limit_s=REST_LIMIT_S)
    undecided = site.stop_undecided()
    site.wait_until(lambda: site.all_ended() and site.viewers.are_done())
    codes = site.stop()

    seen = site.evidence(after=site.leftovers())
    poisoned = sum(step.kind == "error" for step in seen.rows.steps)
    report(
        "E1",
        f"{KILLS} kills of 2 workers (lease {LEASE_S} s), {len(seen.rows.runs)} runs, {len(seen.rows.steps)} steps, "
        f"{site.count_starts()} calls started for {len(seen.rows.calls)}: 0 lost, {undecided} outcomes unknown, "
        f"{poisoned} poisoned; all at rest {rested_in_s:.1f} s after the last kill",
    )
    assert_sound(seen)
    assert len(seen.launched) == RUNS
    assert undecided <= KILLS * WIDEST_TURN
    assert codes == [0, 0, 0]


def kill_one(site: Fleet, chance: random.Random) -> None:
    """Kill a worker at a random moment of its work.

    Some calls have ended since the last kill: a run that is lost three times without a new step is rightly given up.
    """
    worker = chance.choice(site.workers)
    moment = site.count_ends() + chance.randrange(AT_ONCE // 3, AT_ONCE * 5 // 3)
    site.wait_until(lambda: worker.is_at_work and (site.count_ends() >= moment or site.all_at_rest()))
    time.sleep(chance.uniform(0, 0.5))  # Part of the random moment.
    worker.process.kill()
    site.wait_until(lambda: not worker.is_at_work)


@only_whole
def test_a_worker_told_to_stop_hands_its_runs_over_and_none_fails_for_it(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    site = start_fleet(workers=2)
    leaving, staying = site.workers
    site.launch(*(f"mixed r{number}" for number in range(size(short=12, full=60))))
    site.allow("hold")
    site.wait_until(lambda: {line.pid for line in site.starts()} >= {leaving.process.pid, staying.process.pid})

    began_at = time.time()
    code = leaving.stop()
    took_s = time.time() - began_at
    site.forbid("hold")
    site.wait_until(site.all_at_rest)
    undecided = site.stop_undecided()

    seen = site.evidence()
    late = [line for line in site.starts() if line.pid == leaving.process.pid and line.at > began_at + 1]
    ends = Counter(run.status for run in seen.rows.runs)
    report("E5", f"SIGTERM to a worker: exit {code} after {took_s:.1f} s, then {dict(ends)}, {undecided} undecided")
    assert code == 0
    assert took_s <= 35
    assert late == []
    assert ends["failed"] == 0
    assert_sound(seen)


@only_whole
def test_a_worker_that_wakes_after_its_runs_were_taken_over_writes_nothing_and_starts_nothing(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    chance = random.Random(SEED)
    site = start_fleet(
        workers=2, AGENTSITE_LEASE_S=str(LEASE_S), AGENTSITE_WORKER_RUNS=str(RUNS_OF_A_ZOMBIE), CHAOS_CALL_S="0.5"
    )
    numbers, made = itertools.count(), 0
    while made < ZOMBIES:
        made += make_a_zombie(site, chance, next(numbers))
    undecided = site.stop_undecided()
    codes = site.stop()

    seen = site.evidence(after=site.leftovers())
    twice = [call for call in seen.rows.calls if call.effect == "unsafe" and call.id in overlaps(seen.witnessed)]
    takeovers = sum(move.epoch_now > move.epoch_was > 0 for move in seen.rows.moves)
    report(
        "E10",
        f"{ZOMBIES} workers stopped until another had their runs, and woken: {takeovers} runs taken over, "
        f"0 writes of zombies accepted, {len(twice)} unsafe calls at once, {undecided} outcomes unknown",
    )
    assert_sound(seen)
    assert [call for call in twice if call.state != "unknown"] == []
    assert takeovers >= ZOMBIES
    assert codes == [0, 0, 0]


def make_a_zombie(site: Fleet, chance: random.Random, number: int) -> bool:
    """Suspend a worker during its runs, let another take them over, and wake it; False if it had no runs left."""
    worker: Worker = chance.choice(site.workers)
    earlier = unfinished(site)  # Interrupted with an earlier zombie.
    site.launch(*(f"mixed z{number}-{each}" for each in range(2 * RUNS_OF_A_ZOMBIE)))
    site.wait_until(lambda: any(line.pid == worker.process.pid for line in unfinished(site) if line not in earlier))
    time.sleep(chance.uniform(0, 0.3))  # Part of the random moment.
    worker.process.send_signal(signal.SIGSTOP)
    had_runs = bool(hosted_by(site, worker))
    site.wait_until(lambda: not hosted_by(site, worker))
    worker.process.send_signal(signal.SIGCONT)
    site.wait_until(site.all_at_rest)
    return had_runs


def hosted_by(site: Fleet, worker: Worker) -> int:
    """The number of the worker's runs, by the rows."""
    with site.ask() as query:
        ((count,),) = query(f"SELECT count(*) FROM runs_run WHERE owner LIKE 'host-{worker.process.pid}-%'")
    return int(count)


def unfinished(site: Fleet) -> list[Witnessed]:
    """Starts of calls without an end."""
    ended = {(line.call, line.pid) for line in site.witnessed() if line.event == "end"}
    return [line for line in site.starts() if (line.call, line.pid) not in ended]
