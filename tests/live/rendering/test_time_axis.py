"""The axis of a timeline."""

import pytest

from runs.live.rendering.time_axis import MOST_TICKS, WIDTH, Cut, TimeAxis, idle_spans, tick_text


def test_moments_are_placed_evenly_and_those_outside_at_the_ends() -> None:
    axis = TimeAxis(100, 110, origin=100)

    assert [axis.x(moment) for moment in (90, 100, 105, 110, 120)] == [0, 0, 500, 1000, 1000]


@pytest.mark.parametrize("length", [0.0004, 0.03, 1, 7, 15, 61, 299, 3600, 90_000, 10_000_000])
def test_there_are_at_most_six_ticks_and_never_none(length: float) -> None:
    axis = TimeAxis(1_000, 1_000 + length, origin=1_000)

    ticks = axis.ticks()

    assert 2 <= len(ticks) <= MOST_TICKS
    assert ticks[0].label == "0 s"
    assert all(0 <= tick.x <= WIDTH for tick in ticks)


def test_an_idle_time_that_is_long_takes_little_room_and_has_no_tick() -> None:
    cut = Cut(1_010, 51_000, "%(span)s waiting for approval")
    axis = TimeAxis(1_000, 51_010, (cut,), 1_000)

    assert axis.x(1_010) == pytest.approx(486)
    assert axis.x(51_000) == pytest.approx(514)
    assert all(tick.x <= 487 or tick.x >= 513 for tick in axis.ticks())
    assert len(axis.ticks()) <= MOST_TICKS
    assert cut.words == "13 h 53 min waiting for approval"


def test_every_place_leads_back_to_its_moment() -> None:
    axis = TimeAxis(1_000, 51_010, (Cut(1_010, 51_000),), 1_000)

    for moment in (1_000, 1_004, 1_010, 20_000, 51_000, 51_007):
        assert axis.moment(axis.x(moment)) == pytest.approx(moment)


def test_idle_is_what_is_long_both_in_seconds_and_beside_the_whole() -> None:
    busy = [(300.0, 310.0), (0.0, 10.0), (5.0, 100.0), (310.0, 320.0)]

    assert list(idle_spans(busy, 0, 1_000)) == [(100.0, 300.0), (320.0, 1_000)]
    assert list(idle_spans(busy, 0, 320)) == [(100.0, 300.0)]
    assert list(idle_spans([(0.0, 1.0)], 0, 50)) == [], "less than a minute"


def test_ticks_are_written_as_a_person_would() -> None:
    assert [tick_text(seconds) for seconds in (0, 0.2, 2, 90, 120, 3_600, 5_400)] == [
        *("0 s", "200 ms", "2 s", "1:30 min", "2 min", "1 h", "1:30 h"),
    ]
