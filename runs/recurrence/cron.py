"""Cron expressions in a time zone: their check, and the times that they name."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from runs.agent.marked_words import words
from runs.agent.wording import Wording

MAX_WHEN_CHARS: Final = 200
"""Of a cron expression, and of words."""
_FIELDS: Final = 5
_KNOWN_CHARS: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*/,-# ")
_BAD_FIELDS: Final = {
    "Bad minute": (0, words("“%(part)s” is no minute of a cron expression: 0 to 59, such as 0, */15 or 0,30.")),
    "Bad hour": (1, words("“%(part)s” is no hour of a cron expression: 0 to 23, such as 9, */2 or 8-18.")),
    "Bad day-of-month": (
        2,
        words("“%(part)s” is no day of a month that comes: 1 to 31, such as 1, 1,15 or L for the last."),
    ),
    "Bad month": (3, words("“%(part)s” is no month of a cron expression: 1 to 12, such as 1, JAN-MAR or */3.")),
    "Bad day-of-week": (
        4,
        words("“%(part)s” is no weekday of a cron expression: 0 to 7, such as 1-5, MON,THU or MON#1."),
    ),
}
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_MOST_ONE_BY_ONE: Final = 300
_WINDOWS: Final = tuple(timedelta(days=days) for days in (1 / 24, 1, 32, 366, 366 * 12))


class RecurrenceRefused(ValueError):
    """The text names no recurring time. The message, a `Wording`, is for the person."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A cron expression in a time zone. A valid one, as `checked_cron` and `checked_zone` return them."""

    cron: str
    zone: str

    def times_after(self, moment: datetime) -> Iterator[datetime]:
        """The times after `moment` in UTC, in ascending order, each once; none if there is none in 50 years.

        A time of day that a change of the clocks leaves out is right after it, and one that comes twice is the first of
        both. That is not so if minute or hour begin with `*`: those follow what the clocks show.
        """
        if self._follows_the_clock:
            yield from self._shown_after(moment.astimezone(UTC))
            return
        moment = moment.astimezone(UTC)
        for local in CronSim(self.cron, moment.astimezone(ZoneInfo(self.zone))):
            time = local.astimezone(UTC)
            # In the repeated hour cronsim begins with the first one, and two times in a gap are the same one.
            if time > moment:
                moment = time
                yield time

    @property
    def _follows_the_clock(self) -> bool:
        minute, hour = self.cron.split()[:2]
        return minute.startswith("*") or hour.startswith("*")

    def _shown_after(self, moment: datetime) -> Iterator[datetime]:
        """The moments at which the clock shows a time of the expression.

        cronsim is asked without a zone: with one, version 2.8 loses times after a change by half an hour.
        """
        zone = ZoneInfo(self.zone)
        start = moment + _offset(moment, zone)
        while True:
            offset, change, known_until = _offset(moment, zone), None, moment
            for shown in CronSim(self.cron, start.replace(tzinfo=None)):
                time = shown.replace(tzinfo=UTC) - offset
                if change is None and time > known_until:
                    change = _first_change(known_until, ahead := max(time, known_until + _DAY), zone)
                    known_until = ahead
                if change is not None and change <= time:
                    break
                yield time
            else:
                return
            moment, start = change, change + _offset(change, zone) - _SECOND

    def after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None if there is none in 50 years."""
        return next(self.times_after(moment), None)

    def latest(self, first: datetime, until: datetime, most: int) -> list[datetime]:
        """The last `most` times from `first`, itself a time, to `until`, in ascending order.

        Where there are many it looks into growing windows before `until`: an outage of years costs no more than one of
        days.
        """
        times = takewhile(lambda time: time <= until, self.times_after(first - _SECOND))
        beginning = list(islice(times, _MOST_ONE_BY_ONE))
        if len(beginning) < _MOST_ONE_BY_ONE:
            return beginning[-most:]
        for window in _WINDOWS:
            start = max(first - _SECOND, until - window)
            found = list(takewhile(lambda time: time <= until, self.times_after(start)))
            if len(found) >= most or start < first:
                return found[-most:]
        return found[-most:]


def is_cron(text: str) -> bool:
    """True for a text that looks like a cron expression rather than words."""
    parts = text.upper().split()
    return len(parts) >= _FIELDS and _KNOWN_CHARS.issuperset(text.upper()) and not parts[0].isalpha()


@lru_cache(maxsize=1024)
def checked_cron(text: str) -> str:
    """The cron expression in capitals with single spaces. Raises `RecurrenceRefused`."""
    if len(text) > MAX_WHEN_CHARS:
        raise RecurrenceRefused(Wording("At most %(most)s characters.", most=MAX_WHEN_CHARS))
    parts = text.upper().split()
    if len(parts) != _FIELDS:
        refusal = Wording(
            "A cron expression has 5 fields, not %(count)s: minute, hour, day, month and weekday, such as 0 9 * * 1-5.",
            count=len(parts),
        )
        raise RecurrenceRefused(refusal)
    # cronsim takes a step of these for a fault of its own.
    for term in parts[-1].split(","):
        if "/" in term and not {"L", "#"}.isdisjoint(term):
            raise RecurrenceRefused(_refusal("Bad day-of-week", parts))
    cron = " ".join(parts)
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise RecurrenceRefused(_refusal(str(error), parts)) from error
    if Recurrence(cron, "UTC").after(datetime(2026, 1, 1, tzinfo=UTC)) is None:
        raise RecurrenceRefused(Wording("That day does not come in 50 years."))
    return cron


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """The names of all time zones, such as `Europe/Berlin`, in order."""
    return tuple(sorted(name for name in available_timezones() if name not in {"localtime", "Factory"}))


def checked_zone(name: str) -> str:
    """The name of a time zone. Raises `RecurrenceRefused` for another text."""
    if name not in time_zones():
        raise RecurrenceRefused(Wording("There is no time zone “%(name)s”. One is Europe/Berlin.", name=name[:64]))
    return name


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _first_change(after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment after `after` up to `until` at which the zone changes its clocks; None without one."""
    offset = _offset(after, zone)
    while after < until:
        end = min(after + _DAY, until)
        if _offset(end, zone) != offset:
            while end - after > _SECOND:
                middle = after + (end - after) // 2
                after, end = (middle, end) if _offset(middle, zone) == offset else (after, middle)
            return end.replace(microsecond=0)
        after = end
    return None


def _refusal(message: str, parts: list[str]) -> Wording:
    index, text = _BAD_FIELDS[message]
    return Wording(text, part=parts[index])
