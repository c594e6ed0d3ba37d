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
        self._columns = [
            (name, convert, each.get_default())
            for name, convert, each in zip(self.columns, map(_converter, fields), fields, strict=True)
        ]

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        """The values in column order, missing ones by the model's default. Unknown names are an error."""
        if not self._known.issuperset(values):
            raise ValueError(f"{self.name} has no column {sorted(values.keys() - self._known)}.")
        row = []
        for name, convert, default in self._columns:
            value = values.get(name, default)
            row.append(value if convert is None or value is None else convert(value))
        return row


def _converter(column: "models.Field[Any, Any]") -> Convert | None:
    match column:
        case models.JSONField():
            return _as_json
        case models.UUIDField() | models.ForeignKey():
            return _as_hex
        case models.DateTimeField():
            return as_time
        case models.DecimalField():
            return str
        case models.CharField() | models.TextField():
            return as_text
        case _:
            return None


def _as_json(value: Any) -> str:
    return as_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def as_text(value: str) -> str:
    """The text with a question mark for each half of a surrogate pair: models send them, no database stores them."""
    return value if value.isascii() else value.encode(errors="replace").decode()


def _as_hex(value: UUID | str | int) -> str | int:
    if isinstance(value, UUID):
        return value.hex
    return value.replace("-", "") if isinstance(value, str) else value


def as_time(value: datetime | None) -> Any:
    """A time as the current database takes it in plain SQL."""
    if value is None or connection.vendor != "sqlite":
        return value
    return str(value.astimezone(UTC).replace(tzinfo=None))
