"""The conditions of a question about a table, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.described_table import DescribedTable, identifier, is_number, literal
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.table_questions import COMPARATORS
from runs.agent.providers.offline.table_sources import Words, quoted

_NO_VALUES: Final = ("or", "not", "and", "than", "between", "like", "contains")
"""Words that show that a condition is more than one value."""
_IS: Final = ("is", "are", "was", "were", "=", "equals", "of", "equal")
_EMPTY: Final = {("empty",), ("blank",), ("missing",), ("null",), ("unknown",)}
_FILLED: Final = {("filled",), ("present",), ("known",)}
_WITHOUT: Final = ("no", "empty", "missing", "blank")


def condition_sql(words: Words, table: DescribedTable, quotes: Sequence[str], said: str) -> str:
    """The SQL of a condition. `said` is the clause in the user's words: values must stand there as they are. Raises
    `TaskRefused`."""
    comparator, rest = _comparator(words)
    if comparator:
        return _without_column(words, comparator, table, _Value(rest, quotes, said))
    if words[:1] and words[0].lower() in _WITHOUT and len(table.columns_like(words[1:])) == 1:
        return _empty(table, table.column(words[1:]), words[0], is_empty=True)
    for length in range(len(words), 0, -1):
        if len(table.columns_like(words[:length])) == 1:
            return _of_column(words[length:], table, table.column(words[:length]), quotes, said)
    table.column(words[:1])
    raise TaskRefused(f"“{' '.join(words)}” is no condition that I know")


def _without_column(words: Words, comparator: str, table: DescribedTable, value: "_Value") -> str:
    """`over 100`, `after 2026-01-31`: the only column that it may be about."""
    is_date = words[0].lower() in ("after", "before", "since") or _is_date(value.text)
    kind, types = ("dates", ("DATE",)) if is_date else ("numbers", ("BIGINT", "HUGEINT", "DOUBLE", "DECIMAL"))
    column = table.only(*types)
    if column is None:
        found = [str(each["name"]) for each in table.columns if str(each["type"]).startswith(types)]
        told = ", ".join(found) or "none"
        raise TaskRefused(f"“{' '.join(words)}” names no column; the columns with {kind} are: {told}")
    return _compared(table, column, comparator, value)


def _of_column(words: Words, table: DescribedTable, column: JsonMapping, quotes: Sequence[str], said: str) -> str:
    """What is said of a column."""
    low = tuple(word.lower() for word in words)
    if low[:1] and low[0] in _IS:
        words, low = words[1:], low[1:]
    is_negated = low[:1] == ("not",)
    if is_negated:
        words, low = words[1:], low[1:]
    if low in _EMPTY or low in _FILLED:
        return _empty(table, column, words[0], is_empty=(low in _EMPTY) is not is_negated)
    comparator, rest = _comparator(words)
    if is_negated and comparator:
        raise TaskRefused(f"“not {' '.join(words)}” is no condition that I know; say it without “not”")
    equal = _compared(table, column, comparator or "=", _Value(rest, quotes, said))
    # A row without a value has another one, too.
    return f"({equal}) IS NOT TRUE" if is_negated else equal


def _empty(table: DescribedTable, column: JsonMapping, word: str, *, is_empty: bool) -> str:
    """The rows without, or with, a value. An error if the word is itself a value of the column."""
    name = identifier(column["name"])
    test = f"{name} IS {'' if is_empty else 'NOT '}NULL"
    if column["type"] != "VARCHAR":
        return test
    told = literal(f"{word!r} is a value of {column['name']}: put it in quotation marks, or ask for rows without one.")
    exists = f"EXISTS (SELECT 1 FROM {identifier(table.name)} WHERE lower({name}) = {literal(word.lower())})"
    return f"CASE WHEN {exists} THEN CAST(error({told}) AS BOOLEAN) ELSE {test} END"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _comparator(words: Words) -> tuple[str, Words]:
    low = tuple(word.lower() for word in words)
    for length in (2, 1):
        if len(low) >= length and low[:length] in COMPARATORS:
            return COMPARATORS[low[:length]], words[length:]
    return "", words


@dataclass(frozen=True, slots=True)
class _Value:
    """What a column is compared with, in the user's words."""

    words: Words
    quotes: Sequence[str]
    said: str

    @property
    def quoted(self) -> str | None:
        """The text, if it is in quotation marks."""
        return quoted(self.words[0], self.quotes) if len(self.words) == 1 else None

    @property
    def text(self) -> str:
        """The text; empty if it is no single value."""
        if (given := self.quoted) is not None:
            return given
        is_single = not any(word.lower() in _NO_VALUES or "«" in word for word in self.words)
        return " ".join(self.words) if is_single else ""


def _compared(table: DescribedTable, column: JsonMapping, comparator: str, value: _Value) -> str:
    name, type_, text = identifier(column["name"]), str(column["type"]), value.text
    if not text:
        raise TaskRefused(f"the condition on {column['name']} has no single value")
    if is_number(column):
        return f"{name} {comparator} {_number(text)}"
    if type_ in ("DATE", "TIMESTAMP"):
        return f"CAST({name} AS DATE) {comparator} DATE '{_date(text)}'"
    if type_ != "VARCHAR" or comparator != "=":
        raise TaskRefused(f"I cannot compare the column {column['name']} in that way")
    if value.quoted is None and text.casefold() not in value.said.casefold():
        raise TaskRefused(f"write the value of {column['name']} in quotation marks")
    return _equal(table, name, text)


def _equal(table: DescribedTable, name: str, text: str) -> str:
    """The comparison with a text, which is an error if no row has it: then more was meant than a value."""
    equal = f"lower({name}) = lower({literal(text)})"
    told = literal(f"No row has {text[:100]!r} in that column.")
    exists = f"EXISTS (SELECT 1 FROM {identifier(table.name)} WHERE {equal})"
    return f"CASE WHEN {exists} THEN {equal} ELSE CAST(error({told}) AS BOOLEAN) END"


def _number(text: str) -> str:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise TaskRefused(f"“{text[:60]}” is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > 30 or len(text) > 40:
        raise TaskRefused(f"“{text[:60]}” is no number that I compare with")
    return f"{number:f}"


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise TaskRefused(f"“{text[:60]}” is no date; write it as 2026-01-31") from None
