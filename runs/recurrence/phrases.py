"""Recurring times in words: `every weekday at 9:00` is `0 9 * * 1-5`."""

from typing import Final

from runs.agent.wording import Wording
from runs.recurrence.cron import MAX_WHEN_CHARS, RecurrenceRefused, checked_cron, is_cron
from runs.recurrence.phrase_words import Words, day_of_month, interval, month, nth, times, weekdays

EXAMPLES: Final = (
    "every weekday at 9:00",
    "every 15 minutes",
    "every 2 hours between 8:00 and 18:00",
    "every Monday and Thursday at 17:30",
    "on the 1st at 08:00",
    "0 9 * * 1-5",
)
"""Of what `cron_of` takes."""
USUAL: Final = ("every weekday at 8:00", "every Monday at 9:00", "on the 1st at 8:00")
"""Each working day, each week, and each month."""


def cron_of(text: str) -> str:
    """The cron expression that a person means by words of `EXAMPLES`, or by a cron expression.

    Raises `RecurrenceRefused`, with examples if the words are not understood.
    """
    if len(text) > MAX_WHEN_CHARS:
        raise RecurrenceRefused(Wording("At most %(most)s characters.", most=MAX_WHEN_CHARS))
    if not text.strip():
        raise RecurrenceRefused(_with_examples(Wording("Say when it runs.")))
    if is_cron(text):
        return checked_cron(text)
    words = Words.of(text)
    cron = _every(words) if words.take("every", "each", "daily", "hourly", "monthly") else _on_days(words)
    if words.left:
        raise not_understood(words.left)
    return checked_cron(cron)


def not_understood(rest: str) -> RecurrenceRefused:
    """The error for words from `rest` on."""
    return RecurrenceRefused(_with_examples(Wording("“%(words)s” is not understood.", words=rest[:60])))


def _with_examples(words: Wording) -> Wording:
    examples = "; ".join(EXAMPLES)
    return Wording.paragraph(words, Wording("Examples: %(examples)s.", examples=examples))


def _every(words: Words) -> str:
    """The rest after `every`."""
    match words.taken:
        case "daily":
            return _at_times(words, "* * *")
        case "monthly":
            return _on_days(words)
        case "hourly":
            return _between(words, "0", 1)
    if (found := interval(words)) is not None:
        number, unit = found
        if unit == "m":
            return _between(words, f"*/{number}" if number > 1 else "*", None)
        return _between(words, "0", number)
    if words.take("day"):
        return _at_times(words, "* * *")
    if words.take("second", "other"):
        raise RecurrenceRefused(
            Wording("Every other day or week is no recurrence of cron. “on the second Monday” is that of a month.")
        )
    return _on_days(words)


def _between(words: Words, minute: str, hours_step: int | None) -> str:
    """An interval, perhaps within hours of the day and on some weekdays."""
    step = f"/{hours_step}" if hours_step is not None and hours_step > 1 else ""
    hours = f"*{step}"
    if words.take("between", "from"):
        first, last = words.full_hour(), words.through("and", "to", "until")
        # An interval of minutes ends before the last hour, one of hours with it.
        last = last - 1 if hours_step is None else last
        if last < first:
            raise RecurrenceRefused(Wording("The second hour has to be after the first one."))
        hours = f"{first}-{last}{step}"
    words.take("on")
    days = weekdays(words)
    return f"{minute} {hours} * * {days or '*'}"


def _on_days(words: Words) -> str:
    """Weekdays, or days of a month, with a time."""
    words.take("on")
    if (days := weekdays(words)) is not None:
        return _at_times(words, f"* * {days}")
    words.take("the")
    if (place := nth(words)) is not None:
        return _at_times(words, f"* {month(words)} {place}")
    if (day := day_of_month(words)) is not None:
        return _at_times(words, f"{day} {month(words)} *")
    raise not_understood(words.left)


def _at_times(words: Words, days: str) -> str:
    if not words.take("at"):
        if words.left:
            raise not_understood(words.left)
        raise RecurrenceRefused(_with_examples(Wording("Say at what time, such as “at 9:00”.")))
    found = times(words)
    minutes = {minute for _hour, minute in found}
    if len(minutes) > 1:
        raise RecurrenceRefused(
            Wording("Times with different minutes need a schedule each: “at 9:00 and 17:00” is one, with :30 another.")
        )
    hours = ",".join(map(str, sorted({hour for hour, _minute in found})))
    return f"{minutes.pop()} {hours} {days}"
