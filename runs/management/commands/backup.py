"""`manage.py backup FILE`: the whole installation in one file, also beside a running server."""

import os
import sqlite3
import tempfile
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from runs.agent.text import counted
from runs.live.rendering.formatting import size_text
from runs.management import backup_archive, postgres_tools


class Command(BaseCommand):
    """A copy as of one moment: every write acknowledged before it began is in it."""

    help = (
        "Write database and secret key to one file that only its owner may read. A server may go on meanwhile. "
        "`manage.py restore` takes it back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the target file."""
        parser.add_argument("file", type=Path, help="the file to write, such as agentsite-2026-11-22.tar.gz")
        parser.add_argument("--force", action="store_true", help="replace the file if it is there")

    def handle(self, *_args: Any, file: Path, force: bool, **_options: Any) -> None:
        """Copy, check the copy, pack it."""
        file = file.absolute()
        if file.exists() and not force:
            raise CommandError(f"{file} is there already. Choose another name, or --force to replace it.")
        if not file.parent.is_dir():
            raise CommandError(f"There is no folder {file.parent}.")
        with tempfile.TemporaryDirectory(prefix=".agentsite-backup-", dir=file.parent) as name:
            folder = Path(name)
            is_sqlite = connection.vendor == "sqlite"
            database = folder / ("agentsite.sqlite3" if is_sqlite else "agentsite.dump")
            rows = copy_sqlite(database) if is_sqlite else {}
            if not is_sqlite:
                postgres_tools.dump(database)
            has_key = not os.environ.get("AGENTSITE_SECRET_KEY", "").strip()
            if has_key:
                (folder / backup_archive.SECRET_KEY).write_text(settings.SECRET_KEY)
            applied = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
            backup_archive.pack(
                file, folder, kind=connection.vendor, database=database.name, migrations=applied, rows=rows, force=force
            )
        self.stdout.write(f"{file} ({size_text(file.stat().st_size)}): {told(rows)}, the copy is whole.")
        if not has_key:
            self.stdout.write(
                "The secret key is not in it: it comes from AGENTSITE_SECRET_KEY. Keep that one yourself."
            )


def copy_sqlite(copy: Path) -> dict[str, int]:
    """Copy the database as of one moment; returns the rows of each table. Raises `CommandError` for a damaged copy."""
    source = settings.DATABASES["default"]["NAME"]
    with closing(sqlite3.connect(source, timeout=20)) as live, closing(sqlite3.connect(copy)) as target:
        # All pages in one step: page by page, each write of the server would restart the copy. In WAL mode one long
        # read blocks no writer.
        live.backup(target, pages=-1)
        return check_sqlite(target)


def check_sqlite(database: sqlite3.Connection) -> dict[str, int]:
    """The row count of each table. Raises `CommandError` for a damaged file or a dangling foreign key."""
    (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise CommandError(f"The database is damaged: {verdict}")
    if database.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise CommandError("The database is damaged: a row points to one that is not there.")
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {
        name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - from the schema
        for name in names
        if not name.startswith("sqlite_")
    }


def told(rows: dict[str, int]) -> str:
    """The row counts in words."""
    if not rows:
        return "the whole database"
    runs, steps, people = (rows.get(table, 0) for table in ("runs_run", "runs_step", "auth_user"))
    return f"{counted(runs, 'run')}, {counted(steps, 'step')}, {counted(people, 'person', 'people')}"
