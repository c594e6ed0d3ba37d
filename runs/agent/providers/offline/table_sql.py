"""SQL for a question about a table, by the names of its columns only: an unknown or ambiguous name is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.table_questions import COMPARATORS, TableQuestion, Words, quoted

_ROWS: Final = ("row", "rows", "record", "records", "entry", "entries")
_NUMBERS: Final = ("BIGINT", "HUGEINT", "DOUBLE", "DECIMAL")
_NAMES: Final = {"sum": "total", "avg": "average", "median": "median", "min": "lowest", "max": "highest"}
_NO_VALUES: Final = ("or", "not", "and", "than", "between", "like", "contains")
"""Words that show that a condition is more than one value."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A described table."""

    file: str
    name: str
    rows: int
    columns: Sequence[JsonMapping]

    def column(self, words: Words) -> JsonMapping:
        """The only column of that name. Raises `TaskRefused`."""
        found = self.columns_like(words)
        if len(found) == 1:
            return found[0]
        told = ", ".join(str(each["name"]) for each in self.columns[:20])
        problem = "several columns" if found else "no column"
        raise TaskRefused(f"{self.file} has {problem} “{' '.join(words)[:60]}”; its columns are: {told}")

    def columns_like(self, words: Words) -> list[JsonMapping]:
        """The columns of exactly that name; else of that name in the plural or singular."""
        wanted = " ".join(words)
        exact = [each for each in self.columns if _plain(str(each["name"])) == _plain(wanted)]
        return exact or [each for each in self.columns if _forms(str(each["name"])) & _forms(wanted)]

    def is_key(self, column: JsonMapping) -> bool:
        """True if each row has its own value of the column."""
        return bool(column["distinct"] == self.rows and not column["empty"])


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _forms(name: str) -> set[str]:
    """The name, and what may be its singular."""
    plain = _plain(name)
    forms = {plain}
    if plain.endswith("ies"):
        forms.add(f"{plain[:-3]}y")
    if plain.endswith("es"):
        forms.add(plain[:-2])
    if plain.endswith("s"):
        forms.add(plain[:-1])
    return forms


def sql_for(question: TableQuestion, described: JsonMapping, quotes: Sequence[str], said: str) -> str:
    """The SELECT that answers the question about the described table. Raises `TaskRefused`.

    `said` is the clause in the user's words: values must stand there as they are.
    """
    table = _Table(described["file"], described["table"], described["rows"], described["columns"])
    if described.get("sheets"):
        raise TaskRefused(f"{table.file} has several sheets, and I do not know which one is meant")
    if described.get("more_columns"):
        raise TaskRefused(f"{table.file} has more columns than I look at")
    where = [_condition(words, table, quotes, said) for words in question.conditions]
    value, empty = _value(question, table)
    filtered = f" WHERE {' AND '.join(where)}" if where else ""
    source = f"FROM {_identifier(table.name)}{filtered}"
    if not question.group:
        return f"SELECT {value}{empty} {source}"
    group = table.column(question.group)
    name = _identifier(group["name"])
    if question.top:
        return _ranked(question, table, group, source)
    return f"SELECT {name}, {value}{empty} {source} GROUP BY 1 ORDER BY 1"


def _value(question: TableQuestion, table: _Table) -> tuple[str, str]:
    """The expression of the answer, and that of the number of rows it leaves out."""
    if question.function == "count":
        return _count(question, table), ""
    column = table.column(question.of)
    name = _identifier(column["name"])
    if question.function == "distinct":
        return f"count(DISTINCT {name}) AS {_identifier('different ' + column['name'])}", ""
    is_ordered = question.function in ("min", "max") and column["type"] in ("DATE", "TIMESTAMP")
    if not is_ordered:
        _check_number(column, table)
    alias = _identifier(f"{_NAMES[question.function]} {column['name']}")
    cell = f"CAST({name} AS DOUBLE)" if question.function == "median" else name
    empty = f", count(*) - count({name}) AS {_identifier('left out')}" if column["empty"] else ""
    return f"{question.function}({cell}) AS {alias}", empty


def _check_number(column: JsonMapping, table: _Table) -> None:
    if not str(column["type"]).startswith(_NUMBERS):
        why = f": {column['note']}" if "note" in column else ""
        raise TaskRefused(f"the column {column['name']} of {table.file} has no numbers{why}")


def _count(question: TableQuestion, table: _Table) -> str:
    """Rows, if that is what is counted; different values of a column, if it has one value in several rows."""
    noun = " ".join(question.of).lower()
    stem = table.file.rpartition(".")[0]
    found = table.columns_like(question.of)
    if noun in _ROWS or (not found and _forms(noun) & _forms(stem)):
        return "count(*) AS rows"
    column = table.column(question.of)
    if table.is_key(column):
        return "count(*) AS rows"
    if question.conditions or question.group:
        raise TaskRefused(
            f"one {column['name']} stands in several rows of {table.file}: ask for rows or for different ones"
        )
    return f"count(DISTINCT {_identifier(column['name'])}) AS {_identifier('different ' + column['name'])}"


def _ranked(question: TableQuestion, table: _Table, group: JsonMapping, source: str) -> str:
    measure = table.column(question.of)
    _check_number(measure, table)
    is_single = table.is_key(group)
    if question.needs_one_row and not is_single:
        rows = f"one {group['name']} stands in several rows of {table.file}"
        raise TaskRefused(f"{rows}: ask for the total or the average {measure['name']}")
    per_row = is_single and question.is_per_row
    alias = str(measure["name"]) if per_row else f"{_NAMES[question.function]} {measure['name']}"
    name, value, shown = _identifier(group["name"]), _identifier(measure["name"]), _identifier(alias)
    order = "DESC" if question.is_descending else "ASC"
    figure = f"any_value({value})" if per_row else f"{question.function}({value})"
    inner = f"SELECT {name}, {figure} AS {shown} {source} GROUP BY 1 HAVING count({value}) > 0"
    return (
        f"SELECT * FROM ({inner}) AS figures QUALIFY rank() OVER (ORDER BY {shown} {order}) <= {question.top} "
        f"ORDER BY {shown} {order}, 1"
    )


def _condition(words: Words, table: _Table, quotes: Sequence[str], said: str) -> str:
    """The SQL of a condition."""
    comparator, rest = _comparator(words)
    if comparator:
        numbers = [each for each in table.columns if str(each["type"]).startswith(_NUMBERS)]
        if len(numbers) != 1:
            told = ", ".join(str(each["name"]) for each in numbers) or "none"
            raise TaskRefused(f"“{' '.join(words)}” names no column; the columns with numbers are: {told}")
        return _compared(table, numbers[0], comparator, _Value(rest, quotes, said))
    for length in range(len(words), 0, -1):
        if len(table.columns_like(words[:length])) == 1:
            rest = words[length:]
            if rest[:1] and rest[0].lower() in ("is", "are", "=", "equals", "of", "equal"):
                rest = rest[1:]
            comparator, rest = _comparator(rest)
            return _compared(table, table.column(words[:length]), comparator or "=", _Value(rest, quotes, said))
    table.column(words[:1])
    raise TaskRefused(f"“{' '.join(words)}” is no condition that I know")


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


def _compared(table: _Table, column: JsonMapping, comparator: str, value: _Value) -> str:
    name, type_, text = _identifier(column["name"]), str(column["type"]), value.text
    if not text:
        raise TaskRefused(f"the condition on {column['name']} has no single value")
    if type_.startswith(_NUMBERS):
        return f"{name} {comparator} {_number(text)}"
    if type_ == "DATE":
        return f"{name} {comparator} DATE '{_date(text)}'"
    if type_ != "VARCHAR" or comparator != "=":
        raise TaskRefused(f"I cannot compare the column {column['name']} in that way")
    if value.quoted is None and text.casefold() not in value.said.casefold():
        raise TaskRefused(f"write the value of {column['name']} in quotation marks")
    return _equal(table, name, text)


def _equal(table: _Table, name: str, text: str) -> str:
    """The comparison with a text, which is an error if no row has it: then more was meant than a value."""
    equal = f"lower({name}) = lower({_literal(text)})"
    told = _literal(f"No row has {text[:100]!r} in that column.")
    exists = f"EXISTS (SELECT 1 FROM {_identifier(table.name)} WHERE {equal})"
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


def _identifier(name: Any) -> str:
    return '"' + str(name).replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
