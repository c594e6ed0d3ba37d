"""The type of each column of a table whose cells are text: what all cells are without doubt, else text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from runs.agent.tools.data.raw_table import CellKind

_DATE: Final = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
_ZONE: Final = r"(Z|[+-]\d\d(:?\d\d)?)"
_WRITTEN: Final = frozenset[CellKind]({"any", "text"})
_NUMBERS: Final = frozenset[CellKind]({"any", "number"})
_EXACT_DIGITS: Final = 18
_EXACT_SCALE: Final = 6
"""Numbers up to these are decimals, whose sums are exact; others are floats."""
_FLOAT_DIGITS: Final = 17


@dataclass(frozen=True, slots=True)
class Form:
    """What the cells of a type look like, and how they are read."""

    pattern: str
    """RE2; the whole cell fits."""
    kinds: frozenset[CellKind]
    """The kinds of cells that it is looked for in."""
    type: str
    """The type in SQL."""
    sql: str = "{c}"
    """Reads the cell `{c}`, before the cast to the type."""
    note: str = ""


# `007` is no number: it is a code, and its zeros would be lost.
POINT: Final = Form(r"[+-]?(0|[1-9]\d{0,37})?(\.\d+)?", _NUMBERS, "DOUBLE")
COMMA: Final = Form(
    r"[+-]?(0|[1-9]\d{0,37}|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?",
    frozenset({"any"}),
    "DOUBLE",
    "replace(replace({c}, '.', ''), ',', '.')",
    "written with a decimal comma",
)
GROUPS: Final = Form(
    r"[+-]?(0|[1-9]\d{0,37}|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?",
    frozenset({"any"}),
    "DOUBLE",
    "replace({c}, ',', '')",
    "written with commas between thousands",
)
FORMS: Final = (
    Form(r"(?i)true|false", frozenset({"any", "boolean"}), "BOOLEAN"),
    Form(r"[+-]?(0|[1-9]\d{0,17})", _NUMBERS, "BIGINT"),
    Form(r"[+-]?(0|[1-9]\d{0,37})", _NUMBERS, "HUGEINT"),
    POINT,
    COMMA,
    GROUPS,
    Form(r"(?i)[+-]?((0|[1-9]\d{0,37})?(\.\d+)?(e[+-]?\d{1,3})?|nan|inf|infinity)", _NUMBERS, "DOUBLE"),
    Form(_DATE, frozenset({"any", "text", "date"}), "DATE"),
    Form(
        r"(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.\d{4}",
        _WRITTEN,
        "DATE",
        "try_strptime({c}, '%d.%m.%Y')",
        "written as day.month.year",
    ),
    Form(rf"{_DATE}([T ]{_CLOCK})?", frozenset({"any", "text", "date", "datetime"}), "TIMESTAMP"),
    Form(rf"{_DATE}[T ]{_CLOCK}{_ZONE}", _WRITTEN, "TIMESTAMP WITH TIME ZONE"),
    Form(_CLOCK, frozenset({"any", "text", "time"}), "TIME"),
)
"""In the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column, and how its cells are read."""

    type: str
    sql: str
    note: str = ""


_TEXT: Final = ColumnType("VARCHAR", "{c}")
_JSON: Final = ColumnType("JSON", "CAST({c} AS JSON)")


def column_types(
    connection: duckdb.DuckDBPyConnection, table: str, kinds: Sequence[set[CellKind]], delimiter: str
) -> list[ColumnType]:
    """The type of each column `c0`, `c1` … of `table`, by all of its cells. `kinds` is what their file says of them."""
    fitting: dict[int, list[Form]] = {place: [] for place, found in enumerate(kinds) if found}
    firsts = dict(zip(fitting, _row(connection, table, [f"any_value(c{place})" for place in fitting]), strict=True))
    for form in FORMS:
        asked = [
            place
            for place, forms in fitting.items()
            if kinds[place] <= form.kinds
            and firsts[place] is not None
            and (not forms or (form in _STYLES and forms[0] in _STYLES))
        ]
        for place in _fits(connection, table, {place: firsts[place] for place in asked}, form):
            fitting[place].append(form)
    types = {place: _decided(forms, delimiter) for place, forms in fitting.items()}
    numbers = {place: types[place] for place, forms in fitting.items() if forms and forms[0] in _STYLES}
    exact = _number_types(connection, table, {place: each for place, each in numbers.items() if each.type != "VARCHAR"})
    return [
        _JSON if found == {"json"} else exact.get(place) or types.get(place, _TEXT) for place, found in enumerate(kinds)
    ]


_STYLES: Final = (POINT, COMMA, GROUPS)
"""The ways to write a number with a fraction."""


def _fits(connection: duckdb.DuckDBPyConnection, table: str, firsts: dict[int, object], form: Form) -> list[int]:
    """The columns whose cells all fit the form. `firsts` has a cell of each."""
    if not firsts:
        return []
    # One cell tells most columns apart; the others are read to the end.
    [[likely]] = connection.execute(
        "SELECT list_transform($1::VARCHAR[], lambda cell: regexp_full_match(cell, $2))",
        [list(firsts.values()), form.pattern],
    ).fetchall()
    places = [place for place, is_likely in zip(firsts, likely, strict=True) if is_likely]
    checks = [_misfits(f"c{place}", form) for place in places]
    return [place for place, misfits in zip(places, _row(connection, table, checks), strict=True) if not misfits]


def _row(connection: duckdb.DuckDBPyConnection, table: str, expressions: Sequence[str]) -> tuple[object, ...]:
    if not expressions:
        return ()
    [row] = connection.execute(f"SELECT {', '.join(expressions)} FROM {table}").fetchall()
    return tuple(row)


def _misfits(cell: str, form: Form) -> str:
    """The SQL that counts the cells that do not fit the form. Empty cells fit every form."""
    read = f"TRY_CAST({form.sql.format(c=cell)} AS {form.type})"
    return f"count_if({cell} IS NOT NULL AND (NOT regexp_full_match({cell}, '{form.pattern}') OR {read} IS NULL))"


def _decided(forms: Sequence[Form], delimiter: str) -> ColumnType:
    """The type of a column whose cells fit these forms; text if they leave a doubt."""
    if not forms:
        return _TEXT
    form = forms[0]
    # A file whose cells are separated by semicolons often has decimal commas: is 1.234 a thousand there?
    is_doubtful = COMMA in forms and len(forms) > 1 and (POINT not in forms or delimiter == ";")
    if is_doubtful:
        return ColumnType(
            "VARCHAR", "{c}", "text, because a point or comma in its numbers may mean thousands or decimals"
        )
    return ColumnType(form.type, form.sql if form in _STYLES else f"CAST({form.sql} AS {form.type})", form.note)


def _number_types(
    connection: duckdb.DuckDBPyConnection, table: str, read: dict[int, ColumnType]
) -> dict[int, ColumnType]:
    """Decimals or floats for columns of numbers with fractions, by their digits."""
    asked = [
        f"max(length({part}))"
        for place, type_ in read.items()
        for number in [type_.sql.format(c=f"c{place}")]
        for part in (f"ltrim(split_part({number}, '.', 1), '+-')", f"split_part({number}, '.', 2)")
    ]
    digits = iter(_row(connection, table, asked))
    return {place: _number_type(type_, next(digits), next(digits)) for place, type_ in read.items()}


def _number_type(read: ColumnType, whole: object, fraction: object) -> ColumnType:
    if not isinstance(whole, int) or not isinstance(fraction, int):
        raise TypeError(f"Lengths are integers, not {whole!r} and {fraction!r}.")
    is_exact = fraction <= _EXACT_SCALE and whole + fraction <= _EXACT_DIGITS
    type_ = f"DECIMAL({_EXACT_DIGITS},{fraction})" if is_exact else "DOUBLE"
    note = read.note
    if not is_exact and whole + fraction > _FLOAT_DIGITS:
        note = "; ".join(
            filter(None, (note, f"numbers of up to {whole + fraction} digits, read as floats of 15 to 17"))
        )
    return ColumnType(type_, f"CAST({read.sql} AS {type_})", note)
