"""The week to come: when the schedules that a person sees launch, day by day in one time zone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice, takewhile
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from runs.languages import page_language
from runs.models import Schedule
from runs.recurrence.cron import RecurrenceRefused, checked_zone
from runs.recurrence.descriptions import description_of

DAYS: Final = 7
MOST_SCHEDULES: Final = 100
"""Those that launch soonest."""
MOST_TICKS: Final = 28
"""Of a schedule in a week: one with more stands above the days, with what it is in words."""
SHOWN_AT_ONCE: Final = 3
"""Schedules of one time that are named at once; the others unfold."""


@dataclass(frozen=True, slots=True)
class WeekSlot:
    """The schedules that launch at one time."""

    time: str
    schedules: list[Schedule] = field(default_factory=list)

    @property
    def first(self) -> list[Schedule]:
        """Those that are named at once."""
        return self.schedules[:SHOWN_AT_ONCE]

    @property
    def others(self) -> list[Schedule]:
        """Those that unfold."""
        return self.schedules[SHOWN_AT_ONCE:]


@dataclass(frozen=True, slots=True)
class WeekDay:
    """One day, and what launches on it in the order of time."""

    day: date
    slots: list[WeekSlot]

    @property
    def name(self) -> str:
        """The weekday and the date."""
        return f"{date_format(self.day, 'D')}, {date_format(self.day, 'SHORT_DATE_FORMAT')}"


@dataclass(frozen=True, slots=True)
class ScheduleWeek:
    """What a page shows of a week."""

    zone: str
    zones: list[str]
    """Those to choose from: of the schedules, and of the site."""
    days: list[WeekDay]
    often: list[tuple[Schedule, str]]
    """Those with many ticks, each with when it runs in words."""
    is_cut: bool
    """True if there are more schedules than are shown."""


def week_of(seen: "QuerySet[Schedule]", asked_zone: str, now: datetime) -> ScheduleWeek:
    """The next seven days from `now`, today first. A zone that is not known is that of most of the schedules."""
    found = list(seen.filter(next_tick_at__isnull=False).order_by("next_tick_at", "name", "pk")[: MOST_SCHEDULES + 1])
    schedules = found[:MOST_SCHEDULES]
    counted = Counter(each.time_zone for each in schedules)
    zones = sorted({*counted, timezone.get_default_timezone_name()})
    zone = _zone_of(asked_zone) or max(counted, key=lambda each: (counted[each], each), default=zones[0])
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    end = datetime.combine(today + timedelta(days=DAYS), datetime.min.time(), local).astimezone(UTC)
    slots: dict[date, dict[str, WeekSlot]] = {today + timedelta(days=number): {} for number in range(DAYS)}
    often = []
    for schedule in schedules:
        ticks = list(_ticks_until(schedule, end))
        if len(ticks) > MOST_TICKS:
            often.append((schedule, description_of(schedule.cron, page_language())))
            continue
        for tick in ticks:
            shown = max(tick, now).astimezone(local)
            time = f"{shown:%H:%M}"
            slots[shown.date()].setdefault(time, WeekSlot(time)).schedules.append(schedule)
    days = [WeekDay(day, [each for _time, each in sorted(of_day.items())]) for day, of_day in slots.items()]
    return ScheduleWeek(zone, sorted({*zones, zone}), days, often, len(found) > MOST_SCHEDULES)


def _ticks_until(schedule: Schedule, end: datetime) -> Iterator[datetime]:
    """Its ticks before `end`, one more than are shown at the most."""
    first: Any = schedule.next_tick_at
    ends_at = schedule.ends_at
    ticks = chain([first], schedule.timing.recurrence.times_after(first))
    coming = takewhile(lambda tick: tick < end and (ends_at is None or tick <= ends_at), ticks)
    return islice(coming, MOST_TICKS + 1)


def _zone_of(asked: str) -> str:
    try:
        return checked_zone(asked) if asked else ""
    except RecurrenceRefused:
        return ""
