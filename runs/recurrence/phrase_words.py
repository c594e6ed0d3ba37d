"""The words that recurring times are said with: weekdays, days of a month, intervals and times of day."""

from typing import Final, Self

from runs.agent.wording import Wording
from runs.recurrence.cron import RecurrenceRefused

_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NTH: Final = ("first", "second", "third", "fourth", "fifth")
_ENDINGS: Final = ("st", "nd", "rd", "th")
_HOURS_OF_DAY: Final = {"noon": (12, 0), "midnight": (0, 0)}


class Words:
    """The words of a text, taken one after the other."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._place = 0
        self.taken = ""
        """The word that was taken last."""

    @classmethod
    def of(cls, text: str) -> Self:
        """The words in lower case; a comma is one, as `and` is."""
        return cls(text.lower().replace(",", " and ").split())

    @property
    def next(self) -> str:
        """The word that comes; empty at the end."""
        return self._words[self._place] if self._place < len(self._words) else ""

    @property
    def left(self) -> str:
        """What was not taken yet."""
        return " ".join(self._words[self._place :])

    def take(self, *words: str) -> bool:
        """Take the next word if it is one of these."""
        if self.next not in words or not self.next:
            return False
        self.advance()
        return True

    def advance(self) -> None:
        """Take the next word."""
        self.taken = self.next
        self._place += 1

    def undo(self) -> None:
        """Put the word back that was taken last."""
        self._place -= 1

    def full_hour(self) -> int:
        """Take a time of day that is a full hour. Raises `RecurrenceRefused`."""
        hour, minute = time_of_day(self)
        if minute:
            raise RecurrenceRefused(Wording("The hours between which it runs are full ones, such as 8:00 and 18:00."))
        return hour

    def through(self, *words: str) -> int:
        """Take one of the words and a full hour; 24 for midnight. Raises `RecurrenceRefused`."""
        if not self.take(*words):
            raise RecurrenceRefused(Wording("Say until when, such as “between 8:00 and 18:00”."))
        return self.full_hour() or 24


def weekdays(words: Words) -> str | None:
    """The weekdays as a field of cron: `Monday and Thursday` is `1,4`; None if no weekday comes."""
    if words.take("weekday", "weekdays"):
        return "1-5"
    if words.take("weekend", "weekends"):
        return "0,6"
    first = _weekday(words)
    if first is None:
        return None
    if words.take("to", "through", "-"):
        last = _weekday(words)
        if last is None:
            raise RecurrenceRefused(Wording("Say until which weekday, such as “Monday to Friday”."))
        if first < last:
            return f"{first}-{last}"
        return ",".join(sorted(str((first + days) % 7) for days in range((last - first) % 7 + 1)))
    found = {first}
    while words.take("and", "or"):
        words.take("and", "on", "every")
        day = _weekday(words)
        if day is None:
            raise RecurrenceRefused(Wording("“%(word)s” is no weekday, such as Monday.", word=words.next[:30]))
        found.add(day)
    return ",".join(map(str, sorted(found)))


def _weekday(words: Words) -> int | None:
    word = words.next.removesuffix("s") if words.next.endswith("days") else words.next
    for number, name in enumerate(_WEEKDAYS):
        if word == name or (len(word) >= 3 and word in {name[:3], name[:4], name[:5]} and word != "day"):
            words.advance()
            return number
    return None


def nth(words: Words) -> str | None:
    """`first Monday` as a weekday of cron, `1#1`; None if a day of the month comes."""
    place = words.next
    if place not in (*_NTH, "last"):
        return None
    words.advance()
    day = _weekday(words)
    if day is None:
        # `last day`, which is taken for a day of the month.
        words.undo()
        return None
    return f"{day}L" if place == "last" else f"{day}#{_NTH.index(place) + 1}"


def day_of_month(words: Words) -> str | None:
    """Days of the month as a field of cron: `1st and 15th` is `1,15`; None if none comes."""
    found = []
    while (day := _day(words)) is not None:
        found.append(day)
        if not words.take("and"):
            break
        words.take("the", "and")
    return ",".join(found) or None


def _day(words: Words) -> str | None:
    if words.take("last"):
        words.take("day")
        return "L"
    if words.take("first"):
        words.take("day")
        return "1"
    word = words.next
    digits = next((word.removesuffix(end) for end in _ENDINGS if word.endswith(end)), "")
    number = _number(digits)
    if number is None:
        return None
    words.advance()
    words.take("day")
    return str(number)


def month(words: Words) -> str:
    """The month that days are of, as a field of cron; `*` for every one."""
    if not words.take("of", "in"):
        return "*"
    words.take("the", "every", "each")
    if words.take("month"):
        return "*"
    for number, name in enumerate(_MONTHS, 1):
        if words.take(name, name[:3]):
            return str(number)
    raise RecurrenceRefused(Wording("“%(word)s” is no month, such as January.", word=words.next[:30]))


def interval(words: Words) -> tuple[int, str] | None:
    """A number and `m` for minutes or `h` for hours; None if no interval comes. Raises `RecurrenceRefused`."""
    number = _number(words.next)
    if number is not None:
        words.advance()
    for unit, most, names in (("m", 60, ("minute", "minutes", "min")), ("h", 24, ("hour", "hours"))):
        if words.take(*names):
            return _divisor(1 if number is None else number, most, unit), unit
    if number is not None:
        words.undo()
    return None


def _divisor(number: int, most: int, unit: str) -> int:
    if 0 < number < most and most % number == 0:
        return number
    if unit == "m":
        raise RecurrenceRefused(
            Wording("An interval of minutes divides an hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30.")
        )
    raise RecurrenceRefused(Wording("An interval of hours divides a day: 1, 2, 3, 4, 6, 8 or 12."))


def times(words: Words) -> list[tuple[int, int]]:
    """The times of day, in hours and minutes. Raises `RecurrenceRefused`."""
    found = [time_of_day(words)]
    while words.take("and"):
        words.take("and", "at")
        found.append(time_of_day(words))
    return found


def time_of_day(words: Words) -> tuple[int, int]:
    """Take `9:00`, `9`, `9:30 pm`, `9pm`, `noon` or `midnight`. Raises `RecurrenceRefused`."""
    word = words.next
    if word in _HOURS_OF_DAY:
        words.advance()
        return _HOURS_OF_DAY[word]
    half = next((end for end in ("am", "pm") if word.endswith(end)), "")
    hour_text, colon, minute_text = word.removesuffix(half).partition(":")
    hour, minute = _number(hour_text), _number(minute_text) if colon else 0
    if hour is None or minute is None or hour > 24 or minute > 59 or (colon and len(minute_text) != 2):
        raise _no_time(word)
    words.advance()
    if not half and words.take("am", "pm"):
        half = words.taken
    words.take("o'clock")
    if half and not 1 <= hour <= 12:
        raise _no_time(f"{word} {half}")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour == 24:
        raise _no_time(word)
    return hour, minute


def _no_time(word: str) -> RecurrenceRefused:
    return RecurrenceRefused(Wording("“%(word)s” is no time of day, such as 9:00.", word=word[:30]))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None
