"""SQL for a question about a table, by the names of its columns only: an unknown or ambiguous name is refused."""

from collections.abc import Sequence
from typing import Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.described_table import DescribedTable, identifier, name_forms
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.table_conditions import condition_sql
from runs.agent.providers.offline.table_questions import TableQuestion
from runs.agent.providers.offline.table_sources import TableSource

_ROWS: Final = ("row", "rows", "record", "records", "entry", "entries")
_NAMES: Final = {"sum": "total", "avg": "average", "median": "median", "min": "lowest", "max": "highest"}


def sql_for(
    question: TableQuestion, described: JsonMapping, source: TableSource, quotes: Sequence[str], said: str
) -> str:
    """The SELECT that answers the question about the described table. Raises `TaskRefused`.

    `said` is the clause in the user's words: values must stand there as they are.
    """
    table = DescribedTable.of(described, source)
    where = [condition_sql(words, table, quotes, said) for words in question.conditions]
    value, empty = _value(question, table)
    filtered = f" WHERE {' AND '.join(where)}" if where else ""
    source_sql = f"FROM {identifier(table.name)}{filtered}"
    if not question.group:
        return f"SELECT {value}{empty} {source_sql}"
    group = table.column(question.group)
    name = identifier(group["name"])
    if question.top:
        return _ranked(question, table, group, source_sql)
    return f"SELECT {name}, {value}{empty} {source_sql} GROUP BY 1 ORDER BY 1"


def columns_of(question: TableQuestion, described: JsonMapping, source: TableSource) -> tuple[JsonMapping, str]:
    """The column of the groups, and the name of the column with their figures. Raises `TaskRefused`."""
    table = DescribedTable.of(described, source)
    group = table.column(question.group)
    if question.top:
        return group, _ranked_name(question, table, group)
    return group, _value_name(question, table)


def _value_name(question: TableQuestion, table: DescribedTable) -> str:
    if question.function == "count":
        return "rows" if _counts_rows(question, table) else f"different {table.column(question.of)['name']}"
    name = table.column(question.of)["name"]
    return f"different {name}" if question.function == "distinct" else f"{_NAMES[question.function]} {name}"


def _value(question: TableQuestion, table: DescribedTable) -> tuple[str, str]:
    """The expression of the answer, and that of the number of rows it leaves out."""
    if question.function == "count":
        return _count(question, table), ""
    column = table.column(question.of)
    name = identifier(column["name"])
    if question.function == "distinct":
        return f"count(DISTINCT {name}) AS {identifier('different ' + column['name'])}", ""
    is_ordered = question.function in ("min", "max") and column["type"] in ("DATE", "TIMESTAMP")
    if not is_ordered:
        table.check_number(column)
    alias = identifier(f"{_NAMES[question.function]} {column['name']}")
    cell = f"CAST({name} AS DOUBLE)" if question.function == "median" else name
    empty = f", count(*) - count({name}) AS {identifier('left out')}" if column["empty"] else ""
    return f"{question.function}({cell}) AS {alias}", empty


def _count(question: TableQuestion, table: DescribedTable) -> str:
    """Rows, if that is what is counted; different values of a column, if it has one value in several rows."""
    if _counts_rows(question, table):
        return "count(*) AS rows"
    column = table.column(question.of)
    if question.conditions or question.group:
        raise TaskRefused(
            f"one {column['name']} stands in several rows of {table.file}: ask for rows or for different ones"
        )
    return f"count(DISTINCT {identifier(column['name'])}) AS {identifier('different ' + column['name'])}"


def _counts_rows(question: TableQuestion, table: DescribedTable) -> bool:
    noun = " ".join(question.of).lower()
    stem = table.file.rpartition(".")[0]
    found = table.columns_like(question.of)
    if noun in _ROWS or (not found and name_forms(noun) & name_forms(stem)):
        return True
    return table.is_key(table.column(question.of))


def _ranked(question: TableQuestion, table: DescribedTable, group: JsonMapping, source: str) -> str:
    measure = table.column(question.of)
    table.check_number(measure)
    is_single = table.is_key(group)
    if question.needs_one_row and not is_single:
        rows = f"one {group['name']} stands in several rows of {table.file}"
        raise TaskRefused(f"{rows}: ask for the total or the average {measure['name']}")
    per_row = is_single and question.is_per_row
    alias = _ranked_name(question, table, group)
    name, value, shown = identifier(group["name"]), identifier(measure["name"]), identifier(alias)
    order = "DESC" if question.is_descending else "ASC"
    figure = f"any_value({value})" if per_row else f"{question.function}({value})"
    inner = f"SELECT {name}, {figure} AS {shown} {source} GROUP BY 1 HAVING count({value}) > 0"
    return (
        f"SELECT * FROM ({inner}) AS figures QUALIFY rank() OVER (ORDER BY {shown} {order}) <= {question.top} "
        f"ORDER BY {shown} {order}, 1"
    )


def _ranked_name(question: TableQuestion, table: DescribedTable, group: JsonMapping) -> str:
    measure = table.column(question.of)["name"]
    is_per_row = table.is_key(group) and question.is_per_row
    return str(measure) if is_per_row else f"{_NAMES[question.function]} {measure}"
