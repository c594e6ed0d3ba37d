"""Cron expressions in time zones, compared with a clock on the wall over two years."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest

from runs.recurrence.cron import Recurrence, RecurrenceRefused, checked_cron, checked_zone
from runs.recurrence.descriptions import description_of
from tests.recurrence.wall_clock import BEGIN, CASES, END, ZONES, Case, read


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cron)
def test_the_times_of_two_years_are_those_that_the_clock_on_the_wall_says(case: Case, zone: str) -> None:
    recurrence = Recurrence(checked_cron(case.cron), zone)

    times = list(takewhile(lambda time: time < END, recurrence.times_after(BEGIN)))

    assert times == read(case, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_asking_one_by_one_gives_the_same_times_as_asking_for_all(zone: str) -> None:
    begin, end = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    for case in CASES:
        recurrence = Recurrence(case.cron, zone)
        times: list[datetime] = []
        while (moment := recurrence.after(times[-1] if times else begin)) and moment < end:
            times.append(moment)

        assert times == [time for time in read(case, zone) if begin < time < end]


def test_a_daily_time_that_summer_time_leaves_out_comes_right_after_the_gap() -> None:
    night = Recurrence("30 2 * * *", "Europe/Berlin").after(datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert night.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == "2026-03-29T03:00:00+02:00"


def test_a_daily_time_of_the_repeated_hour_comes_once_and_first() -> None:
    recurrence, noon = Recurrence("30 2 * * *", "Europe/Berlin"), datetime(2026, 10, 24, 12, tzinfo=UTC)

    times = recurrence.times_after(noon)

    assert next(times) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next(times) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_moment_in_the_second_of_the_repeated_hours_is_not_answered_with_one_in_the_first() -> None:
    recurrence, second = Recurrence("50 2 * * *", "Europe/Berlin"), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    assert recurrence.after(second) == datetime(2026, 10, 26, 1, 50, tzinfo=UTC)


@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cron)
def test_the_latest_times_are_the_end_of_all_of_them(case: Case, most: int) -> None:
    recurrence, times = Recurrence(case.cron, "America/Havana"), read(case, "America/Havana")
    until = times[-1] + timedelta(seconds=59)

    assert recurrence.latest(times[0], until, most) == times[-most:]
    assert recurrence.latest(times[-2], until, most) == times[-2:][-most:]


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("60 9 * * *", "“60” is no minute"),
        ("0 24 * * *", "“24” is no hour"),
        ("0 9 32 * *", "“32” is no day of a month"),
        ("0 9 30 2 *", "“30” is no day of a month that comes"),
        ("0 9 * 13 *", "“13” is no month"),
        ("0 9 * * 8", "“8” is no weekday"),
        ("0 9 * * MON#6", "“MON#6” is no weekday"),
        ("0 9 * * 5L/2", "“5L/2” is no weekday"),
        ("0 9 * * MON#1/2", "“MON#1/2” is no weekday"),
        ("0 9 * * ²L", "“²L” is no weekday"),
        ("*/0 9 * * *", "“*/0” is no minute"),
        ("5-1 9 * * *", "“5-1” is no minute"),
        ("0 9 * *", "5 fields, not 4"),
        ("0 0 9 * * *", "5 fields, not 6"),
        ("0 9 * * " + "1," * 100 + "1", "At most 200 characters"),
    ],
)
def test_a_wrong_expression_is_told_with_its_field(cron: str, told: str) -> None:
    with pytest.raises(RecurrenceRefused) as refusal:
        checked_cron(cron)

    assert told in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["", "Berlin", "europe/berlin", "../etc/passwd", "/etc/localtime", "Europe/\x00", "localtime"]
)
def test_a_text_that_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(RecurrenceRefused):
        checked_zone(name)


@pytest.mark.parametrize(
    ("cron", "language", "told"),
    [
        ("0 9 * * 1-5", "en", "At 09:00, Monday through Friday"),
        ("0 9 * * 1-5", "de", "Um 09:00, Montag bis Freitag"),
        ("0 9 * * 1-5", "zh-hans", "在 09:00, 星期一 到 星期五"),
        ("0 9 1 5 *", "de", "Um 09:00, am 1 Tag des Monats, nur im Mai"),
        ("0 9 * * 1-5", "fr", "At 09:00, Monday through Friday"),
    ],
)
def test_an_expression_is_told_in_the_language_of_the_reader(cron: str, language: str, told: str) -> None:
    assert description_of(cron, language) == told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cron)
def test_each_expression_has_a_description(case: Case) -> None:
    assert all(description_of(case.cron, language) for language in ("en", "de", "zh-hans"))
