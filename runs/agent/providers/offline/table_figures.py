"""Figures of tables as people read them: amounts with their cents, large sums with separators."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.described_table import DescribedTable
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.numbers import number_text
from runs.agent.providers.offline.table_questions import TableQuestion
from runs.agent.providers.offline.table_sources import TableSource

SEPARATED_FROM: Final = 10_000
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#~"})


def has_cents(question: TableQuestion, described: JsonMapping, source: TableSource) -> bool:
    """True if the answer is an amount of a column whose values have two decimals."""
    if question.function not in ("sum", "min", "max"):
        return False
    try:
        column = DescribedTable.of(described, source).column(question.of)
    except TaskRefused:
        return False
    type_ = str(column["type"])
    return type_.startswith("DECIMAL(") and type_.endswith(",2)")


def figure(value: Any, question: TableQuestion, *, cents: bool) -> str:
    """The figure that a question asks for."""
    is_sum = question.function in ("sum", "count", "distinct")
    if value is None or isinstance(value, bool) or not (cents or is_sum):
        return plain(value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return plain(value)
    separator = "," if abs(number) >= SEPARATED_FROM else ""
    if cents and number == round(number, 2):
        return f"{number:{separator}.2f}"
    return f"{value:{separator}}" if isinstance(value, int) else plain(value)


def plain(value: Any) -> str:
    """A cell as text in Markdown."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return "none" if value is None else str(value).translate(_SPECIAL)
