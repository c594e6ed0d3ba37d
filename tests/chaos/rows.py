"""The database as the checker sees it: read in one transaction, without the site's code."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.evidence import CallSeen, Moved, Rows, RunSeen, StepSeen
from tests.chaos.history import TABLE

Query = Callable[[str], Sequence[tuple[Any, ...]]]
"""Executes a statement and returns its rows."""

_MOVES = f"SELECT kind, run, was, now, epoch_was, epoch_now, at, call FROM {TABLE} ORDER BY n"


@contextmanager
def sqlite(path: Path) -> Iterator[Query]:
    """Query a SQLite file."""
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as database:
        database.execute("BEGIN")
        yield lambda statement: database.execute(statement).fetchall()


@contextmanager
def postgres(address: str) -> Iterator[Query]:
    """Query a Postgres database. Raises `psycopg.OperationalError` while it is unreachable."""
    with psycopg.connect(address, connect_timeout=5) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield lambda statement: database.execute(statement.encode()).fetchall()


def read_rows(query: Query) -> Rows:
    """All rows the checker needs."""
    runs = query(
        "SELECT id, task, status, waiting_for, owner, epoch, next_sequence - 1, tokens_used, usage_is_estimated "
        "FROM runs_run"
    )
    steps = query("SELECT run_id, sequence, epoch, kind, content, call_id, tokens, ended_at FROM runs_step")
    calls = query('SELECT call_id, run_id, turn, "index", position, effect, state, arguments FROM runs_toolcall')
    spent = query("SELECT COALESCE(SUM(tokens), 0) FROM runs_spending")
    return Rows(
        [RunSeen(_id(run), *rest) for run, *rest in runs],
        [
            StepSeen(_id(run), sequence, epoch, kind, content, _id(call) or None, tokens, _seconds(ended_at))
            for run, sequence, epoch, kind, content, call, tokens, ended_at in steps
        ],
        [
            CallSeen(_id(call), _id(run), turn, index, position, effect, state, _place(arguments))
            for call, run, turn, index, position, effect, state, arguments in calls
        ],
        [
            Moved(kind, _id(run), was, now, epoch_was, epoch_now, at, _id(call) or None)
            for kind, run, was, now, epoch_was, epoch_now, at, call in query(_MOVES)
        ],
        int(spent[0][0]),
    )


def integrity_of(path: Path) -> str:
    """The result of SQLite's integrity check: `ok`, or the damage."""
    with sqlite(path) as query:
        return str(query("PRAGMA integrity_check")[0][0])


def statuses(query: Query) -> list[tuple[str, str]]:
    """Status and `waiting_for` of every run, oldest first."""
    return [(row[0], row[1]) for row in query("SELECT status, waiting_for FROM runs_run ORDER BY created_at, id")]


def _id(value: Any) -> str:
    return "" if value is None else str(value).replace("-", "")


def _place(arguments: Any) -> str:
    told = json.loads(arguments) if isinstance(arguments, str) else arguments
    return "/".join(str(told.get(name, "")) for name in ("run", "turn", "place"))


def _seconds(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, str):
        value = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return float(value.timestamp())
