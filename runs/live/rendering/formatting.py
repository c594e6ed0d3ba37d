"""Times, durations, sizes, counts, tokens and money for people."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext, pgettext

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""English names, whatever the language of the process: `relative_times.js` writes them in the reader's language."""
JUST_NOW_S = 3


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
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.1f} ms" if 0 < seconds < 0.00995 else f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


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
    day = f"{moment.day} {MONTHS[moment.month - 1]}"
    return day if moment.year == now.year else f"{day} {moment.year}"


def short_duration_text(seconds: float) -> str:
    """A duration in one unit, for columns and tiles: `45 ms`, `11.9 s`, `15 min`, `3.2 h`."""
    if seconds < 59.95:
        return duration_text(seconds)
    return f"{seconds / 60:.0f} min" if seconds < 3570 else f"{seconds / 3600:.1f} h"


def size_text(size_bytes: float) -> str:
    """A size for people: `812 B`, `64 KiB`, `1.4 MiB`, `2.0 GiB`."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    if size_bytes < 999.5 * 2**10:
        return f"{size_bytes / 2**10:.0f} KiB"
    if size_bytes < 999.95 * 2**20:
        return f"{size_bytes / 2**20:.1f} MiB"
    return f"{size_bytes / 2**30:,.1f} GiB"


def tokens_text(tokens: int, *, is_estimated: bool) -> str:
    """`1,234`, or `≈1,234` if some tokens are our own estimate because a server reported none."""
    return f"{'≈' if is_estimated else ''}{tokens:,}"


def dollars(cost: Decimal) -> str:
    """US dollars with the digits needed to show more than zero: `$1.20`, `$0.0034`."""
    if cost == 0 or cost >= 1:
        return f"${cost:,.2f}"
    whole, _, cents = f"{cost:.{1 - cost.adjusted()}f}".partition(".")
    return f"${whole}.{cents.rstrip('0').ljust(2, '0')}"


def column_cost(cost: Decimal) -> str:
    """US dollars for a column whose head has the unit: four decimals below one dollar, two above."""
    if 0 < cost < Decimal("0.0001"):
        return "<0.0001"
    return f"{cost:.4f}" if cost < 1 else f"{cost:,.2f}"


def sum_text(cost: Decimal) -> str:
    """A sum of US dollars: four decimals below one dollar, two above; `$0` for nothing."""
    return "$0" if cost == 0 else f"${column_cost(cost)}" if cost >= Decimal("0.0001") else "<$0.0001"


def capped_text(count: int, cap: int) -> str:
    """A count that stops at `cap`: `3,051`, `10,000+`."""
    return f"{count:,}" if count <= cap else f"{cap:,}+"


def percent_text(part: int, whole: int) -> str:
    """A share for people: `83 %`, `>99 %` for less than all, `<1 %` for more than none."""
    if 0 < part < whole:
        share = 100 * part / whole
        return ">99 %" if share > 99 else "<1 %" if share < 1 else f"{share:.0f} %"
    return "100 %" if part else "0 %"


def cost_text(told: str | None) -> str:
    """US dollars for people, from a decimal string; "unknown" without one."""
    cost = decimal_of(told)
    return "unknown" if cost is None else dollars(cost)


def decimal_of(told: str | None) -> Decimal | None:
    """A stored decimal; None without one, or if it is none."""
    try:
        cost = None if told is None else Decimal(told)
    except (InvalidOperation, ValueError):
        return None
    return cost if cost is not None and cost.is_finite() else None
