"""The clock: the current time, date and weekday, in UTC or at a named place."""

import re
from collections.abc import Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import Clause, Goal

_NOW = r"(?: right now| now| currently| at the moment)?"
_PLACE = r"(?: (?:in|for|at) (?P<place>[^\d«#?]+?))?"
_TIME = (
    rf"(?:what |the |current |local |exact )*(?:date and time|time and date|time)(?: is it| it is)?{_NOW}{_PLACE}{_NOW}"
)
_DATE = (
    rf"(?:(?:what |the |current )*date(?: is it| it is| is today)?{_NOW}(?: today)?"
    rf"|(?:the )?today'?s date|today){_PLACE}{_NOW}"
)
_WEEKDAY = (
    rf"(?:what |which |the )*(?:current )?(?:day(?: of the week)?|weekday) (?:is it|it is|is today|today)"
    rf"(?: today)?{_NOW}{_PLACE}{_NOW}"
)
_ASKED = (("time", _TIME), ("date", _DATE), ("weekday", _WEEKDAY))
_PATTERNS = tuple((key, re.compile(pattern, re.IGNORECASE)) for key, pattern in _ASKED)


def read_clock(clause: Clause, _earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """One goal for each named place, or None if no rule matches."""
    text = re.sub(r"’", "'", clause.text)
    for key, pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            places = re.split(r",? and (?:in )?|, (?:in )?", match["place"]) if match["place"] else ["UTC"]
            return tuple(_goal(clause, key, re.sub(r"^the ", "", place)) for place in places)
    return None


def _goal(clause: Clause, key: str, place: str) -> Goal:
    return Goal(
        clause=clause.said,
        rule="the clock",
        tool_name="current_time",
        arguments={"timezone": place},
        say=_SENTENCES[key],
        kind="date" if key != "time" else "other",
        value=lambda output: output["date"],
    )


def today_step(clause: Clause) -> Goal:
    """The goal for today's date, needed first by questions about today."""
    return Goal(
        clause=clause.said,
        rule="today's date",
        tool_name="current_time",
        arguments={"timezone": "UTC"},
        say=_SENTENCES["date"],
        kind="date",
        value=lambda output: output["date"],
        is_step=True,
    )


def _say_time(arguments: JsonMapping, output: Any) -> str:
    return f"It is **{output['time'][:5]}** on {output['weekday']}, {output['date']}, in {_zone(arguments, output)}"


def _say_date(arguments: JsonMapping, output: Any) -> str:
    return f"Today is **{output['date']}** ({output['weekday']}) in {_zone(arguments, output)}"


def _say_weekday(arguments: JsonMapping, output: Any) -> str:
    return f"Today is **{output['weekday']}**, {output['date']}, in {_zone(arguments, output)}"


def _zone(arguments: JsonMapping, output: Any) -> str:
    asked, zone = arguments["timezone"], output["timezone"]
    return zone if asked == zone else f"{asked} ({zone})"


_SENTENCES = {"time": _say_time, "date": _say_date, "weekday": _say_weekday}
