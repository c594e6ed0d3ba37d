"""Database outages: what is wrong and what helps, for pages, programs, probes and the log."""

from dataclasses import dataclass
from typing import Final, Literal

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext_noop

OutageKind = Literal["full", "refused", "locked", "read_only", "slow", "away"]

RETRY_AFTER_S: Final = 5
"""The value of `Retry-After` where the same request may succeed a moment later."""

ROOM: Final = "Make room on its disk. Nothing is lost meanwhile, and it goes on by itself."


@dataclass(frozen=True, slots=True)
class Outage:
    """What is wrong with the database. It holds no secret: no path, no address, no message of the database."""

    kind: OutageKind
    what: str
    """One sentence."""
    do: str
    """What helps, for the site's operator."""
    short: str
    """A few words that follow a colon."""


FULL = Outage("full", "The database cannot be written: its disk is full.", ROOM, gettext_noop("the disk is full"))
REFUSED = Outage(
    "refused",
    "The database cannot be written: its disk refuses. It is full, over a quota, or broken.",
    "Look at the space, the quotas and the health of its disk (df, quota, dmesg). It goes on by itself.",
    gettext_noop("the disk refuses"),
)
LOCKED = Outage(
    "locked",
    "The database cannot be written: something else holds its lock.",
    "Find what holds it and end that: a backup or an open transaction (fuser, or pg_stat_activity).",
    gettext_noop("the database is locked"),
)
READ_ONLY = Outage(
    "read_only",
    "The database cannot be written: it is read-only.",
    "See that its files belong to the site's user and that its disk is not mounted read-only; of Postgres, name the "
    "primary in DATABASE_URL.",
    gettext_noop("the database is read-only"),
)
SLOW = Outage(
    "slow",
    "The database takes long to write.",
    "See that its disk answers, and that nothing else holds its lock.",
    gettext_noop("the database is slow"),
)
AWAY = Outage(
    "away",
    "The database does not answer.",
    "See that it runs, can be reached, and is not overloaded.",
    gettext_noop("the database does not answer"),
)

_BY_SQLITE: tuple[tuple[str, Outage], ...] = (
    ("SQLITE_FULL", FULL),
    # Over a quota or a limit of the process, a write is an I/O error to SQLite.
    ("SQLITE_IOERR", REFUSED),
    ("SQLITE_BUSY", LOCKED),
    ("SQLITE_LOCKED", LOCKED),
    ("SQLITE_READONLY", READ_ONLY),
)
_BY_SQLSTATE: dict[str, Outage] = {
    "53100": FULL,  # disk_full
    "58030": REFUSED,  # io_error
    "55P03": LOCKED,  # lock_not_available
    "25006": READ_ONLY,  # read_only_sql_transaction
}


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage an error means; None for other errors, such as a bug in a statement."""
    if not isinstance(error, (DatabaseError, InterfaceError)):
        return None
    cause = error.__cause__
    if found := _BY_SQLSTATE.get(str(getattr(cause, "sqlstate", None))):
        return found
    if not isinstance(error, (OperationalError, InterfaceError)):
        return None
    name = str(getattr(cause, "sqlite_errorname", ""))
    for beginning, found in _BY_SQLITE:
        if name.startswith(beginning):
            return found
    words = str(error)
    # Our own write gate raises this message without a cause.
    if words.startswith("database is locked"):
        return LOCKED
    # SQLite reports a missing table or column as an operational error too.
    return None if words.startswith("no such ") else AWAY


def check_not_rolled_back(*, cause: BaseException | None = None) -> None:
    """Raise `OperationalError` from `cause` if the open transaction is lost. For code that goes on after an error in a
    savepoint.

    If the connection is gone, or the database has ended the transaction, the rollback to the savepoint fails. Django
    then rolls everything back at the end of the outer `atomic`, and raises nothing there.
    """
    if transaction.get_rollback():
        why = "" if cause is None else f" {cause}"
        raise OperationalError(f"The transaction was rolled back.{why}") from cause
