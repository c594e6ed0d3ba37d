"""From SQLite to Postgres: every row, in one transaction, and the proof that they are the same.

Values go through the models' fields on both sides, so that an id, a time or a JSON value is one thing however a
database writes it. What Postgres cannot hold is replaced as the writer would have: NUL and halves of surrogate pairs by
a sign, the end of a text beyond its column's length by nothing, numbers that are none by their names.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.core.management.color import no_style
from django.db import connection, models
from django.utils import timezone
from psycopg.types.json import Jsonb

from runs.agent.wording import counted
from runs.engine.rows import as_text
from runs.models import Run

BATCH = 500

Row = list[Any]


@dataclass(slots=True)
class Moved:
    """What became of one table."""

    table: str
    rows: int = 0
    changed: list[str] = field(default_factory=list)
    """The places (`column of row id`) whose value Postgres cannot hold as it was."""


class Table:
    """One model's table on both sides."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.fields = list(model._meta.concrete_fields)
        self.name = model._meta.db_table
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(each.column)) for each in self.fields)
        places = ", ".join(["%s"] * len(self.fields))
        self.insert = f"INSERT INTO {quote(self.name)} ({columns}) VALUES ({places})"  # noqa: S608 - from our models

    def move(self, source: str) -> Moved:
        """Copy all rows of the database `source`, and see that they came. Raises `CommandError` if they did not."""
        moved, sent = Moved(self.name), 0
        with connection.cursor() as cursor:
            for batch in _batches(self._rows_of(source)):
                rows = [self._fitting(row, moved) for row in batch]
                for row in rows:
                    sent ^= _checksum(row)
                cursor.executemany(self.insert, [self._for_postgres(row) for row in rows])
                moved.rows += len(rows)
        self._compare(moved.rows, sent)
        return moved

    def _compare(self, rows: int, checksum: int) -> None:
        count, received = 0, 0
        for row in self._rows_of("default"):
            count += 1
            received ^= _checksum(row)
        if (count, received) != (rows, checksum):
            raise CommandError(
                f"{self.name}: of {counted(rows, 'row')} sent {count} came, or they differ. Nothing was moved."
            )

    def _rows_of(self, alias: str) -> Iterator[Row]:
        names = [each.attname for each in self.fields]
        found: models.QuerySet[Any, Any] = models.QuerySet(self.model, using=alias).order_by("pk").values_list(*names)
        return map(list, found.iterator(chunk_size=BATCH))

    def _fitting(self, row: Row, moved: Moved) -> Row:
        """The row as Postgres can hold it."""
        fitting = [_fitting(value, each) for value, each in zip(row, self.fields, strict=True)]
        for before, after, each in zip(row, fitting, self.fields, strict=True):
            if before != after:
                moved.changed.append(f"{each.column} of {row[self.fields.index(self.model._meta.pk)]}")
        if self.model is Run:
            self._let_go(fitting)
        return fitting

    def _let_go(self, row: Row) -> None:
        """End the hold of a host that can no longer be: its lease has just run out, so the next worker takes over."""
        names = [each.attname for each in self.fields]
        if row[names.index("owner")] is not None:
            row[names.index("lease_until")] = timezone.now()

    def _for_postgres(self, row: Row) -> Row:
        return [
            Jsonb(None)
            if value is None and isinstance(each, models.JSONField) and not each.null
            else each.get_db_prep_save(value, connection)
            for value, each in zip(row, self.fields, strict=True)
        ]


def tables(*, without_sessions: bool) -> list[Table]:
    """Every table of ours and Django's that is moved; Procrastinate's begins anew."""
    chosen = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.app_label != "procrastinate"
    ]
    if without_sessions:
        chosen = [model for model in chosen if model._meta.app_label != "sessions"]
    return [Table(model) for model in chosen]


def first_occupied(moved: Sequence[Table]) -> str:
    """The first table of the target that holds more than a migration puts there; empty if there is none."""
    made_by_migrations = {"runs_agent", "django_content_type", "auth_permission"}
    for table in moved:
        if table.name not in made_by_migrations and models.QuerySet(table.model).exists():
            return table.name
    return ""


def lock(moved: Sequence[Table]) -> None:
    """Keep everybody else out of the target until the transaction ends."""
    _on_all("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", moved)


def empty(moved: Sequence[Table]) -> None:
    """Take away what migrations have put into the target: the source has its own."""
    _on_all("TRUNCATE {} CASCADE", moved)


def _on_all(statement: str, moved: Sequence[Table]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(", ".join(connection.ops.quote_name(table.name) for table in moved)))


def reset_sequences(moved: Sequence[Table]) -> None:
    """Let the next row of each table get a number after the last one."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [table.model for table in moved]):
            cursor.execute(statement)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _fitting(value: Any, column: "models.Field[Any, Any]") -> Any:
    if isinstance(column, models.JSONField):
        return _fitting_json(value)
    if isinstance(value, str):
        text = as_text(value)
        return text if column.max_length is None else text[: column.max_length]
    return value


def _fitting_json(value: Any) -> Any:
    match value:
        case str():
            return as_text(value)
        case float() if not isfinite(value):
            return str(value)
        case dict():
            return {as_text(str(key)): _fitting_json(each) for key, each in value.items()}
        case list():
            return [_fitting_json(each) for each in value]
        case _:
            return value


def _checksum(row: Row) -> int:
    """Of one row. Those of a table are combined whatever their order is: databases sort texts differently.

    No two rows of a table are equal, so none takes another's away.
    """
    text = json.dumps([_plain(value) for value in row], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def _plain(value: Any) -> Any:
    """The value in one way of writing, whichever database it came from."""
    match value:
        case bool() | None | str() | int():
            return value
        case float():
            # Postgres writes 1e22 in full and reads it as a whole number.
            return int(value) if value.is_integer() else value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return format(value.normalize(), "f")
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return str(value)
