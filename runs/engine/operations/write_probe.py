"""Write probe: a write that changes nothing, to find out whether writes work. It takes milliseconds; 1 s at most."""

from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction

from runs.database_outages import READ_ONLY, Outage, outage_of
from runs.writer_status import STANDSTILL

PATIENCE_S = 1.0
"""A lock that is held longer blocks users too."""


def why_not_written() -> Outage | None:
    """What keeps this process from writing to the database; None if a write was just committed.

    Raises `DatabaseError` for what is no outage, such as a missing table.
    """
    try:
        outage = _write_to_sqlite() if connection.vendor == "sqlite" else _write_to_postgres()
    except (DatabaseError, InterfaceError) as error:
        outage = outage_of(error)
        if outage is None:
            raise
        # The writer may know the cause: the probe may wait for the writer's lock, and the writer for the disk.
        outage = STANDSTILL.now() or outage
    finally:
        connection.close()
    STANDSTILL.see(outage)
    return outage


def _write_to_sqlite() -> Outage | None:
    # `user_version` is free for applications, and unused: setting it writes a page and syncs it.
    gated: Any = connection
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_S * 1000:.0f}")
        gated.take_gate(PATIENCE_S)
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("PRAGMA user_version=1")
            cursor.execute("COMMIT")
        finally:
            gated.leave_gate()
    return None


def _write_to_postgres() -> Outage | None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        if cursor.fetchone() == ("on",):  # A standby is too.
            return READ_ONLY
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE_S:g}s'")
        # The same lock as a launch: detects a locked table and a missing permission.
        cursor.execute("LOCK TABLE runs_run IN ROW EXCLUSIVE MODE")
        # A transaction with an id is written to the log and synced at its commit, even without a row.
        cursor.execute("SELECT txid_current()")
    return None
