"""Copying all rows from SQLite to Postgres in one transaction, verified by checksums.

Values go through the models' fields on both sides, so that an id, a time or a JSON value compares equal however a
database writes it. Values that Postgres cannot hold are changed as the writer would: NUL and halves of surrogate pairs
become a sign, texts are cut at their column's length, NaN and infinities become their names.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.core.management.color import no_style
from django.db import connection, models
from django.utils import timezone
from psycopg.types.json import Jsonb

from runs.agent.json_data.json_values import as_storable_json, as_storable_text
from runs.agent.text import counted
from runs.models import FileChunk, Run, SkillFile

BATCH = 500
CHUNKS = 8
"""Rows that are copied at once where a row has up to 2 MiB."""
LARGE = (FileChunk, SkillFile)

Row = list[Any]


@dataclass(slots=True)
class CopyReport:
    """The copy of one table."""

    table: str
    rows: int = 0
    changed: list[str] = field(default_factory=list)
    """The places (`column of row id`) of changed values."""


class CopiedTable:
    """One model's table on both sides."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.fields = list(model._meta.concrete_fields)
        self.name = model._meta.db_table
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(each.column)) for each in self.fields)
        places = ", ".join(["%s"] * len(self.fields))
        self.insert = f"INSERT INTO {quote(self.name)} ({columns}) VALUES ({places})"  # noqa: S608 - from our models

    def move(self, source: str) -> CopyReport:
        """Copy all rows of the database `source` and verify them. Raises `CommandError` if they differ."""
        moved, sent = CopyReport(self.name), 0
        with connection.cursor() as cursor:
            for batch in _batches(self._rows_of(source), CHUNKS if self.model in LARGE else BATCH):
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
        return map(list, found.iterator(chunk_size=CHUNKS if self.model in LARGE else BATCH))

    def _fitting(self, row: Row, moved: CopyReport) -> Row:
        """The row with the values that Postgres can hold."""
        fitting = [_fitting(value, each) for value, each in zip(row, self.fields, strict=True)]
        for before, after, each in zip(row, fitting, self.fields, strict=True):
            if before != after:
                moved.changed.append(f"{each.column} of {row[self.fields.index(self.model._meta.pk)]}")
        if self.model is Run:
            self._let_go(fitting)
        return fitting

    def _let_go(self, row: Row) -> None:
        """Expire the lease of a host that no longer exists, so that a worker takes the run over."""
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


def tables(*, without_sessions: bool) -> list[CopiedTable]:
    """The copied tables: ours and Django's. Procrastinate's start empty."""
    chosen = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.app_label != "procrastinate"
    ]
    if without_sessions:
        chosen = [model for model in chosen if model._meta.app_label != "sessions"]
    return [CopiedTable(model) for model in chosen]


def first_occupied(moved: Sequence[CopiedTable]) -> str:
    """The first table of the target with rows that no migration made; empty if there is none."""
    made_by_migrations = {
        "runs_agent",
        "runs_agentversion",
        "django_content_type",
        "auth_permission",
        "auth_group",
        "auth_group_permissions",
    }
    for table in moved:
        if table.name not in made_by_migrations and models.QuerySet(table.model).exists():
            return table.name
    return ""


def lock(moved: Sequence[CopiedTable]) -> None:
    """Lock the target's tables until the transaction ends."""
    _on_all("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", moved)


def empty(moved: Sequence[CopiedTable]) -> None:
    """Delete the rows that migrations made in the target: the source has its own."""
    _on_all("TRUNCATE {} CASCADE", moved)


def _on_all(statement: str, moved: Sequence[CopiedTable]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(", ".join(connection.ops.quote_name(table.name) for table in moved)))


def reset_sequences(moved: Sequence[CopiedTable]) -> None:
    """Set each table's id sequence after its last row."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [table.model for table in moved]):
            cursor.execute(statement)


def _batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _fitting(value: Any, column: "models.Field[Any, Any]") -> Any:
    if isinstance(column, models.JSONField):
        return as_storable_json(value)
    if isinstance(value, str):
        text = as_storable_text(value)
        return text if column.max_length is None else text[: column.max_length]
    return value


def _checksum(row: Row) -> int:
    """Checksum of one row. A table's checksums are combined by XOR, because databases sort texts differently.

    No two rows of a table are equal, so none cancels another.
    """
    text = json.dumps([_plain(value) for value in row], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def _plain(value: Any) -> Any:
    """The value in the same notation for both databases."""
    match value:
        case bool() | None | str() | int():
            return value
        case float():
            # Postgres writes 1e22 in full and reads it as an integer.
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
