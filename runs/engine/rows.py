"""Rows as the writer inserts them: built once by the recorder, written by plain SQL.

The ORM's `bulk_create` spends most of a step's time budget on building and compiling; one prepared statement per table
with the values in column order does the same for a fifth of it.
"""

import json
from collections.abc import Callable
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
        self._known = frozenset(self.columns)
        self._converters = dict(zip(self.columns, map(_converter, fields), strict=True))
        self._defaults = [
            (name, self._converted(name, each.get_default())) for name, each in zip(self.columns, fields, strict=True)
        ]

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        """The values in column order, missing ones by the model's default. Unknown names are an error."""
        if not self._known.issuperset(values):
            raise ValueError(f"{self.name} has no column {sorted(values.keys() - self._known)}.")
        return [self._converted(name, values[name]) if name in values else default for name, default in self._defaults]

    def _converted(self, name: str, value: Any) -> Any:
        convert = self._converters[name]
        return value if convert is None or value is None else convert(value)


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
        case models.CharField() | models.TextField():
            return as_text
        case _:
            return None


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""`json.dumps` with options makes an encoder for each value, which costs more than a short value itself."""


def _as_json(value: Any) -> str:
    return as_text(_encode(value))


def as_text(value: str) -> str:
    """The text with a question mark for each half of a surrogate pair: models send them, no database stores them."""
    return value if value.isascii() else value.encode(errors="replace").decode()


def _as_hex(value: UUID | str | int) -> str | int:
    if isinstance(value, UUID):
        return value.hex
    return value.replace("-", "") if isinstance(value, str) else value


def time_for(vendor: str) -> Convert | None:
    """How a time becomes what a database of that vendor takes in plain SQL; None if it takes it as it is."""
    return _as_sqlite_time if vendor == "sqlite" else None


def _as_sqlite_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:-6]  # Without the +00:00 at its end.
