"""The end of a test with real transactions: its rows are deleted, and nothing else."""

from functools import cache
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
            if tables := _tables_with_rows(cursor):
                with transaction.atomic():
                    for table in tables:
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


def _tables_with_rows(cursor: Any) -> list[str]:
    """Those of the other tables that are not empty, found by one query: most are."""
    cursor.execute(_query_for_tables_with_rows(str(connections["default"].settings_dict["NAME"])))
    return [name for (name,) in cursor.fetchall()]


@cache
def _query_for_tables_with_rows(_database: str) -> str:
    names = connections["default"].introspection.django_table_names(only_existing=True)
    asked = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in sorted(set(names) - set(KEPT)))
    return " UNION ALL ".join(asked)
