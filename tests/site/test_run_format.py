"""Times, durations and numbers, formatted for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from runs.live.rendering.formatting import size_text
from runs.templatetags.run_format import duration, thousands, when


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 ms"), (0.44, "440 ms"), (9.94, "9.9 s"), (75, "1 min 15 s"), (3600, "1 h 0 min"), (93_784, "26 h 3 min")],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_a_duration_that_is_not_known_is_a_dash() -> None:
    assert duration(None) == "–"


def test_a_moment_is_written_in_utc_for_people_and_for_the_browser() -> None:
    moment = datetime(2026, 11, 22, 13, 5, 9, tzinfo=timezone(timedelta(hours=2)))

    html = when(moment)

    assert html == '<time datetime="2026-11-22T11:05:09Z" data-local-time>2026-11-22 11:05 UTC</time>'
    assert when(moment.astimezone(UTC)) == html


def test_large_numbers_have_their_thousands_apart() -> None:
    assert [thousands(number) for number in (7, 1234, 1234567)] == ["7", "1,234", "1,234,567"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 KiB"),
        (41_984, "41 KiB"),
        (1_023_000, "999 KiB"),
        (1_023_900, "1.0 MiB"),
        (25 * 2**20, "25.0 MiB"),
        (1_023 * 2**20, "1.0 GiB"),
        (1_500 * 2**30, "1,500.0 GiB"),
    ],
)
def test_a_size_never_rounds_to_nothing(size: int, text: str) -> None:
    assert size_text(size) == text
