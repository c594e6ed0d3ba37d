"""`manage.py restore FILE`: restores an installation from a backup."""

import os
import shutil
import sqlite3
import tempfile
from argparse import ArgumentParser
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from runs.agent.text import counted
from runs.engine.hosting.host_lock import HostLock, HostLocked
from runs.management import backup_archive, postgres_tools
from runs.management.backup_archive import Manifest
from runs.management.commands.backup import check_sqlite, told
from runs.management.startup import migrate

DATABASE_FILES = ("agentsite.sqlite3", "agentsite.sqlite3-wal", "agentsite.sqlite3-shm")


class Command(BaseCommand):
    """All or nothing; a replaced installation is kept in a folder beside it."""

    help = (
        "Put a backup back: database and secret key. Refuses while a server has the data, and to replace an "
        "installation without --force; what it replaces is kept in a folder beside it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the backup file."""
        parser.add_argument("file", type=Path, help="what `manage.py backup` has written")
        parser.add_argument("--force", action="store_true", help="replace what is there")

    def handle(self, *_args: Any, file: Path, force: bool, **_options: Any) -> None:
        """Unpack, check, replace."""
        with tempfile.TemporaryDirectory(prefix=".agentsite-restore-", dir=settings.DATA_DIR) as name:
            folder = Path(name)
            manifest = backup_archive.unpack(file, folder)
            see_that_it_fits(manifest)
            try:
                with HostLock(settings.DATA_DIR):
                    (self._to_sqlite if manifest.kind == "sqlite" else self._to_postgres)(manifest, folder, force=force)
                    self._put_key(folder)
            except HostLocked as error:
                raise CommandError(f"{error} Stop it first.") from error
        migrate()
        self.stdout.write(
            f"As it was on {manifest.made_at}: {told(manifest.rows)}. Unfinished runs go on at the next start."
        )

    def _to_sqlite(self, manifest: Manifest, folder: Path, *, force: bool) -> None:
        with closing(sqlite3.connect(folder / manifest.database)) as database:
            if (rows := check_sqlite(database)) != manifest.rows:
                raise CommandError(f"The backup is damaged: it has {told(rows)} and should have {told(manifest.rows)}.")
        connection.close()
        there = [file for name in DATABASE_FILES if (file := settings.DATA_DIR / name).exists()]
        if there and not force:
            raise CommandError(f"There is an installation in {settings.DATA_DIR}. Replace it with --force.")
        if there:
            self._put_aside(there)
        restored = folder / manifest.database
        restored.chmod(0o600)
        with restored.open("rb") as stream:
            os.fsync(stream.fileno())
        restored.replace(settings.DATA_DIR / DATABASE_FILES[0])
        backup_archive.sync_folder(settings.DATA_DIR)

    def _to_postgres(self, manifest: Manifest, folder: Path, *, force: bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND application_name = 'agentsite'"
            )
            (others,) = cursor.fetchone()
        if others:
            raise CommandError(
                f"{counted(others, 'connection of Agentsite is', 'connections of Agentsite are')} open to this "
                "database. Stop web and workers first."
            )
        if connection.introspection.table_names() and not force:
            raise CommandError("There is an installation in this database. Replace it with --force.")
        connection.close()
        postgres_tools.load(folder / manifest.database, clean=force)

    def _put_aside(self, there: list[Path]) -> None:
        # Checkpoints the log that a killed server has left; a damaged file is kept as it is.
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(there[0], timeout=20)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        aside: Path = settings.DATA_DIR / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        aside.mkdir(mode=0o700)
        if (key := settings.DATA_DIR / backup_archive.SECRET_KEY).exists():
            shutil.copy2(key, aside)
        for file in there:
            if file.exists():
                file.replace(aside / file.name)
        self.stdout.write(f"What was there is in {aside}.")

    def _put_key(self, folder: Path) -> None:
        key, place = folder / backup_archive.SECRET_KEY, settings.DATA_DIR / backup_archive.SECRET_KEY
        if not key.exists():
            return
        if os.environ.get("AGENTSITE_SECRET_KEY", "").strip():
            self.stdout.write("The backup's secret key is not used: AGENTSITE_SECRET_KEY is set.")
            return
        key.chmod(0o600)
        key.replace(place)


def see_that_it_fits(manifest: Manifest) -> None:
    """Raise `CommandError` if this installation cannot use the backup."""
    if manifest.kind != connection.vendor:
        here = "DATABASE_URL is set" if connection.vendor == "postgresql" else "DATABASE_URL is not set"
        raise CommandError(
            f"The backup is of {manifest.kind}, and here {here}. `manage.py move_to_postgres` moves between."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    ours = {name for name in manifest.migrations if name.partition(".")[0] == "runs"}
    if newer := sorted(ours - known):
        raise CommandError(f"The backup is of a newer version ({newer[-1]}). Upgrade first, then restore.")
