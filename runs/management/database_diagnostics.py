"""What `doctor` finds out about the database."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from runs.agent.text import counted
from runs.engine.operations.schema_version import WHAT_TO_DO, newer_migrations
from runs.management.diagnostic_finding import SET_UP, Finding

OLDEST_POSTGRES = 130_000


def database() -> Iterator[Finding]:
    """Settings and migrations of the database."""
    yield from _sqlite() if connection.vendor == "sqlite" else _postgres()
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if newer := newer_migrations():
        what = f"The database is of a newer version ({newer[-1]}): nothing here starts on it."
        yield Finding("database", "problem", what, WHAT_TO_DO)
    elif not executor.loader.applied_migrations:
        yield Finding("database", "problem", "Nothing was set up here yet.", SET_UP)
    elif missing:
        what = f"{counted(len(missing), 'migration is', 'migrations are')} missing, first {missing[0][0]}."
        yield Finding(
            "database", "problem", what, "Run `manage.py migrate`; `serve` and `worker` do it when they start."
        )
    else:
        yield Finding("database", "ok", "All migrations are applied.")


def _sqlite() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    immediate = settings.DATABASES["default"]["OPTIONS"].get("transaction_mode")
    if (found["journal_mode"], found["synchronous"], immediate) == ("wal", 2, "IMMEDIATE"):
        import sqlite3

        yield Finding("database", "ok", f"SQLite {sqlite3.sqlite_version}: WAL, synchronous FULL, IMMEDIATE.")
    else:
        what = f"SQLite runs with {found} and {immediate} transactions; what was acknowledged may be lost."
        yield Finding(
            "database", "problem", what, "Keep the data folder on a local disk: WAL does not work on a network one."
        )


def _postgres() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, "
            "current_setting('synchronous_commit'), current_setting('fsync'), pg_is_in_recovery()"
        )
        name, number, commit, fsync, is_standby = cursor.fetchone()
    if number < OLDEST_POSTGRES:
        yield Finding("database", "problem", f"PostgreSQL {name} is too old.", "Use version 13 or later.")
    if commit == "off" or fsync == "off":
        what = f"PostgreSQL runs with synchronous_commit={commit}, fsync={fsync}; what was acknowledged may be lost."
        yield Finding("database", "problem", what, "Turn both on.")
    if is_standby:
        yield Finding(
            "database", "problem", "This is a standby: nothing can be written.", "Name the primary in DATABASE_URL."
        )
    yield Finding("database", "ok", f"PostgreSQL {name} answers.")
