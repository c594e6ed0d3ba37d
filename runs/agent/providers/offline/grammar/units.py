"""Units: "convert 72 degF to degC", "how many feet are in 2 meters", "convert the result from miles to km"."""

import re
from collections.abc import Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import Clause, Goal, Ref, TaskRefused
from runs.agent.providers.offline.grammar.references import latest, with_references
from runs.agent.providers.offline.grammar.unit_names import Unit, unit_named
from runs.agent.providers.offline.numbers import number_text

_V = r"(?P<value>#\d+|[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-−]?\.\d+|(?:half )?an?|half)"
_FROM = r"(?P<source>[^\d#«]+?\d?)"
_TO = r"(?P<target>[^\d#«]+?\d?)"
_CONVERT = r"(?:(?:convert|change|turn|express|transform|translate|give|show|write|put)\s+)?"
_MEASURED = "(?:temperature|length|distance|weight|mass|speed|time|value|height|size)"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_CONVERT}{_V} ?{_FROM} (?:equal to in|is what in|to|into|in|as) {_TO}",
        rf"(?:the )?{_MEASURED} in {_TO} (?:if|when|for|of) (?:it is |it's )?{_V} ?{_FROM}",
        rf"how much (?:does|do) {_V} ?{_FROM} weigh in {_TO}",
        rf"{_CONVERT}{_V} from {_FROM} (?:to|into) {_TO}",
        rf"(?:convert|change|turn) from {_FROM} (?:to|into) {_TO}[:,]? {_V}",
        rf"(?:how many|number of|the number of) {_TO} (?:are |is |go |fit )?(?:there )?(?:in|into|make) {_V} ?{_FROM}",
        rf"(?:how many|how much) {_TO} (?:are|is|equals?|do|does) {_V} ?{_FROM}(?: (?:have|has|contain|make))?",
        rf"{_V} ?{_FROM} (?:is|are|=|equals?|makes?|has|have|contains?) how many {_TO}",
        rf"how (?:long|far|heavy|much|hot|cold|warm|fast|big|tall|large) (?:is|are) {_V} ?{_FROM} in {_TO}",
    )
)
_BARE_TARGET = re.compile(rf"{_CONVERT}(?:back )?(?:to|into|in) ([^\d#«]+\d?)", re.IGNORECASE)
_ONTO_UNIT = re.compile(
    rf"{_CONVERT}(#\d+) (?:to|into|in|as) ([^\d#«]+\d?)|how many ([^\d#«]+) (?:is|are|in|does) (#\d+)(?: make)?",
    re.IGNORECASE,
)
_LONG_NAMES = {
    "m": ("meters", "meter"),
    "km": ("kilometers",),
    "foot": ("feet",),
    "inch": ("inches",),
    "s": ("seconds",),
}
_WORDS = {"a": 1, "an": 1, "half": 0.5, "half a": 0.5, "half an": 0.5}
_NO_FIXED_LENGTH = (
    "months and years have no fixed number of days. Give two dates instead, such as: "
    "days between 2026-01-01 and 2027-01-01"
)


def read_units(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """A goal for `convert_units`, or None if no rule matches. Raises `TaskRefused` for years in days and the like."""
    text = _with_references(clause.text, earlier)
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            source, target = unit_named(match["source"]), unit_named(match["target"])
            if source and target:
                return (_goal(clause, _value(match["value"]), source, target, (match["source"], match["target"])),)
    if match := _ONTO_UNIT.fullmatch(text):
        result, wanted = match[1] or match[4], match[2] or match[3]
        if target := unit_named(wanted):
            return (_goal_on_result(clause, int(result[1:]), target, wanted, earlier),)
    place = latest(earlier, "number")
    if place is not None and (match := _BARE_TARGET.fullmatch(text)) and (target := unit_named(match[1])):
        return (_goal_on_result(clause, place, target, match[1], earlier),)
    return None


def _with_references(text: str, earlier: Sequence[Goal]) -> str:
    """The text with `#n` in place of references. The case of other words is kept: MB and Mb differ."""
    if latest(earlier, "number") is None:
        return text
    pointed = with_references(text.lower(), earlier)
    words = text.split()
    if "#" not in pointed:
        return text
    kept = {word.lower(): word for word in words}
    return " ".join(kept.get(word, word) for word in pointed.split())


def _value(text: str) -> float | Ref:
    if text.startswith("#"):
        return Ref(int(text[1:]))
    if (word := _WORDS.get(" ".join(text.lower().split()))) is not None:
        return word
    number = float(text.replace(",", "").replace("−", "-"))
    return int(number) if number.is_integer() else number


def _goal_on_result(clause: Clause, result: int, target: Unit, shown: str, earlier: Sequence[Goal]) -> Goal:
    source = unit_named(earlier[result].unit)
    if source is None:
        raise TaskRefused("the result has no unit, so say from which one: convert the result from miles to km")
    return _goal(clause, Ref(result), source, target, (earlier[result].unit, shown))


def _goal(clause: Clause, value: float | Ref, source: Unit, target: Unit, shown: tuple[str, str]) -> Goal:
    if "calendar" in {source.kind, target.kind} and source.kind != target.kind and "time" in {source.kind, target.kind}:
        raise TaskRefused(_NO_FIXED_LENGTH)
    asked_from, asked_to = (" ".join(words.split()) for words in shown)
    note = "; ".join(dict.fromkeys(filter(None, (source.note, target.note))))

    def say(arguments: JsonMapping, output: Any) -> str:
        told = number_text(output)
        verb = "is" if told.startswith("about") else "="
        before = f"{number_text(arguments['value'])} {asked_from}"
        return f"{before} {verb} **{told} {asked_to}**" + (f" ({note})" if note else "")

    return Goal(
        clause=clause.said,
        rule="unit conversion",
        tool_name="convert_units",
        arguments={"value": value, "from_unit": _for_tool(asked_from, source), "to_unit": _for_tool(asked_to, target)},
        say=say,
        unit=asked_to,
    )


def _for_tool(words: str, unit: Unit) -> str:
    """The user's word if the tool knows it too (singular or plural of the name), else the tool's name."""
    return words if words in {unit.name, f"{unit.name}s", *_LONG_NAMES.get(unit.name, ())} else unit.name
