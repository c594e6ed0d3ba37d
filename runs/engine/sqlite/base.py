"""Django's SQLite backend, with every write of the process behind one fair gate.

A transaction holds the gate from BEGIN IMMEDIATE to its end; a write outside a transaction holds it for the statement.
Reads never wait. The file is made readable by its owner only.
"""

import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from runs.engine.sqlite.write_gate import FairLock, gate_of, is_for_request
from runs.text_search import mentions

_READS = ("SELECT", "PRAGMA", "EXPLAIN", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "VALUES")


@lru_cache(maxsize=256)
def _converted(query: str) -> str:
    """The statement as Django's backend converts it, for parameters in a list. The writer's statements are long, and
    always the same."""
    converted: str = base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")
    return converted


class GatedCursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction take the gate."""

    wrapper: "DatabaseWrapper"

    def convert_query(self, query: str, *, param_names: Any = None) -> Any:
        if param_names is None:
            return _converted(query)
        return super().convert_query(query, param_names=param_names)

    def execute(self, query: str, params: Any = None) -> Any:
        if self.wrapper.needs_gate_for(query):
            with self.wrapper.gate_held():
                return super().execute(query, params)
        return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        if self.wrapper.needs_gate_for(query):
            with self.wrapper.gate_held():
                return super().executemany(query, param_list)
        return super().executemany(query, param_list)


class _GateHeld:
    """Holds the gate for one statement."""

    def __init__(self, wrapper: "DatabaseWrapper") -> None:
        self._wrapper = wrapper

    def __enter__(self) -> None:
        self._wrapper.take_gate()

    def __exit__(self, *exc_info: object) -> None:
        self._wrapper.leave_gate()


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection, which knows whether it holds the gate."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held_gate: FairLock | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the file, which is created first if it is missing."""
        make_private(str(conn_params["database"]))
        opened = super().get_new_connection(conn_params)
        # SQLite's own LIKE ignores case for ASCII only.
        opened.create_function("agentsite_mentions", 2, mentions, deterministic=True)
        return opened

    @property
    def gate(self) -> FairLock:
        """The gate of this connection's database file."""
        return gate_of(str(self.settings_dict["NAME"]))

    def needs_gate_for(self, query: str) -> bool:
        """True for a write outside a transaction of this connection."""
        return self._held_gate is None and not query[:16].lstrip().upper().startswith(_READS)

    def gate_held(self) -> _GateHeld:
        """Context manager that holds the gate."""
        return _GateHeld(self)

    def take_gate(self, timeout_s: float | None = None) -> None:
        """Wait for the gate. Raises `OperationalError` after `timeout_s`, or that of the settings' OPTIONS (5 s)."""
        if timeout_s is None:
            timeout_s = float(self.settings_dict["OPTIONS"].get("timeout", 5))
        gate = self.gate
        if not gate.acquire(timeout_s, for_request=is_for_request()):
            raise OperationalError(f"database is locked: another write of this process took over {timeout_s:g} s")
        self._held_gate = gate

    def leave_gate(self) -> None:
        """Release the gate, if this connection holds it."""
        if self._held_gate is not None:
            held, self._held_gate = self._held_gate, None
            held.release()

    def create_cursor(self, name: str | None = None) -> GatedCursor:  # noqa: ARG002 - Django's signature
        cursor: GatedCursor = self.connection.cursor(factory=GatedCursor)
        cursor.wrapper = self
        return cursor

    def _start_transaction_under_autocommit(self) -> None:
        self.take_gate()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # Not in the stubs.
        except BaseException:
            self.leave_gate()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # Not in the stubs.
        self.leave_gate()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # Not in the stubs.
        finally:
            self.leave_gate()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # Not in the stubs.
        finally:
            self.leave_gate()


def make_private(file: str) -> None:
    """Create a missing file, readable by its owner only. SQLite gives its journal files the same mode.

    An existing file is never opened: closing it would end the locks SQLite holds on it in this process.
    """
    path = Path(file)
    if path.exists() or file.startswith((":memory:", "file:")):
        return
    # If no file can be created, SQLite reports it itself.
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        os.close(descriptor)
        draft = Path(name)
        try:
            # Unlike a rename, a link never replaces the file of another process that was faster.
            path.hardlink_to(draft)
        finally:
            draft.unlink()
