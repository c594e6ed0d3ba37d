"""Two simulated years of ticks in the database: Sundays at 02:30, in the months when clocks are changed, by every
policy and zone.

Each zone meets each overlap and each catch-up, and each pair of those is met in two or three zones: what is done with a
due time does not depend on its zone. The due times of all zones are tried in tests/recurrence/test_cron.py.

A run takes hours or days, and now and then no process looks for weeks. The reading keeps its own account, of the times
on the wall clock.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from runs.engine.schedules import sweep_schedules
from runs.models import Run, Schedule
from tests.recurrence.wall_clock import BEGIN, ZONES, Case, read

SUNDAYS = Case("30 2 * 3,4,9,10,11 0", (30,), (2,), lambda day: day.weekday() == 6 and day.month in {3, 4, 9, 10, 11})
MOST = 3
OVERLAPS, CATCH_UPS = ("skip", "queue", "stop"), ("none", "latest", "all")


@dataclass
class Account:
    """What has to be in the history of one schedule."""

    overlap: str
    catch_up: str
    ticks: list[datetime]
    states: dict[datetime, str] = field(default_factory=dict)
    """By due time; of missed ticks by each of them."""
    at_work: list[datetime] = field(default_factory=list)

    def look(self, now: datetime) -> None:
        """Do what is due."""
        due = [tick for tick in self.ticks if tick <= now and tick not in self.states]
        is_late = bool(due) and now - due[-1] > timedelta(minutes=10)
        launches = {"none": 0 if is_late else 1, "latest": 1, "all": MOST}[self.catch_up]
        for number, tick in enumerate(due):
            if number < len(due) - launches:
                self.states[tick] = "missed"
            elif self.overlap == "stop":
                self.states |= dict.fromkeys(self.at_work, "cancelled")
                self.states[tick], self.at_work = "at_work", [tick]
            elif not self.at_work and "waiting" not in self.states.values():
                self.states[tick], self.at_work = "at_work", [tick]
            else:
                self.states[tick] = "skipped" if self.overlap == "skip" else "waiting"

    def end_runs(self) -> None:
        """The run at work has ended; the first that waits is next."""
        self.states |= dict.fromkeys(self.at_work, "succeeded")
        self.at_work = [tick for tick, state in sorted(self.states.items()) if state == "waiting"][:1]
        self.states |= dict.fromkeys(self.at_work, "at_work")


def history(schedule: Schedule, ticks: list[datetime]) -> Iterator[tuple[datetime, str]]:
    """The state of each due time, missed ones told apart again."""
    for tick in schedule.ticks.order_by("due_at"):
        until = tick.missed_until or tick.due_at
        yield from ((each, tick.state) for each in ticks if tick.due_at <= each <= until)


@pytest.mark.parametrize("turn", range(3))
def test_over_two_years_in_eight_zones_each_tick_is_what_the_rules_say(scheduled, settings, turn):
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1_000_000
    dice = random.Random(turn)
    accounts = {}
    for number, zone in enumerate(ZONES):
        ticks = read(SUNDAYS, zone)
        overlap, catch_up = OVERLAPS[(number + turn) % 3], CATCH_UPS[(number // 3 + turn) % 3]
        about = {"when": SUNDAYS.cron, "time_zone": zone, "overlap": overlap, "catch_up": catch_up}
        schedule = scheduled(ticks[0], name=zone, most_caught_up=MOST, stop_after=None, **about)
        accounts[schedule] = Account(overlap, catch_up, ticks)

    now = BEGIN
    while now < BEGIN + timedelta(days=720):
        # A look soon after the ticks of a night, an hour of another day, an outage of weeks, or a clock set back.
        weeks = dice.choice([0, 0, 0, 0, 1, 2, 9])
        now += dice.choice(
            [timedelta(minutes=7), timedelta(hours=9), timedelta(days=2 + 7 * weeks), -timedelta(hours=5)]
        )
        sweep_schedules(now)
        for account in accounts.values():
            account.look(now)
        if dice.random() < 0.4:
            Run.objects.unfinished().update(status="completed", waiting_for="", owner=None, ended_at=now)
            sweep_schedules(now)
            for account in accounts.values():
                account.end_runs()

    for schedule, account in accounts.items():
        assert list(history(schedule, account.ticks)) == sorted(account.states.items()), schedule.name
        assert schedule.runs.count() == sum(
            state not in ("missed", "skipped", "waiting") for state in account.states.values()
        )
