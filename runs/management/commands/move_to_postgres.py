"""`manage.py move_to_postgres`: moves an installation from SQLite to Postgres without losing a row."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from runs.agent.text import counted
from runs.engine.hosting.host_lock import HostLock, HostLocked
from runs.engine.operations.schema_version import refuse_newer_database
from runs.management import sqlite_to_postgres
from runs.management.startup import migrate
from runs.models import Run

SOURCE = "embedded"
SHOWN = 10


class Command(BaseCommand):
    """All in one transaction: after a failure the target is as empty as before, and the command can be run again."""

    help = (
        "Copy an installation from the SQLite file of the data folder into the empty database of DATABASE_URL: people, "
        "agents, runs, steps, calls, tokens, everything. Refuses while a server has the data. The file stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the source folder."""
        parser.add_argument(
            "--from", dest="data", type=Path, default=settings.DATA_DIR, help="the data folder (AGENTSITE_DATA)"
        )
        parser.add_argument("--without-sessions", action="store_true", help="have everybody sign in again")

    def handle(self, *_args: Any, data: Path, without_sessions: bool, **_options: Any) -> None:
        """Check both sides, copy, compare, commit."""
        if not settings.IS_SCALE_OUT:
            raise CommandError("Say where to: set DATABASE_URL and REDIS_URL as the new site will have them.")
        file = data.absolute() / "agentsite.sqlite3"
        if not file.is_file():
            raise CommandError(f"There is no installation in {data}: {file.name} is missing.")
        began = time.monotonic()
        try:
            with HostLock(data):
                open_source(file)
                see_that_it_is_up_to_date()
                migrate()
                moved = self._move(without_sessions=without_sessions)
        except HostLocked as error:
            raise CommandError(f"{error} Stop it first: SIGTERM brings its runs to a safe point.") from error
        finally:
            if SOURCE in connections.databases:
                connections[SOURCE].close()
        self._tell(moved, time.monotonic() - began, data)

    def _move(self, *, without_sessions: bool) -> list[sqlite_to_postgres.CopyReport]:
        tables = sqlite_to_postgres.tables(without_sessions=without_sessions)
        with transaction.atomic():
            sqlite_to_postgres.lock(tables)
            if occupied := sqlite_to_postgres.first_occupied(tables):
                raise CommandError(f"The database of DATABASE_URL is not empty: {occupied} has rows. Use a new one.")
            sqlite_to_postgres.empty(tables)
            moved = [table.move(SOURCE) for table in tables]
            sqlite_to_postgres.reset_sequences(tables)
            # Creates the permissions of apps that the source did not have: Procrastinate's.
            emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
        return moved

    def _tell(self, moved: list[sqlite_to_postgres.CopyReport], took_s: float, data: Path) -> None:
        for table in moved:
            if table.rows:
                self.stdout.write(f"{counted(table.rows, 'row'):>15} of {table.table}")
            for place in table.changed[:SHOWN]:
                self.stdout.write(f"           {place} held what Postgres cannot; a sign stands for it.")
            if len(table.changed) > SHOWN:
                self.stdout.write(f"           and {len(table.changed) - SHOWN} more.")
        unfinished = Run.objects.unfinished().count()
        rows = sum(table.rows for table in moved)
        self.stdout.write(
            f"{counted(rows, 'row')} moved and compared in {took_s:.1f} s; "
            f"{counted(unfinished, 'unfinished run goes', 'unfinished runs go')} on there."
        )
        self.stdout.write(
            f"Give web and workers the secret key in {data / 'secret_key'}, or everybody signs in again.\n"
            f"Start no server on {data} without DATABASE_URL any more: it would go on with its own copy."
        )


def open_source(file: Path) -> None:
    """Add the read-only SQLite file to this process's databases."""
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA query_only=ON;"},
    }
    connections.databases[SOURCE] = connections.configure_settings({"default": {}, SOURCE: database})[SOURCE]


def see_that_it_is_up_to_date() -> None:
    """Raise `CommandError` unless the source has all migrations of this version, and the target is Postgres."""
    refuse_newer_database(SOURCE)
    executor = MigrationExecutor(connections[SOURCE])
    missing = [
        migration
        for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
        if migration.app_label != "procrastinate"
    ]
    if missing:
        raise CommandError(
            f"The installation is of an older version ({missing[0]} is missing). Start this version on it once, "
            "without DATABASE_URL, stop it, and move then."
        )
    if connection.vendor != "postgresql":
        raise CommandError("DATABASE_URL is no Postgres.")
