"""E34: processes die while ticks of schedules are due: each has one row, and launches what its rules say, once.

The checker of the other experiments tells runs by their tasks, which those of one schedule share: rows are judged here.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED, size

SCHEDULES = size(short=6, full=30)
TICKS = size(short=8, full=20)
"""Of each schedule, all due at the beginning."""
TOGETHER = size(short=60, full=300)
"""Schedules with one due tick each: those are launched in batches."""
BOUNDARIES = ("tick", "launch", "claim", "finish", "cancel", "cancel_asked")
MOST_KILLS = size(short=6, full=60)
REACHED_IN_S = 3.0
"""How long a boundary may not be reached before the process is killed where it is."""
OVERLAPS = ("queue", "skip", "stop")
COLUMNS = (
    'id, user_id, agent_id, name, version, task, "when", cron, time_zone, jitter_s, overlap, catch_up, most_caught_up, '
    "ends_at, stop_after, state, state_note, state_changed_at, next_tick_at, launch_at, runs_launched, failures, "
    "created_at, updated_at"
)
Tick = tuple[Any, ...]
pytestmark = pytest.mark.usefixtures("forked")


@dataclass(frozen=True)
class Plan:
    """What is due of a schedule."""

    overlap: str
    due: list[datetime]


def test_a_server_that_dies_again_and_again_does_each_tick_once(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    report("E34", f"SQLite: {tick(start_chaos())}")


def test_workers_that_die_again_and_again_do_each_tick_once(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    report("E34", f"Postgres, 2 workers: {tick(start_fleet(workers=2, AGENTSITE_LEASE_S='1'))}")


def tick(site: Attacked) -> str:
    """Let all ticks be due while processes die; returns the figures."""
    chance = random.Random(SEED)
    due = _due_times()
    plans = {uuid4().hex: Plan(OVERLAPS[number % len(OVERLAPS)], due) for number in range(SCHEDULES)}
    plans |= {uuid4().hex: Plan(OVERLAPS[number % len(OVERLAPS)], due[-1:]) for number in range(TOGETHER)}
    _insert(site, plans)
    kills, hits = _die_until(site, lambda: _is_over(site), chance)
    site.wait_until(lambda: _is_over(site) and site.all_ended(), limit_s=180)

    ticks = _ticks_of(site)
    faults = _faults(site, plans, ticks)
    assert not faults, "\n".join([f"{len(faults)} faults (CHAOS_SEED={SEED})", *faults[:20]])
    assert kills
    states = Counter(state for _schedule, _due_at, state, _run in ticks)
    told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    return f"{len(ticks)} ticks of {len(plans)} schedules ({told}), {kills} kills ({hits} at a commit): 0 lost, 0 twice"


def _due_times() -> list[datetime]:
    last = datetime.now(UTC).replace(second=0, microsecond=0)
    return [last - timedelta(minutes=number) for number in reversed(range(TICKS))]


def _insert(site: Attacked, plans: dict[str, Plan]) -> None:
    """Schedules whose ticks are all due, and which end with the last of them. Committed at once."""
    now = _text(datetime.now(UTC))
    with site.ask() as query:
        ((user,),) = query("SELECT MIN(id) FROM auth_user")
        ((agent,),) = query("SELECT MIN(id) FROM runs_agent WHERE is_default")
        rows = ", ".join(
            f"('{pk}', {user}, {agent}, 'Schedule {number}', '', 'work_pure plain-schedule{number}', '* * * * *', "
            f"'* * * * *', 'UTC', 0, '{plan.overlap}', 'all', 100, '{_text(plan.due[-1])}', NULL, 'active', '', "
            f"'{now}', "
            f"'{_text(plan.due[0])}', '{_text(plan.due[0])}', 0, 0, '{now}', '{now}')"
            for number, (pk, plan) in enumerate(plans.items())
        )
        query(f"INSERT INTO runs_schedule ({COLUMNS}) VALUES {rows} RETURNING id")
        if isinstance(site, ChaosSite):
            query("COMMIT")


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def _die_until(site: Attacked, is_over: Callable[[], bool], chance: random.Random) -> tuple[int, int]:
    """Make processes die, at a boundary or where they are; returns how many died, and how many of them at one."""
    kills = hits = 0
    while not is_over() and kills < MOST_KILLS:
        time.sleep(chance.uniform(0, 0.3))  # Part of the random moment.
        # The first ones where a tick is committed: it is soon over.
        boundary = "tick" if kills < 2 else chance.choice(BOUNDARIES)
        site.arm(f"{chance.choice(('before', 'after'))}_{boundary}")
        try:
            site.wait_for_a_death(limit_s=REACHED_IN_S)
        except TimeoutError:
            site.disarm()
            if not isinstance(site, ChaosSite):
                if is_over():
                    break
                continue
            site.kill()
        else:
            hits += 1
        kills += 1
        site.disarm()
        site.start()
    return kills, hits


def _is_over(site: Attacked) -> bool:
    """True if nothing is due, waits, or is at work."""
    with site.ask() as query:
        ((active,),) = query("SELECT COUNT(*) FROM runs_schedule WHERE state = 'active'")
        ((open_ticks,),) = query("SELECT COUNT(*) FROM runs_scheduletick WHERE state IN ('waiting', 'at_work')")
    return bool(active == open_ticks == 0)


def _ticks_of(site: Attacked) -> list[Tick]:
    with site.ask() as query:
        rows = query("SELECT schedule_id, due_at, state, run_id FROM runs_scheduletick ORDER BY schedule_id, due_at")
    return [(UUID(str(schedule)).hex, _moment(due_at), state, run) for schedule, due_at, state, run in rows]


def _moment(stored: Any) -> datetime:
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _faults(site: Attacked, plans: dict[str, Plan], ticks: list[Tick]) -> list[str]:
    """Lost and doubled ticks and runs, and ticks that did not do what the overlap policy says."""
    found = []
    with site.ask() as query:
        launched = Counter(UUID(str(pk)).hex for (pk,) in query("SELECT schedule_id FROM runs_run"))
        ((alone,),) = query("SELECT COUNT(*) FROM runs_run WHERE id NOT IN (SELECT run_id FROM runs_scheduletick)")
    if alone:
        found.append(f"{alone} runs have no tick")
    for schedule, plan in plans.items():
        overlap, due = plan.overlap, plan.due
        own = [each for each in ticks if each[0] == schedule]
        if [due_at for _schedule, due_at, _state, _run in own] != due:
            found.append(f"{schedule}: {len(own)} ticks, not the {len(due)} that were due")
        with_run = sum(run is not None for *_rest, run in own)
        if with_run != launched[schedule]:
            found.append(f"{schedule}: {with_run} ticks with a run, {launched[schedule]} runs")
        states = {state for _schedule, _due_at, state, _run in own}
        allowed = {"queue": {"succeeded"}, "skip": {"succeeded", "skipped"}, "stop": {"succeeded", "cancelled"}}
        if not states <= allowed[overlap] | {"failed"}:
            found.append(f"{schedule} ({overlap}): its ticks are {states}")
        if overlap in ("queue", "stop") and with_run != len(due):
            found.append(f"{schedule} ({overlap}): {with_run} of {len(due)} ticks launched")
    return found
