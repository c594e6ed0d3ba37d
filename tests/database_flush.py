"""The end of a test with real transactions: its rows are deleted, and nothing else."""

from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = ("auth_permission", "django_content_type", "django_migrations")
"""Tables whose rows come with the models."""
_rows: dict[str, Any] = {}
"""Their rows, by table, after the first test."""
_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # Not in the stubs.


def flush_quickly() -> None:
    """Make Django flush its test databases with `_delete_rows`."""
    TransactionTestCase._fixture_teardown = _delete_rows  # type: ignore[attr-defined]


def _delete_rows(case: TransactionTestCase) -> None:
    """Delete the rows of all tables but `KEPT`.

    Django's flush makes permissions and content types anew each time, which costs 30 ms. It comes first, so that no row
    of a migration is seen by one test only, and whenever a test has changed those tables.
    """
    with connections["default"].cursor() as cursor:
        if _rows and _rows_of_kept(cursor) == _rows:
            with transaction.atomic():
                for table in _other_tables(cursor):
                    cursor.execute(f'DELETE FROM "{table}"')
            return
    _flush(case)
    with connections["default"].cursor() as cursor:
        _rows.update(_rows_of_kept(cursor))


def _rows_of_kept(cursor: Any) -> dict[str, Any]:
    rows = {}
    for table in KEPT:
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY id')
        rows[table] = cursor.fetchall()
    return rows


def _other_tables(cursor: Any) -> list[str]:
    """The tables with rows."""
    names = connections["default"].introspection.django_table_names(only_existing=True)
    found = []
    for name in set(names) - set(KEPT):
        cursor.execute(f'SELECT 1 FROM "{name}" LIMIT 1')
        if cursor.fetchone():
            found.append(name)
    return found
