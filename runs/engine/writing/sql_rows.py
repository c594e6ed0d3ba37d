"""Rows as the writer inserts them: built once by the recorder, written by plain SQL.

The ORM's `bulk_create` spends most of a step's time budget on building and compiling; one prepared statement per table
with the values in column order does the same in a fifth of the time.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from runs.agent.json_data.json_values import as_storable_json, as_storable_text
from runs.engine.writing.columns import Columns

Convert = Callable[[Any], Any]


class SqlTable:
    """Converts values to the parameters of one table on the current database."""

    def __init__(self, model: type[models.Model], *, without: tuple[str, ...] = ()) -> None:
        fields = [each for each in model._meta.concrete_fields if each.name not in without]
        quote = connection.ops.quote_name
        self.name = quote(model._meta.db_table)
        self.columns = [str(each.attname) for each in fields]
        """Attribute names, in the order of the parameters."""
        columns = ", ".join(quote(str(each.column)) for each in fields)
        self.insert = f"INSERT INTO {self.name} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
        self._quoted = {name: quote(str(each.column)) for name, each in zip(self.columns, fields, strict=True)}
        self._key = quote(str(model._meta.pk.column))
        self._places = {
            name: (place, _converter(each)) for place, (name, each) in enumerate(zip(self.columns, fields, strict=True))
        }
        defaults = {name: each.get_default() for name, each in zip(self.columns, fields, strict=True)}
        self._defaults: list[Any] = [None] * len(fields)
        self._defaults = self.parameters(defaults)

    def parameters(self, values: Columns) -> list[Any]:
        """The values in column order, with the model's defaults. Raises `ValueError` for an unknown column."""
        row = self._defaults.copy()
        try:
            for name, value in values.items():
                place, convert = self._places[name]
                row[place] = value if convert is None or value is None else convert(value)
        except KeyError as error:
            raise ValueError(f"{self.name} has no column {error}.") from None
        return row

    def update(self, values: Columns, key: UUID) -> tuple[str, list[Any]]:
        """An UPDATE of these columns of the row with that primary key: statement and parameters."""
        names = ", ".join(f"{self._quoted[name]} = %s" for name in values)
        return f"UPDATE {self.name} SET {names} WHERE {self._key} = %s", [*self._converted(values), key.hex]  # noqa: S608

    def _converted(self, values: Columns) -> Iterator[Any]:
        for name, value in values.items():
            convert = self._places[name][1]
            yield value if convert is None or value is None else convert(value)


def update_each(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Store these columns of rows of one model as they stand, by their fields' names, in one go.

    Django's `bulk_update` builds an expression for each value, which takes ten times as long.
    """
    if not rows:
        return
    about = rows[0]._meta
    known = {each.name: each for each in about.concrete_fields}
    key = next(each for each in about.concrete_fields if each.primary_key)
    fields = [known[name] for name in names]
    quote = connection.ops.quote_name
    changes = ", ".join(f"{quote(str(each.column))} = %s" for each in fields)
    statement = f"UPDATE {quote(about.db_table)} SET {changes} WHERE {quote(str(key.column))} = %s"  # noqa: S608
    parameters = [
        [each.get_db_prep_save(getattr(row, each.attname), connection) for each in (*fields, key)] for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, parameters)


def _converter(column: "models.Field[Any, Any]") -> Convert | None:
    match column:
        case models.JSONField():
            return _as_json
        case models.UUIDField() | models.ForeignKey():
            return _as_hex
        case models.DateTimeField():
            return time_for(connection.vendor)
        case models.DecimalField():
            return str
        case models.CharField(max_length=int(limit)):
            # SQLite ignores the limit; Postgres would refuse the row. Tool and model names come from models, at any
            # length.
            return lambda value: as_storable_text(value)[:limit]
        case models.TextField():
            return as_storable_text
        case _:
            return None


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""`json.dumps` with options creates an encoder for each value, which costs more than a short value itself."""


def _as_json(value: Any) -> str:
    text = as_storable_text(_encode(value))
    return as_storable_text(_encode(as_storable_json(value))) if r"\u0000" in text else text


def _as_hex(value: UUID | str | int) -> str | int:
    if isinstance(value, UUID):
        return value.hex
    return value.replace("-", "") if isinstance(value, str) else value


def time_for(vendor: str) -> Convert | None:
    """The converter of datetimes for plain SQL on that vendor; None if the driver takes them as they are."""
    return _as_sqlite_time if vendor == "sqlite" else None


def _as_sqlite_time(value: datetime) -> str:
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:-6]  # Without the +00:00 at its end.
