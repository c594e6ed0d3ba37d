"""Rows as the writer inserts them: built once by the recorder, written by plain SQL.

The ORM's `bulk_create` spends most of a step's time budget on building and compiling; one prepared statement per table
with the values in column order does the same for a fifth of it.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

Convert = Callable[[Any], Any]


class Table:
    """How values become one table's parameters on the current database."""

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

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        """The values in column order, missing ones by the model's default. Unknown names are an error."""
        row = self._defaults.copy()
        try:
            for name, value in values.items():
                place, convert = self._places[name]
                row[place] = value if convert is None or value is None else convert(value)
        except KeyError as error:
            raise ValueError(f"{self.name} has no column {error}.") from None
        return row

    def update(self, values: dict[str, Any], key: UUID) -> tuple[str, list[Any]]:
        """The statement that sets these columns of the row with that primary key, and its parameters."""
        names = ", ".join(f"{self._quoted[name]} = %s" for name in values)
        return f"UPDATE {self.name} SET {names} WHERE {self._key} = %s", [*self._converted(values), key.hex]  # noqa: S608

    def _converted(self, values: dict[str, Any]) -> Iterator[Any]:
        for name, value in values.items():
            convert = self._places[name][1]
            yield value if convert is None or value is None else convert(value)


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
            # SQLite does not mind; Postgres refuses the row. Names of tools and models are whatever a model says.
            return lambda value: as_text(value)[:limit]
        case models.TextField():
            return as_text
        case _:
            return None


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""`json.dumps` with options makes an encoder for each value, which costs more than a short value itself."""


def _as_json(value: Any) -> str:
    text = as_text(_encode(value))
    return as_text(_encode(_without_nul(value))) if r"\u0000" in text else text


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return as_text(value)
        case dict():
            return {_without_nul(key): _without_nul(each) for key, each in value.items()}
        case list() | tuple():
            return [_without_nul(each) for each in value]
        case _:
            return value


def as_text(value: str) -> str:
    """The text with a sign for what models send and databases refuse: `?` for half a surrogate pair, `�` for a NUL."""
    if "\0" in value:
        value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value if value.isascii() else value.encode(errors="replace").decode()


def _as_hex(value: UUID | str | int) -> str | int:
    if isinstance(value, UUID):
        return value.hex
    return value.replace("-", "") if isinstance(value, str) else value


def time_for(vendor: str) -> Convert | None:
    """How a time becomes what a database of that vendor takes in plain SQL; None if it takes it as it is."""
    return _as_sqlite_time if vendor == "sqlite" else None


def _as_sqlite_time(value: datetime) -> str:
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:-6]  # Without the +00:00 at its end.
