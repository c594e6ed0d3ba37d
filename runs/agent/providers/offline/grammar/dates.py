"""Dates: spans added or subtracted, days between two dates, weekdays.

A date is YYYY-MM-DD, today, tomorrow, yesterday, or an earlier result ("that date").
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import Clause, Goal, Ref, ResultSentence
from runs.agent.providers.offline.grammar.clock import today_step
from runs.agent.providers.offline.grammar.references import latest

_DAY = r"(?:the )?(?:\d{4}-\d{2}-\d{2}|today|tomorrow|yesterday|now|that date|this date|that day|that|it|result|date)"
_SPAN_PART = r"(?:\d+|an?) (?:day|week|fortnight|month|year)s?"
_SPAN = rf"(?P<span>{_SPAN_PART}(?:(?:,? and |, ){_SPAN_PART})*)"
_D = rf"(?P<day>{_DAY})"
_ASK = (
    r"(?:(?:what|which|on what|on which) (?:date|day|weekday|day of (?:the )?week)|the date|date|when"
    r"|what (?:will|would) (?:the )?(?:date|day) be)"
)
_IS = r"(?: (?:is|was|will|would)(?: it)?(?: be)?| falls| comes)?"
_MOVES = (
    ("add", rf"(?:{_ASK}{_IS} |{_IS.strip()})?{_SPAN} (?:after|from|past|following|later than) {_D}"),
    ("subtract", rf"(?:{_ASK}{_IS} )?{_SPAN} (?:before|prior to|earlier than) {_D}"),
    ("add", rf"(?:add )?{_SPAN} (?:to|added to) {_D}"),
    ("subtract", rf"(?:subtract |take ){_SPAN} from {_D}"),
    ("add", rf"(?:{_ASK}{_IS} )?{_D} (?:plus|\+) {_SPAN}"),
    ("subtract", rf"(?:{_ASK}{_IS} )?{_D} (?:minus|-) {_SPAN}"),
)
_FROM_TODAY = (
    ("add", rf"(?:{_ASK}{_IS} )?in {_SPAN}"),
    ("subtract", rf"(?:{_ASK}{_IS} )?{_SPAN} ago"),
)
_ON_RESULT = (
    ("add", rf"(?:add |plus ){_SPAN}|{_SPAN.replace('span', 'span2')} later"),
    ("subtract", rf"(?:subtract |minus |take away ){_SPAN}|{_SPAN.replace('span', 'span2')} (?:earlier|before)"),
)
_UNIT = r"(?P<unit>days|weeks)"
_TWO = rf"(?P<first>{_DAY}) (?:and|to|until|till|through) (?P<second>{_DAY})"
_COUNT = r"(?:how many |(?:the )?number of |count (?:the )?)?"
_BETWEEN = (
    rf"{_COUNT}{_UNIT} (?:are |is |were )?(?:there |it )?(?:in )?(?:between|from) {_TWO}",
    rf"how many {_UNIT} after (?P<first>{_DAY}) (?:is|was) (?P<second>{_DAY})",
    rf"(?:the )?(?:difference|time|distance) (?:in {_UNIT} )?(?:between|from) {_TWO}",
    rf"how (?:long|far|much time) (?:is it |is |are )?(?:between|from) {_TWO}",
    rf"(?:the )?difference between {_TWO.replace('first', 'first2').replace('second', 'second2')} in {_UNIT}",
)
_UNTIL = (
    rf"(?:{_COUNT}{_UNIT}|how (?:long|far|much longer)|(?:the )?time) "
    rf"(?:are |is )?(?:there |it )?(?:left )?(?:until|till|to|before) {_D}"
)
_SINCE = rf"{_COUNT}{_UNIT} (?:have passed |has it been |is it |passed |ago was |are )?(?:since )?{_D}"
_WEEKDAY = (
    rf"(?:what|which|on what|on which) (?:day(?: of the week)?|weekday){_IS} (?:on )?{_D}(?: fall on| on)?",
    rf"(?:the )?(?:day of (?:the )?week|weekday)(?: of| for| on)? {_D}",
    rf"{_D} (?:is|was|will be|falls on) (?:what|which) (?:day(?: of the week)?|weekday)",
    rf"(?:on )?(?:what|which) (?:day of the week|weekday|day) (?:does|did|will) {_D} fall(?: on)?",
    r"(?P<day>(?:tomorrow|yesterday))'s date",
    r"(?:the )?date (?:of |is |was )?(?P<day>(?:tomorrow|yesterday))",
)


def read_dates(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """A goal for `date_math`, after a step for today's date if needed; None if no rule matches."""
    text = re.sub(r"\bthe day (after|before) ", r"1 day \1 ", " ".join(clause.lower.split()))
    return _Dates(clause, earlier).read(text)


class _Dates:
    """The reading of one clause. Relative days such as "tomorrow" become steps before the goal."""

    def __init__(self, clause: Clause, earlier: Sequence[Goal]) -> None:
        self._clause = clause
        self._earlier = earlier
        self._steps: list[Goal] = []
        self._today: int | None = None

    def read(self, text: str) -> tuple[Goal, ...] | None:
        for rule in (self._moved, self._between, self._weekday):
            try:
                goal = rule(text)
            except _NoSuchDay:
                continue
            if goal is not None:
                return (*self._steps, goal)
        return None

    def _moved(self, text: str) -> Goal | None:
        for operation, pattern in _MOVES:
            if match := re.fullmatch(pattern, text):
                return self._move(operation, match["span"], match["day"])
        for operation, pattern in _FROM_TODAY:
            if match := re.fullmatch(pattern, text):
                return self._move(operation, match["span"], "today")
        for operation, pattern in _ON_RESULT:
            if match := re.fullmatch(pattern, text):
                return self._move(operation, match["span"] or match["span2"], "it")
        return None

    def _move(self, operation: str, span: str, day: str) -> Goal:
        amounts = _amounts(span)
        word = "after" if operation == "add" else "before"

        def say(arguments: JsonMapping, output: Any) -> str:
            told = f"{span} {word} {arguments['date']} is **{output['date']}** ({output['weekday']})"
            return f"{told}. {output['note']}" if "note" in output else told

        return self._goal({"operation": operation, "date": self._day(day), **amounts}, say, _date)

    def _between(self, text: str) -> Goal | None:
        for pattern in _BETWEEN:
            if match := re.fullmatch(pattern, text):
                found = match.groupdict()
                days = found["first"] or found.get("first2"), found["second"] or found.get("second2")
                return self._difference(str(days[0]), str(days[1]), found.get("unit") or "days")
        if match := re.fullmatch(_UNTIL, text):
            return self._difference("today", match["day"], match["unit"] or "days")
        if (match := re.fullmatch(_SINCE, text)) and ("since" in text or "ago" in text):
            return self._difference(match["day"], "today", match["unit"])
        return None

    def _difference(self, first: str, second: str, unit: str) -> Goal:
        def say(arguments: JsonMapping, output: Any) -> str:
            start, end = arguments["date"], arguments["other_date"]
            told = f"From {start} to {end} it is **{_length(output, unit)}**"
            return f"{told}, counted backwards: {end} is the earlier one" if output["days"] < 0 else told

        arguments = {"operation": "difference", "date": self._day(first), "other_date": self._day(second)}
        goal = self._goal(arguments, say, lambda output: abs(output["days"]))
        return replace(goal, kind="number" if unit == "days" else "other", unit="days" if unit == "days" else "")

    def _weekday(self, text: str) -> Goal | None:
        for pattern in _WEEKDAY:
            if match := re.fullmatch(pattern, text):
                break
        else:
            return None

        return self._goal({"operation": "weekday", "date": self._day(match["day"])}, _say_weekday, _date)

    def _goal(self, arguments: JsonMapping, say: ResultSentence, value: Callable[[Any], Any]) -> Goal:
        return Goal(
            clause=self._clause.said,
            rule="the calendar",
            tool_name="date_math",
            arguments=arguments,
            say=say,
            kind="date",
            value=value,
        )

    def _day(self, words: str) -> str | Ref:
        words = words.removeprefix("the ")
        if words[0].isdigit():
            return words
        if words in {"today", "now"}:
            return Ref(self._today_place())
        if words in {"tomorrow", "yesterday"}:
            return Ref(self._beside_today("add" if words == "tomorrow" else "subtract"))
        place = latest(self._earlier, "date")
        if place is None:
            raise _NoSuchDay
        return Ref(place)

    def _today_place(self) -> int:
        if self._today is None:
            self._steps.append(today_step(self._clause))
            self._today = len(self._earlier) + len(self._steps) - 1
        return self._today

    def _beside_today(self, operation: str) -> int:
        today = Ref(self._today_place())
        step = self._goal({"operation": operation, "date": today, "days": 1}, _say_weekday, _date)
        self._steps.append(replace(step, is_step=True))
        return len(self._earlier) + len(self._steps) - 1


class _NoSuchDay(Exception):
    """The clause refers to a date, but no earlier result is one."""


def _date(output: Any) -> Any:
    return output["date"]


def _say_weekday(_arguments: JsonMapping, output: Any) -> str:
    return f"{output['date']} is a **{output['weekday']}**"


def _amounts(span: str) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for figure, unit in re.findall(r"(\d+|an?) (day|week|fortnight|month|year)", span):
        count = 1 if figure.startswith("a") else int(figure)
        name, count = ("weeks", 2 * count) if unit == "fortnight" else (f"{unit}s", count)
        amounts[name] = amounts.get(name, 0) + count
    return amounts


def _length(output: Any, unit: str) -> str:
    if unit == "days":
        return _plural(abs(output["days"]), "day")
    weeks = _plural(output["weeks"], "week")
    rest = output["days_beyond_weeks"]
    return f"{weeks} and {_plural(rest, 'day')}" if rest else weeks


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
