"""The clock tool."""

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.builtin.time_zones import ZONE_OF_PLACE
from runs.agent.tools.registry import tool


@tool(effect="read", layer="builtin")
def current_time(timezone: str = "UTC") -> dict[str, str]:
    """Tell the date and time now in a time zone.

    Args:
        timezone: An IANA name such as 'Asia/Tokyo', or a large city or a country with one zone, such as 'Tokyo'.
    """
    zone = zone_named(timezone)
    now = datetime.now(UTC).astimezone(zone)
    return {
        "date": now.date().isoformat(),
        "time": now.strftime("%H:%M:%S"),
        "weekday": f"{now:%A}",
        "timezone": str(zone),
        "iso": now.isoformat(timespec="seconds"),
    }


def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name, a city or a country, in any case. Raises `ToolFailed` with near matches."""
    wanted = re.sub(r"[\s_]+", "_", name.strip()).lower()
    known = _zones()
    if key := known.get(wanted):
        return ZoneInfo(key)
    near = list(dict.fromkeys(known[match] for match in get_close_matches(wanted, known, n=6, cutoff=0.7)))[:3]
    hint = f"Did you mean {' or '.join(near)}?" if near else "Give an IANA name such as 'Europe/Berlin'."
    raise ToolFailed(f"The time zone {name[:60]!r} is not known. {hint}")


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """The IANA key of every accepted name of a zone, in lower case."""
    keys = available_timezones()
    cities = {key.rpartition("/")[2].lower(): key for key in sorted(keys, reverse=True) if key.count("/") == 1}
    places = {place: key for place, key in ZONE_OF_PLACE.items() if key in keys}
    return cities | places | {key.lower(): key for key in keys}
