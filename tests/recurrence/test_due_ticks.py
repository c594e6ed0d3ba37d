"""Which ticks launch after an outage, with which delay, and beside an earlier run."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runs.recurrence.cron import Recurrence
from runs.recurrence.due_ticks import MOST_COUNTED, ON_TIME, CatchUp, DueTicks, MissedTicks, Timing, due_ticks
from runs.recurrence.jitter import jitter_of
from runs.recurrence.overlap import MOST_WAITING, Action, Overlap, action_of
from tests.recurrence.wall_clock import CASES, END, ZONES, Case, read

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def hourly(**options) -> Timing:
    return Timing(recurrence=Recurrence("0 * * * *", "UTC"), key="a", **options)


def test_a_tick_that_is_due_launches_and_the_next_one_is_planned() -> None:
    for policy in CatchUp:
        assert due_ticks(hourly(catch_up=policy), NOON, NOON) == DueTicks(None, (NOON,), NOON + HOUR)


def test_nothing_is_due_a_second_before() -> None:
    assert due_ticks(hourly(), NOON, NOON - SECOND) == DueTicks(None, (), NOON)


def test_a_tick_is_on_time_for_ten_minutes_and_missed_after_that() -> None:
    timing = hourly(catch_up=CatchUp.NONE)

    assert due_ticks(timing, NOON, NOON + ON_TIME).launched == (NOON,)
    assert due_ticks(timing, NOON, NOON + ON_TIME + SECOND) == DueTicks(MissedTicks(NOON, NOON, 1), (), NOON + HOUR)


def test_after_an_outage_of_five_hours_each_policy_does_what_it_says() -> None:
    hours = [NOON + number * HOUR for number in range(6)]
    now = hours[4] + timedelta(minutes=30)

    found = {policy: due_ticks(hourly(catch_up=policy, most_caught_up=3), NOON, now) for policy in CatchUp}

    assert found[CatchUp.NONE] == DueTicks(MissedTicks(hours[0], hours[4], 5), (), hours[5])
    assert found[CatchUp.LATEST] == DueTicks(MissedTicks(hours[0], hours[3], 4), (hours[4],), hours[5])
    assert found[CatchUp.ALL] == DueTicks(MissedTicks(hours[0], hours[1], 2), tuple(hours[2:5]), hours[5])


def test_after_an_outage_that_ends_at_a_tick_that_tick_launches_also_without_catching_up() -> None:
    found = due_ticks(hourly(catch_up=CatchUp.NONE), NOON, NOON + 3 * HOUR + SECOND)

    assert found.launched == (NOON + 3 * HOUR,)
    assert found.missed == MissedTicks(NOON, NOON + 2 * HOUR, 3)


def test_the_missed_ticks_of_years_are_counted_to_a_limit() -> None:
    timing = Timing(recurrence=Recurrence("* * * * *", "Europe/Berlin"), key="a")

    found = due_ticks(timing, NOON, NOON + timedelta(days=3000))

    assert found.missed.count == MOST_COUNTED
    assert found.launched == (NOON + timedelta(days=3000),)


def test_no_tick_is_due_after_the_end() -> None:
    timing = hourly(ends_at=NOON + HOUR, catch_up=CatchUp.ALL, most_caught_up=100)

    assert due_ticks(timing, NOON, NOON + 9 * HOUR) == DueTicks(None, (NOON, NOON + HOUR), None)
    assert due_ticks(timing, NOON, NOON) == DueTicks(None, (NOON,), NOON + HOUR)
    assert timing.next_ticks(NOON - SECOND, 5) == [NOON, NOON + HOUR]


def test_a_tick_with_jitter_launches_at_its_own_delay_and_not_before() -> None:
    timing = hourly(jitter_s=1800)
    at = timing.launch_at(NOON)

    assert NOON <= at <= NOON + timedelta(minutes=30)
    assert due_ticks(timing, NOON, at - SECOND) == DueTicks(None, (), NOON)
    assert due_ticks(timing, NOON, at).launched == (NOON,)


def test_jitter_is_the_same_in_every_process_and_differs_between_schedules_and_ticks() -> None:
    delays = {
        (key, hour): jitter_of(key, NOON + hour * HOUR, most_s=3000, following=NOON + (hour + 1) * HOUR)
        for key in "abcdef"
        for hour in range(50)
    }

    assert jitter_of("a", NOON, most_s=3000, following=NOON + HOUR) == timedelta(seconds=130)
    assert len(set(delays.values())) > 250
    assert max(delays.values()) <= timedelta(seconds=3000) and min(delays.values()) >= timedelta()


def test_jitter_never_moves_a_tick_to_the_following_one() -> None:
    for number in range(200):
        delay = jitter_of(str(number), NOON, most_s=86_400, following=NOON + timedelta(minutes=1))
        assert delay <= timedelta(seconds=59)
    assert jitter_of("a", NOON, most_s=0, following=None) == timedelta()


@pytest.mark.parametrize(
    ("overlap", "is_at_work", "waiting", "action"),
    [
        (Overlap.SKIP, False, 0, Action.LAUNCH),
        (Overlap.SKIP, True, 0, Action.SKIP),
        (Overlap.QUEUE, False, 0, Action.LAUNCH),
        (Overlap.QUEUE, True, 0, Action.WAIT),
        (Overlap.QUEUE, False, 1, Action.WAIT),
        (Overlap.QUEUE, True, MOST_WAITING - 1, Action.WAIT),
        (Overlap.QUEUE, True, MOST_WAITING, Action.QUEUE_FULL),
        (Overlap.STOP, False, 0, Action.LAUNCH),
        (Overlap.STOP, True, 0, Action.STOP_AND_LAUNCH),
    ],
)
def test_a_tick_beside_an_earlier_run_does_what_the_policy_says(overlap, is_at_work, waiting, action) -> None:
    assert action_of(overlap, is_at_work=is_at_work, waiting=waiting) is action


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[5], CASES[10]], ids=lambda case: case.cron)
def test_over_two_years_with_outages_and_a_clock_that_jumps_each_tick_is_dealt_with_once(case: Case, zone: str) -> None:
    """The reading: of the ticks of the wall clock that have come due since the last look, the last ones launch.

    Each look is by a policy of its own, as if the schedule had been changed before it.
    """
    ticks, dice = read(case, zone), random.Random(f"{case.cron} {zone}")
    about: dict[str, Any] = {"recurrence": Recurrence(case.cron, zone), "key": "k", "jitter_s": 90}
    timings = {policy: Timing(**about, catch_up=policy, most_caught_up=4) for policy in CatchUp}
    next_tick, now, done = ticks[0], ticks[0] - HOUR, 0
    while next_tick < END - timedelta(days=14):
        # A look at the next tick, an outage, or a clock that was set back.
        wait = dice.choice([next_tick - now + timedelta(seconds=90), timedelta(hours=dice.randrange(300)), -3 * HOUR])
        now += wait
        catch_up, timing = dice.choice(list(timings.items()))
        due: list[datetime] = []
        while ticks[done + len(due)] <= now:
            due.append(ticks[done + len(due)])
        if due and timing.launch_at(due[-1]) > now:  # The one before launches before this one at the latest.
            due.pop()
        is_late = bool(due) and now - timing.launch_at(due[-1]) > timedelta(minutes=10)
        most = {CatchUp.NONE: 0 if is_late else 1, CatchUp.LATEST: 1, CatchUp.ALL: 4}[catch_up]
        launched = due[len(due) - min(most, len(due)) :]
        missed = due[: len(due) - len(launched)]

        found = due_ticks(timing, next_tick, now)

        assert list(found.launched) == launched
        assert (found.missed and (found.missed.first, found.missed.last, found.missed.count)) == (
            (missed[0], missed[-1], len(missed)) if missed else None
        )
        done += len(due)
        assert found.next_tick == ticks[done]
        next_tick = found.next_tick
