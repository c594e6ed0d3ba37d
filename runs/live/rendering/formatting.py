"""Times, durations, sizes, counts, tokens and money for people."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from django.utils.translation import gettext, pgettext, pgettext_lazy

from runs.languages import localized

MONTHS: Final = (
    *(pgettext_lazy("short month", "Jan"), pgettext_lazy("short month", "Feb"), pgettext_lazy("short month", "Mar")),
    *(pgettext_lazy("short month", "Apr"), pgettext_lazy("short month", "May"), pgettext_lazy("short month", "Jun")),
    *(pgettext_lazy("short month", "Jul"), pgettext_lazy("short month", "Aug"), pgettext_lazy("short month", "Sep")),
    *(pgettext_lazy("short month", "Oct"), pgettext_lazy("short month", "Nov"), pgettext_lazy("short month", "Dec")),
)
DAYS: Final = (
    *(pgettext_lazy("short day", "Mon"), pgettext_lazy("short day", "Tue"), pgettext_lazy("short day", "Wed")),
    *(pgettext_lazy("short day", "Thu"), pgettext_lazy("short day", "Fri"), pgettext_lazy("short day", "Sat")),
    pgettext_lazy("short day", "Sun"),
)
JUST_NOW_S = 3


def size_words(size: int) -> str:
    """The size of a file in KB or MB, in powers of 1,024 as browsers tell it: `0.5 KB`, `3.4 MB`."""
    number, unit = (size / 2**10, "KB") if size < 2**20 else (size / 2**20, "MB")
    return f"{localized(f'{max(number, 0.1):,.1f}')} {unit}"


def counted_text(number: int) -> str:
    """A whole number with its thousands apart: `1,234`."""
    return localized(f"{number:,}")


def dollars_in(number: str) -> str:
    """An amount of US dollars, from its number in English notation."""
    return gettext("$%(amount)s") % {"amount": localized(number)}


def moment_of(told: float | str | None) -> datetime | None:
    """The time from a row, in seconds since the epoch or in ISO 8601; None without one, or if it is invalid."""
    try:
        match told:
            case str():
                return datetime.fromisoformat(told)
            case int() | float():
                return datetime.fromtimestamp(told, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def duration_text(seconds: float) -> str:
    """A duration for people: `340 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`."""
    if seconds < 0.9995:
        ms = max(seconds, 0) * 1000
        return gettext("%(n)s ms") % {"n": localized(f"{ms:.1f}" if 0 < seconds < 0.00995 else f"{ms:.0f}")}
    if seconds < 59.95:
        return gettext("%(n)s s") % {"n": localized(f"{seconds:.1f}")}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return gettext("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return gettext("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}


def ago_text(moment: datetime, now: datetime) -> str:
    """A past time in UTC as seen at `now`: `now`, `4 s ago`, `59 min ago`, `12:18 UTC`, `Tue 12:18 UTC`, `28 Nov`,
    `28 Nov 2025`. `relative_times.js` writes the same in the reader's zone."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    past_s = (now - moment).total_seconds()
    if past_s < JUST_NOW_S:
        return pgettext("time", "now")
    if past_s < 60:
        return gettext("%(count)s s ago") % {"count": int(past_s)}
    if past_s < 3600:
        return gettext("%(count)s min ago") % {"count": int(past_s // 60)}
    if moment.date() == now.date():
        return f"{moment:%H:%M} UTC"
    if (now.date() - moment.date()).days < 7:
        return f"{DAYS[moment.weekday()]} {moment:%H:%M} UTC"
    return day_text(moment) if moment.year == now.year else day_of_year_text(moment)


def day_text(moment: datetime) -> str:
    """`28 Nov`."""
    day = {"day": moment.day, "month": MONTHS[moment.month - 1]}
    return pgettext("day and month", "%(day)s %(month)s") % day


def day_of_year_text(moment: datetime) -> str:
    """`28 Nov 2025`."""
    return pgettext("day and year", "%(day)s %(year)s") % {"day": day_text(moment), "year": moment.year}


def short_duration_text(seconds: float) -> str:
    """A duration in one unit, for columns and tiles: `45 ms`, `11.9 s`, `15 min`, `3.2 h`."""
    if seconds < 59.95:
        return duration_text(seconds)
    if seconds < 3570:
        return gettext("%(n)s min") % {"n": f"{seconds / 60:.0f}"}
    return gettext("%(n)s h") % {"n": localized(f"{seconds / 3600:.1f}")}


def past_span_text(seconds: float) -> str:
    """The time since something, in one unit, rounded down as in "1 min ago": `45 s`, `15 min`, `3.2 h`.
    `relative_times.js` writes the same."""
    if seconds < 60:
        return gettext("%(n)s s") % {"n": int(max(seconds, 0))}
    if seconds < 3600:
        return gettext("%(n)s min") % {"n": int(seconds // 60)}
    return gettext("%(n)s h") % {"n": localized(f"{seconds // 360 / 10:.1f}")}


def size_text(size_bytes: float) -> str:
    """A size for people: `812 B`, `64 KiB`, `1.4 MiB`, `2.0 GiB`."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    if size_bytes < 999.5 * 2**10:
        return f"{size_bytes / 2**10:.0f} KiB"
    if size_bytes < 999.95 * 2**20:
        return localized(f"{size_bytes / 2**20:.1f} MiB")
    return localized(f"{size_bytes / 2**30:,.1f} GiB")


def tokens_text(tokens: int, *, is_estimated: bool) -> str:
    """`1,234`, or `≈1,234` if some tokens are our own estimate because a server reported none."""
    return f"{'≈' if is_estimated else ''}{counted_text(tokens)}"


def dollars(cost: Decimal) -> str:
    """US dollars with the digits needed to show more than zero: `$1.20`, `$0.0034`."""
    if cost == 0 or cost >= 1:
        return dollars_in(f"{cost:,.2f}")
    whole, _, cents = f"{cost:.{1 - cost.adjusted()}f}".partition(".")
    return dollars_in(f"{whole}.{cents.rstrip('0').ljust(2, '0')}")


def column_cost(cost: Decimal) -> str:
    """US dollars for a column whose head has the unit: four decimals below one dollar, two above."""
    return localized(_column_cost(cost))


def _column_cost(cost: Decimal) -> str:
    if 0 < cost < Decimal("0.0001"):
        return "<0.0001"
    return f"{cost:.4f}" if cost < 1 else f"{cost:,.2f}"


def sum_text(cost: Decimal) -> str:
    """A sum of US dollars: four decimals below one dollar, two above; `$0` for nothing."""
    if 0 < cost < Decimal("0.0001"):
        return f"<{dollars_in('0.0001')}"
    return dollars_in("0" if cost == 0 else _column_cost(cost))


def capped_text(count: int, cap: int) -> str:
    """A count that stops at `cap`: `3,051`, `10,000+`."""
    return counted_text(count) if count <= cap else f"{counted_text(cap)}+"


def percent_text(part: int, whole: int) -> str:
    """A share for people: `83 %`, `>99 %` for less than all, `<1 %` for more than none."""
    if 0 < part < whole:
        share = 100 * part / whole
        return _percent(">99" if share > 99 else "<1" if share < 1 else f"{share:.0f}")
    return _percent("100" if part else "0")


def _percent(number: str) -> str:
    return gettext("%(n)s %%") % {"n": number}


def cost_text(told: str | None) -> str:
    """US dollars for people, from a decimal string; "unknown" without one."""
    cost = decimal_of(told)
    return gettext("unknown") if cost is None else dollars(cost)


def decimal_of(told: str | None) -> Decimal | None:
    """A stored decimal; None without one, or if it is none."""
    try:
        cost = None if told is None else Decimal(told)
    except (InvalidOperation, ValueError):
        return None
    return cost if cost is not None and cost.is_finite() else None
