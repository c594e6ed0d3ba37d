"""The calendar tool."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agent.errors.exceptions import InvalidArguments, ToolFailed
from runs.agent.tools.builtin.date_math import date_math
from runs.agent.tools.registry import execute_tool_by_name


async def test_days_are_added_with_the_weekday_told() -> None:
    assert await date_math("add", "2026-11-22", days=45) == {"date": "2027-01-06", "weekday": "Wednesday"}


@pytest.mark.parametrize(
    ("operation", "start", "change", "end", "note"),
    [
        ("add", "2026-01-31", {"months": 1}, "2026-02-28", "February 2026 has only 28 days"),
        ("add", "2024-01-31", {"months": 1}, "2024-02-29", "February 2024 has only 29 days"),
        ("subtract", "2024-02-29", {"years": 1}, "2023-02-28", "February 2023 has only 28 days"),
        ("subtract", "2026-03-31", {"months": 1, "days": 1}, "2026-02-27", "February 2026 has only 28 days"),
    ],
)
async def test_a_month_that_is_too_short_ends_at_its_last_day_and_says_so(operation, start, change, end, note) -> None:
    result = await date_math(operation, start, **change)

    assert result["date"] == end
    assert note in result["note"]


async def test_the_difference_is_told_in_days_and_in_weeks() -> None:
    assert await date_math("difference", "2026-01-01", "2026-12-25") == {
        "days": 358,
        "weeks": 51,
        "days_beyond_weeks": 1,
    }
    assert (await date_math("difference", "2026-12-25", "2026-01-01"))["days"] == -358


async def test_a_weekday_is_told() -> None:
    assert (await date_math("weekday", "2026-12-25"))["weekday"] == "Friday"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"operation": "weekday", "date": "2026-02-30"}, "There is no date 2026-02-30"),
        ({"operation": "weekday", "date": "22.11.2026"}, "YYYY-MM-DD"),
        ({"operation": "weekday", "date": "2026-W47-7"}, "YYYY-MM-DD"),
        ({"operation": "difference", "date": "2026-01-01"}, "YYYY-MM-DD"),
        ({"operation": "add", "date": "9999-12-31", "days": 1}, "years 1 to 9999"),
        ({"operation": "add", "date": "2026-01-01", "years": 10**30}, "years 1 to 9999"),
        ({"operation": "subtract", "date": "2026-01-01", "days": 10**30}, "years 1 to 9999"),
    ],
)
async def test_an_impossible_date_says_why(arguments, hint) -> None:
    with pytest.raises(ToolFailed) as failure:
        await date_math(**arguments)

    assert hint in str(failure.value)


async def test_an_unknown_operation_is_refused_before_the_tool_runs() -> None:
    with pytest.raises(InvalidArguments):
        await execute_tool_by_name("date_math", operation="divide", date="2026-01-01")


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), st.integers(-30_000, 30_000))
async def test_what_is_added_is_the_difference(start: dt.date, days: int) -> None:
    end = (await date_math("add", start.isoformat(), days=days))["date"]

    assert (await date_math("difference", start.isoformat(), end))["days"] == days


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), st.integers(-1200, 1200))
async def test_months_land_in_the_month_they_name(start: dt.date, months: int) -> None:
    end = dt.date.fromisoformat((await date_math("add", start.isoformat(), months=months))["date"])

    assert 12 * end.year + end.month == 12 * start.year + start.month + months
    assert end.day <= start.day
