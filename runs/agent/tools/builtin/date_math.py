"""The calendar tool."""

import calendar
import datetime as dt
import re
from typing import Literal

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.registry import tool

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@tool(effect="pure", layer="builtin")
async def date_math(  # noqa: PLR0917 - the model names its arguments
    operation: Literal["add", "subtract", "difference", "weekday"],
    date: str,
    other_date: str = "",
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
) -> JsonObject:
    """Add time to a date or subtract it, count the days between two dates, or tell the weekday of a date.

    Years and months are added first, then weeks and days. A month that is too short ends at its last day, and a
    `note` says so. `difference` counts from `date` to `other_date`: negative if that is earlier.

    Args:
        operation: What to do.
        date: The date to start from, as YYYY-MM-DD.
        other_date: For `difference`: the date to count to, as YYYY-MM-DD.
        years: For `add` and `subtract`: how many years.
        months: For `add` and `subtract`: how many months.
        weeks: For `add` and `subtract`: how many weeks.
        days: For `add` and `subtract`: how many days.
    """
    start = _parsed(date)
    match operation:
        case "weekday":
            return _described(start)
        case "difference":
            return _difference(start, _parsed(other_date))
        case "add" | "subtract":
            sign = 1 if operation == "add" else -1
            return _moved(start, months=sign * (12 * years + months), days=sign * (7 * weeks + days))
    raise ToolFailed(f"There is no operation {operation!r}. Use add, subtract, difference or weekday.")


def _parsed(text: str) -> dt.date:
    try:
        if _ISO_DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ToolFailed(f"There is no date {text}: {error}.") from error
    raise ToolFailed(f"{text[:40]!r} is not a date as it is read here. Write it as YYYY-MM-DD, such as 2026-11-22.")


def _described(day: dt.date) -> JsonObject:
    return {"date": day.isoformat(), "weekday": f"{day:%A}"}


def _difference(start: dt.date, end: dt.date) -> JsonObject:
    days = (end - start).days
    return {"days": days, "weeks": abs(days) // 7, "days_beyond_weeks": abs(days) % 7}


def _moved(start: dt.date, *, months: int, days: int) -> JsonObject:
    try:
        month_moved = _months_later(start, months)
        result = _described(month_moved + dt.timedelta(days=days))
    except (OverflowError, ValueError) as error:
        raise ToolFailed("The result lies outside the years 1 to 9999, where the calendar ends.") from error
    if month_moved.day != start.day:
        result["note"] = (
            f"{month_moved:%B} {month_moved.year} has only {month_moved.day} days, so its last day was taken."
        )
    return result


def _months_later(start: dt.date, months: int) -> dt.date:
    years, month_index = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month_index + 1
    if not 1 <= year <= 9999:
        raise OverflowError("year out of range")
    return dt.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
