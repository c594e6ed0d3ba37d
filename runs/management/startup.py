"""Preparation of a start: migrations, and static files."""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from runs.engine.operations.schema_version import refuse_newer_database

logger = logging.getLogger(__name__)

MIGRATION_LOCK = 4_160_423_211
"""An arbitrary number that no other code locks."""
CONNECT_AGAIN_AFTER_S = 1.0
LOCK_AGAIN_AFTER_S = 0.1


def migrate() -> bool:
    """Apply missing migrations. True if there were any. Processes that start together do it one after the other.

    Raises `NewerDatabase` before anything is written if a newer version has migrated the database.
    The check costs milliseconds; `manage.py migrate` also writes permissions each time, which costs most of a second.
    """
    with _alone():
        refuse_newer_database()
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            call_command("migrate", interactive=False, verbosity=0)
    return bool(missing)


@contextmanager
def _alone() -> Iterator[None]:
    """Exclude other migrating processes. On SQLite the lock on the data folder does that."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        # A session that waits for a lock holds a snapshot, and an index that is built beside writes waits for its end:
        # both would wait for each other.
        while not _has_locked(cursor):
            time.sleep(LOCK_AGAIN_AFTER_S)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def _has_locked(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK])
    return bool(cursor.fetchone()[0])


def wait_for_database(limit_s: float) -> None:
    """Wait until the database takes connections. Raises `DatabaseError` if it does not within `limit_s`."""
    give_up_at = time.monotonic() + limit_s
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError as error:
            if time.monotonic() >= give_up_at:
                raise
            logger.warning("The database is not there yet, trying again: %s", error)
            time.sleep(CONNECT_AGAIN_AFTER_S)


def collect_static_files() -> bool:
    """Hash, compress and copy static files to `STATIC_ROOT` if any has changed. True if so."""
    if settings.DEBUG:
        return False  # WhiteNoise then reads the sources themselves.
    record = Path(settings.STATIC_ROOT).with_suffix(".fingerprint")
    fingerprint = _fingerprint()
    if record.exists() and record.read_text() == fingerprint:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    # Last, so that an interrupted start repeats it.
    record.write_text(fingerprint)
    return True


def _fingerprint() -> str:
    seen = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for line in sorted(_sources()):
        seen.update(line.encode())
    return seen.hexdigest()


def _sources() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            about = Path(storage.path(path)).stat()
            yield f"{path} {about.st_size} {about.st_mtime_ns}\n"
