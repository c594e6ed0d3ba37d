"""Arithmetic: expressions, questions about percentages, and instructions such as "add 10 to the result"."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.expression_parser import NotSpoken, read_expression
from runs.agent.providers.offline.goals import Clause, Expression, Goal
from runs.agent.providers.offline.grammar.references import latest, with_references
from runs.agent.providers.offline.numbers import number_text
from runs.agent.providers.offline.operator_words import in_symbols, is_symbolic

# {A}, {B} are operands, {P} is a figure before a percent sign, {N} a whole number, {R} the result so far.
_ORDERS = (
    ("add {P}% to {A}", "{A} * (100 + {P}) / 100"),
    ("{P}% more than {A}", "{A} * (100 + {P}) / 100"),
    ("{P}% less than {A}", "{A} * (100 - {P}) / 100"),
    ("{A} more than {B}", "{B} + {A}"),
    ("{A} less than {B}", "{B} - {A}"),
    ("add {A} to {B}", "{B} + {A}"),
    ("add {A} and {B}", "{A} + {B}"),
    ("(?:subtract|take|deduct|remove) {P}% (?:from|off|away from) {A}", "{A} * (100 - {P}) / 100"),
    ("(?:subtract|take|take away|deduct) {A} (?:away )?from {B}", "{B} - {A}"),
    ("{A} (?:subtracted|taken|taken away) from {B}", "{B} - {A}"),
    ("multiply {A} (?:by|with|and) {B}", "{A} * {B}"),
    ("divide {A} by {B}", "{A} / {B}"),
    (
        "(?:split|divide|share) {A} (?:into|between|among|by) {B}(?: equal)?(?: (?:parts|people|ways|groups|pieces))?",
        "{A} / {B}",
    ),
    ("{A} and {B} added", "{A} + {B}"),
    ("{A} and {B} multiplied", "{A} * {B}"),
    ("(?:increase|raise|grow) {A} by {P}%", "{A} * (100 + {P}) / 100"),
    ("{A} (?:increased|raised) by {P}%", "{A} * (100 + {P}) / 100"),
    ("(?:decrease|reduce|lower|discount) {A} by {P}%", "{A} * (100 - {P}) / 100"),
    ("{A} (?:decreased|reduced|lowered|discounted) by {P}%", "{A} * (100 - {P}) / 100"),
    ("{A} (?:with|at) {P}% off", "{A} * (100 - {P}) / 100"),
    ("increase {A} by {B}", "{A} + {B}"),
    ("(?:decrease|reduce|lower) {A} by {B}", "{A} - {B}"),
    ("raise {A} \\*\\* {B}", "{A} ** {B}"),
    ("{A} doubled", "{A} * 2"),
    ("{A} tripled", "{A} * 3"),
    ("{A} halved", "{A} / 2"),
    ("square {A}", "{A} ** 2"),
    ("cube {A}", "{A} ** 3"),
    ("halve {A}", "{A} / 2"),
    ("(?:take|start with|begin with|starting with|starting from|start from) {A}", "{A}"),
    ("take half of {A}", "{A} / 2"),
    ("take sqrt of {A}", "sqrt({A})"),
    ("take {P}% of {A}", "{A} * {P} / 100"),
    ("round {A} to {N} (?:decimals?|decimal places?|digits? after decimal point|places)", "round({A}, {N})"),
    ("round {A}(?: to(?: a| nearest)? (?:whole number|integer))?", "round({A})"),
)
_QUESTIONS = (
    ("(?:what )?(?:%|percentage) of {A} is {B}", "{B} * 100 / {A}", "%"),
    ("{B} is what (?:%|percentage) of {A}", "{B} * 100 / {A}", "%"),
    ("{B} as (?:a )?(?:%|percentage) of {A}", "{B} * 100 / {A}", "%"),
    ("{B} in % of {A}", "{B} * 100 / {A}", "%"),
    ("(?:%|percentage) (?:increase|change|growth) from {A} to {B}", "({B} - {A}) * 100 / {A}", "%"),
    ("(?:%|percentage) (?:decrease|drop) from {A} to {B}", "({A} - {B}) * 100 / {A}", "%"),
    ("{B} is {P}% of what(?: number)?", "{B} * 100 / {P}", ""),
    ("(?:a )?{P}% tip (?:on|for|of) (?:a )?{A}(?: bill)?", "{A} * {P} / 100", ""),
    ("{A} mod {B}", "{A} % {B}", ""),
    ("how many \\* does {A} go into {B}", "{B} / {A}", ""),
)
_ORDERS_ON_RESULT = (
    ("add {P}%", "{R} * (100 + {P}) / 100"),
    ("(?:add|\\+) {A}", "{R} + {A}"),
    ("(?:subtract|deduct|take off|take away) {P}%", "{R} * (100 - {P}) / 100"),
    ("(?:subtract|deduct|take off|take away|-) {A}", "{R} - {A}"),
    ("(?:multiply by|\\*) {A}", "{R} * {A}"),
    ("(?:divide by|/) {A}", "{R} / {A}"),
    ("\\*\\* {A}", "{R} ** {A}"),
    ("(?:increase|raise) by {P}%", "{R} * (100 + {P}) / 100"),
    ("(?:decrease|reduce|lower) by {P}%", "{R} * (100 - {P}) / 100"),
    ("take {P}%(?: of)?", "{R} * {P} / 100"),
    ("take {P}% off", "{R} * (100 - {P}) / 100"),
    ("double", "{R} * 2"),
    ("triple", "{R} * 3"),
    ("halve|take half", "{R} / 2"),
    ("square", "{R} ** 2"),
    ("cube", "{R} ** 3"),
    ("(?:take )?sqrt", "sqrt({R})"),
    ("round to {N} (?:decimals?|decimal places?|places)", "round({R}, {N})"),
    ("round(?: to(?: a| nearest)? (?:whole number|integer))?", "round({R})"),
)
_SLOTS = {"A": r"(?P<A>.+?)", "B": r"(?P<B>.+?)", "P": r"(?P<P>\d+(?:\.\d+)?|#\d+) ?", "N": r"(?P<N>\d{1,2})"}
# 2026-12-25 and 11/22/2026 are dates, 10:30 is a time, 192.168.1.1 an address: not arithmetic.
_NOT_ARITHMETIC = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d+/\d+/\d{2,4}|\d:\d|\d+\.\d+\.\d+")
# After another clause "minus 5" continues from its result; whether "add 3 and 4" does is ambiguous.
_GOES_ON = re.compile(r"[-+*/] |(?:add|sum of) [\d.,]+(?:,| and )")
# A single currency sign can be dropped; two currencies would need an exchange rate.
_CURRENCY = re.compile(r"[$€£](?=\d)")
_HAS_WORK = re.compile(r"[-+*/%^!(]|[a-z]")


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{([ABPN])\}", lambda match: _SLOTS[match[1]], pattern))


_ABOUT_OPERANDS = tuple((_compiled(row[0]), row[1], row[2] if len(row) > 2 else "") for row in (*_QUESTIONS, *_ORDERS))
_ABOUT_RESULT = tuple((_compiled(pattern), result, "") for pattern, result in _ORDERS_ON_RESULT)


def read_arithmetic(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """A goal for the calculator, or None if no rule matches."""
    if _NOT_ARITHMETIC.search(clause.text) or "«" in clause.text or len(set(_CURRENCY.findall(clause.text))) > 1:
        return None
    said = _CURRENCY.sub("", with_references(clause.lower, earlier))
    text = in_symbols(said)
    if latest(earlier, "number") is not None and "#" not in said and _GOES_ON.match(text):
        found = _on_result(text, earlier)
        return None if found is None else (_goal(clause, *found),)
    found = _typed(said) or _matching(text, _ABOUT_OPERANDS) or _on_result(text, earlier) or _plain(text)
    return None if found is None else (_goal(clause, *found),)


def _typed(text: str) -> tuple[str, str] | None:
    """An expression of figures and symbols, unchanged."""
    if not is_symbolic(text) or not _HAS_WORK.search(text):
        return None
    return (re.sub(r"(?<=\d),(?=\d{3})", "", text), "") if _understood(text) else None


def _understood(text: str) -> bool:
    try:
        read_expression(in_symbols(text))
    except NotSpoken:
        return False
    return not re.fullmatch(r"[-+]?[\d.,]+", text)


def _plain(text: str) -> tuple[str, str] | None:
    """An expression that contains words, in symbols."""
    try:
        expression = read_expression(text).text
    except NotSpoken:
        return None
    return (expression, "") if _HAS_WORK.search(expression.lstrip("+-")) else None


def _on_result(text: str, earlier: Sequence[Goal]) -> tuple[str, str] | None:
    """An instruction without its first operand, such as "add 10", applied to the result before it."""
    result = latest(earlier, "number")
    # "add 3 and 4" after another clause is ambiguous, so no row matches it on purpose.
    return None if result is None else _matching(text, _ABOUT_RESULT, {"R": f"#{result}"})


def _matching(
    text: str, rows: tuple[tuple[re.Pattern[str], str, str], ...], known: Mapping[str, str] | None = None
) -> tuple[str, str] | None:
    for pattern, result, unit in rows:
        if match := pattern.fullmatch(text):
            try:
                operands = {name: _operand(part) for name, part in match.groupdict().items()}
            except NotSpoken:
                continue
            return _unwrapped(result.format(**operands, **(known or {}))), unit
    return None


def _operand(text: str) -> str:
    node = read_expression(text)
    if node.is_infix:
        raise NotSpoken
    return node.text if re.fullmatch(r"#?[\d.]+|\w+\(.*\)", node.text) else f"({node.text})"


def _unwrapped(expression: str) -> str:
    """The expression without double brackets, as in sqrt((4)) and round((4), 2)."""
    return re.sub(r"\(\(([^()]*)\)([,)])", r"(\1\2", expression)


def _goal(clause: Clause, expression: str, unit: str) -> Goal:
    def say(arguments: JsonMapping, output: Any) -> str:
        return f"`{arguments['expression']}` = **{number_text(output)}{unit}**"

    return Goal(
        clause=clause.said,
        rule="arithmetic",
        tool_name="calculator",
        arguments={"expression": Expression(expression) if "#" in expression else expression},
        say=say,
        unit=unit,
    )
