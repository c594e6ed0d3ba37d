"""The clock tool."""

from datetime import UTC, datetime, timedelta

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.builtin.current_time import current_time, zone_named
from runs.agent.tools.builtin.time_zones import ZONE_OF_PLACE


def test_it_tells_the_time_of_the_zone() -> None:
    told = current_time("Asia/Tokyo")

    now = datetime.fromisoformat(told["iso"])
    assert now.utcoffset() == timedelta(hours=9)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=10)
    assert told["date"] == now.date().isoformat()
    assert told["weekday"] == f"{now:%A}"


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("UTC", "UTC"),
        ("asia/tokyo", "Asia/Tokyo"),
        ("Tokyo", "Asia/Tokyo"),
        (" new  york ", "America/New_York"),
        ("Germany", "Europe/Berlin"),
        ("San Francisco", "America/Los_Angeles"),
    ],
)
def test_a_zone_is_found_by_its_name_a_city_or_a_country(name: str, zone: str) -> None:
    assert str(zone_named(name)) == zone


@pytest.mark.parametrize("zone", sorted(set(ZONE_OF_PLACE.values())))
def test_every_place_has_a_zone_that_exists(zone: str) -> None:
    assert str(zone_named(zone)) == zone


def test_an_unknown_zone_names_near_matches() -> None:
    with pytest.raises(ToolFailed, match=r"'Tokio' is not known\. Did you mean Asia/Tokyo"):
        current_time("Tokio")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "", "Mars", "\x00", "a" * 10_000])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ToolFailed) as failure:
        current_time(name)

    assert len(str(failure.value)) < 300
