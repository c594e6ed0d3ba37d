"""Recurring times read off a clock on the wall, minute by minute: the rules of `docs/schedules.md`, independently."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # moves its clocks by half an hour
    "Asia/Kolkata",  # has no summer time
    "America/Havana",  # leaves out midnight
    "Africa/Cairo",  # likewise, on another day
    "Pacific/Auckland",
    "Africa/Casablanca",  # has winter time in Ramadan
)
ANY_DAY: Callable[[date], bool] = lambda _day: True  # noqa: E731 - a name for the cases below


@dataclass(frozen=True)
class Case:
    """A cron expression, and what its author means."""

    cron: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    is_day: Callable[[date], bool] = ANY_DAY
    follows_the_clock: bool = False
    """Minute or hour begin with `*`."""


def last_day(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def has_changes(day: date) -> bool:
    """True in the months in which a zone changes its clocks."""
    return day.month in {2, 3, 4, 9, 10, 11}


ALL_HOURS = tuple(range(24))
CASES = (
    Case("30 2 * * *", (30,), (2,)),
    Case("0 0 * * *", (0,), (0,)),
    Case("15,45 1-3 * * *", (15, 45), (1, 2, 3)),
    Case("*/20 0-3 * 2-4,9-11 *", (0, 20, 40), (0, 1, 2, 3), has_changes, follows_the_clock=True),
    Case("5 * * 2-4,9-11 *", (5,), ALL_HOURS, has_changes, follows_the_clock=True),
    Case("0 */6 * * *", (0,), (0, 6, 12, 18), follows_the_clock=True),
    Case("30 9 * * 1-5", (30,), (9,), lambda day: day.weekday() < 5),
    Case("0 12 1,15 * *", (0,), (12,), lambda day: day.day in {1, 15}),
    Case("0 8 * * 1#1", (0,), (8,), lambda day: day.weekday() == 0 and day.day <= 7),
    Case("59 23 L * *", (59,), (23,), last_day),
    Case("0 7 13 * 5", (0,), (7,), lambda day: day.day == 13 or day.weekday() == 4),
)


@cache
def read(case: Case, zone: str) -> list[datetime]:
    """The times of two years, in UTC. Not to be changed."""
    found = _as_shown(case, zone) if case.follows_the_clock else _once_a_day(case, zone)
    return sorted({moment for moment in found if BEGIN < moment < END})


def _as_shown(case: Case, zone: str) -> Iterator[datetime]:
    """Every moment at which the clock shows one of the times. In these zones the clocks are changed at full halves of
    an hour, by full halves of an hour."""
    tz, moment, half = ZoneInfo(zone), BEGIN, timedelta(minutes=30)
    while moment < END:
        shown = moment.astimezone(tz)
        if shown.hour in case.hours and case.is_day(shown.date()):
            for minute in case.minutes:
                if 0 <= minute - shown.minute < 30:
                    yield moment + timedelta(minutes=minute - shown.minute)
        moment += half


def _once_a_day(case: Case, zone: str) -> Iterator[datetime]:
    """Each time of each day once: the first of two, and the end of the gap for one that is left out."""
    tz, day = ZoneInfo(zone), date(2025, 12, 31)
    while day < date(2028, 1, 2):
        for hour in case.hours if case.is_day(day) else ():
            for minute in case.minutes:
                yield _first_moment(datetime.combine(day, time(hour, minute)), tz)
        day += timedelta(days=1)


def _first_moment(shown: datetime, tz: ZoneInfo) -> datetime:
    while True:
        moment = shown.replace(tzinfo=tz).astimezone(UTC)
        if moment.astimezone(tz).replace(tzinfo=None) == shown:
            return moment
        shown += timedelta(minutes=1)
