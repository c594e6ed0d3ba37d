"""One transaction of the writer: the statements for a batch of writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

from runs.engine.db_clock import database_now
from runs.engine.notifications import run_changes
from runs.engine.queueing.dispatch import dispatch
from runs.engine.writing.columns import Columns
from runs.engine.writing.message_steps import message_step
from runs.engine.writing.sql_rows import SqlTable, time_for
from runs.engine.writing.writes import FENCED, FROZE, STOP_ASKED, Totals, Write, WriteOutcome
from runs.models import Question, Run, RunMessage, Step, ToolCall

_COLUMNS = (
    *("status", "waiting_for", "next_sequence", "active_ms", "tokens_used", "crashes", "cost", "cost_is_partial"),
    "usage_is_estimated",
)
"""The columns of a run's row that a batch may change."""
_values_of = attrgetter(*_COLUMNS)


@dataclass(slots=True)
class _Row:
    """A run's row, read at the start of the batch and changed by its writes."""

    epoch: int
    hosted: bool
    stop_asked: bool
    user_id: int | None
    queued_messages: int
    is_told: bool
    """Of the site: some webhook or some rule of a person tells of runs."""
    status: str
    waiting_for: str
    next_sequence: int
    active_ms: int
    tokens_used: int | None
    crashes: int
    cost: Any
    """The type that the database returns: a Decimal, or a float on SQLite."""
    cost_is_partial: bool
    usage_is_estimated: bool
    changed: bool = False
    leaving: Write | None = None

    @property
    def use(self) -> tuple[int, int | None]:
        """Usage that only the run's host changes, and that only grows."""
        return self.active_ms, self.tokens_used

    @property
    def is_claimable(self) -> bool:
        """Of a run that leaves its host: True if another claim has something to do. One that parks is ended if a stop
        was asked for of which its host had not heard."""
        return self.status == Run.Status.IDLE or (self.status == Run.Status.WAITING and self.stop_asked)

    def columns(self) -> Columns:
        """The values of `_COLUMNS` by name."""
        return dict(zip(_COLUMNS, _values_of(self), strict=True))


_KNOWN = "id, epoch, owner, cancel_requested_at, user_id, queued_messages"
# Asked with the rows: without webhooks and rules the end of a run costs no statement more.
_IS_TOLD = (
    "EXISTS (SELECT 1 FROM runs_webhook WHERE state = 'active')"
    " OR EXISTS (SELECT 1 FROM runs_notificationrule WHERE is_active)"
)
_SELECT_RUNS = f"SELECT {_KNOWN}, {_IS_TOLD}, {', '.join(_COLUMNS)} FROM runs_run WHERE id IN"  # noqa: S608 - our columns
_UPDATE_RUN = f"UPDATE runs_run SET {', '.join(f'{name} = %s' for name in _COLUMNS)} WHERE id = %s"  # noqa: S608 - as above
_UPDATE_CALL = """UPDATE runs_toolcall
SET state = %s, epoch = %s, effect = COALESCE(%s, effect),
    started_at = COALESCE(%s, started_at), ended_at = COALESCE(%s, ended_at)
WHERE call_id = %s"""
_SELECT_STEP = "SELECT 1 FROM runs_step WHERE run_id = %s AND sequence = %s AND ended_at = %s"
MOST_COST = Decimal(999_999)
"""US dollars; a larger amount does not fit the columns, and SQLite would store it but could never read it again."""
_ADD_SPENDING = f"""INSERT INTO runs_spending (user_id, day, tokens, cost) VALUES (%s, %s, %s, %s)
ON CONFLICT (user_id, day) DO UPDATE
SET tokens = runs_spending.tokens + excluded.tokens,
    cost = CASE WHEN runs_spending.cost + excluded.cost > {MOST_COST} THEN {MOST_COST}
        ELSE runs_spending.cost + excluded.cost END"""  # noqa: S608 - our number


_READ_MESSAGE = "UPDATE runs_runmessage SET state = 'read', read_at = %s, read_before_turn = %s WHERE id = %s"
_NO_MESSAGES = "UPDATE runs_run SET queued_messages = 0, interrupt_requested_at = NULL WHERE id = %s"
_WITHDRAW = "UPDATE runs_question SET state = 'withdrawn' WHERE call_id = %s AND state = 'open'"


@cache
def _tables(_vendor: str) -> tuple[SqlTable, SqlTable, SqlTable, SqlTable]:
    return SqlTable(Step, without=("id",)), SqlTable(ToolCall), SqlTable(Run), SqlTable(Question)


class Batch:
    """Writes of any number of runs, in order.

    `earlier` is an attempt at the same writes whose commit was not confirmed: a connection can break between a commit
    and its answer, and writing the steps again would double them.
    """

    def __init__(self, writes: Sequence[Write], earlier: "Batch | None" = None) -> None:
        self.writes = writes
        self.outcomes: list[WriteOutcome] = []
        self._earlier = earlier
        self._first_step: tuple[UUID, int, Any] | None = None
        self._used: dict[str, tuple[int, int | None]] = {}
        """By the run's id in hexadecimal, its usage after this batch, where the batch changed it."""
        # The connection itself: `django.db.connection` looks it up again at each access, at five calls each.
        self._connection = connections[DEFAULT_DB_ALIAS]
        self.steps, self.calls, self.runs, self.questions = _tables(self._connection.vendor)
        self._step_rows: list[list[Any]] = []
        self._call_rows: list[list[Any]] = []
        self._call_updates: list[tuple[Any, ...]] = []
        self._question_rows: list[list[Any]] = []
        self._withdrawn: list[tuple[str]] = []
        self._read_messages: list[tuple[Any, int, str]] = []
        self._without_messages: list[tuple[str]] = []
        self._clocks_apart: timedelta | None = None
        self._spent: dict[int, tuple[int, Decimal]] = {}
        self._as_time = time_for(self._connection.vendor)
        self._sequence_at = self.steps.columns.index("sequence")
        self._ended_at = self.steps.columns.index("ended_at")

    def write(self) -> list[WriteOutcome]:
        """Execute the batch in the open transaction and return the outcome of each write."""
        with self._connection.cursor() as cursor:
            return self._write(cursor)

    def _write(self, cursor: CursorWrapper) -> list[WriteOutcome]:
        rows = self._read_rows(cursor)
        # Checked with the rows locked: an earlier commit that was still under way in the server has ended by then.
        if self._earlier is not None and self._earlier.is_recorded(rows, cursor):
            return self._earlier.outcomes
        before = {run_id: row.use for run_id, row in rows.items()}
        self.outcomes = outcomes = [self._apply(write, rows.get(write.run_id.hex)) for write in self.writes]
        self._used = {run_id: row.use for run_id, row in rows.items() if row.use != before[run_id]}
        staying = [(*_values_of(row), run_id) for run_id, row in rows.items() if row.changed and not row.leaving]
        for statement, parameters in (
            (self.steps.insert, self._step_rows),
            (self.calls.insert, self._call_rows),
            (_UPDATE_CALL, self._call_updates),
            (self.questions.insert, self._question_rows),
            (_WITHDRAW, self._withdrawn),
            (_READ_MESSAGE, self._read_messages),
            (_NO_MESSAGES, self._without_messages),
            (_UPDATE_RUN, staying),
            (_ADD_SPENDING, self._spending()),
        ):
            if parameters:
                cursor.executemany(statement, parameters)
        for row in rows.values():
            if row.leaving is not None:
                columns = row.columns() | row.leaving.fields | {"owner": None, "lease_until": None}
                cursor.execute(*self.runs.update(columns, row.leaving.run_id))
                if row.is_claimable:
                    dispatch(row.leaving.run_id)  # Handed over: the next host takes it at once.
                elif row.is_told:
                    run_changes.note_by_id(row.leaving.run_id)
        return outcomes

    def is_recorded(self, rows: dict[str, _Row], cursor: CursorWrapper) -> bool:
        """True if the first step of this attempt is in the database, and with it the whole batch; without steps, if the
        usage in the rows is as it left it. A batch without either changes nothing if it is written twice."""
        if self._first_step is None:
            return any(rows[run_id].use == use for run_id, use in self._used.items() if run_id in rows)
        run_id, sequence, ended_at = self._first_step
        cursor.execute(_SELECT_STEP, [run_id.hex, sequence, ended_at])
        return cursor.fetchone() is not None

    def _read_rows(self, cursor: CursorWrapper) -> dict[str, _Row]:
        """The rows of the runs by their ids in hexadecimal; the hash of a `UUID` is a call of Python."""
        ids = {write.run_id.hex for write in self.writes}
        # Rows are locked in the order of their ids, so that two writers never deadlock.
        lock = "" if self._connection.vendor == "sqlite" else " ORDER BY id FOR NO KEY UPDATE"
        cursor.execute(f"{_SELECT_RUNS} ({', '.join(['%s'] * len(ids))}){lock}", [*ids])
        return {
            run_id.hex if isinstance(run_id, UUID) else run_id: _Row(
                epoch, owner is not None, stop is not None, *columns
            )
            for run_id, epoch, owner, stop, *columns in cursor.fetchall()
        }

    def _apply(self, write: Write, row: _Row | None) -> WriteOutcome:
        if row is None or row.epoch != write.epoch or not row.hosted:
            return FENCED
        if write.starts_call and row.stop_asked:
            return STOP_ASKED
        instead, messages = None, self._messages_for(write, row)
        if messages and write.if_messages is not None:
            write = instead = write.if_messages()
        self._add_usage(write, row)
        about: Columns = {"run_id": write.run_id.hex, "epoch": write.epoch}
        self._mark_as_read(messages, write)
        for step in [*self._steps_of(write, row), *map(message_step, messages)]:
            parameters = self.steps.parameters(step | about)
            parameters[self._sequence_at] = row.next_sequence
            if self._first_step is None:
                self._first_step = write.run_id, row.next_sequence, parameters[self._ended_at]
            row.next_sequence += 1
            self._step_rows.append(parameters)
        self._note_calls(write, about)
        if write.status is not None:
            row.status, row.waiting_for = write.status, write.waiting_for
        is_progress = write.is_progress
        if is_progress:
            row.crashes = 0
        row.active_ms += write.active_ms
        row.changed = True
        if write.leaves:
            row.hosted, row.leaving = False, write
            row.crashes %= FROZE  # A host that releases a run is not blocked by it, whether or not a freeze was noted.
        return WriteOutcome(
            "written",
            row.next_sequence - 1,
            is_progress=is_progress,
            messages=tuple(message.text for message in messages),
            queued_messages=row.queued_messages,
            instead=instead,
        )

    def _messages_for(self, write: Write, row: _Row) -> list[RunMessage]:
        """The messages that the write reads, or that let another one take its place, in order."""
        reads = write.reads_before is not None or (write.if_messages is not None and not row.stop_asked)
        if not reads or not row.queued_messages:
            return []
        self._without_messages.append((write.run_id.hex,))
        row.queued_messages = 0
        return list(RunMessage.objects.queued().filter(run=write.run_id).select_related("user"))

    def _mark_as_read(self, messages: Sequence[RunMessage], write: Write) -> None:
        read_at = datetime.now(UTC)
        for message in messages:
            message.read_at, message.read_before_turn = read_at, write.reads_before
            at = read_at if self._as_time is None else self._as_time(read_at)
            self._read_messages.append((at, write.reads_before or 0, message.pk.hex))

    def _note_calls(self, write: Write, about: Columns) -> None:
        for call in write.new_calls:
            self._call_rows.append(self.calls.parameters(call | about | self._expiry(call)))
        for change in write.calls:
            times = [
                at if at is None or self._as_time is None else self._as_time(at)
                for at in (change.started_at, change.ended_at)
            ]
            self._call_updates.append((change.state, write.epoch, change.effect, *times, change.call_id.hex))
        for question in write.questions:
            self._question_rows.append(self.questions.parameters(question | self._expiry(question)))
        self._withdrawn += [(call_id.hex,) for call_id in write.withdrawn]

    def _expiry(self, asking: Columns) -> Columns:
        """The deadline of a call or question by the database's clock, because another process checks it."""
        if asking.get("expires_at") is None:
            return {}
        if self._clocks_apart is None:
            self._clocks_apart = database_now() - datetime.now(UTC)
        return {"expires_at": asking["expires_at"] + self._clocks_apart}

    @staticmethod
    def _steps_of(write: Write, row: _Row) -> list[Columns]:
        if write.closing is None:
            return write.steps
        cost = None if row.cost is None else Decimal(str(row.cost))
        totals = Totals(row.tokens_used, cost, row.cost_is_partial, bool(row.usage_is_estimated))
        return [*write.steps, write.closing(totals)]

    def _add_usage(self, write: Write, row: _Row) -> None:
        if write.tokens is not None:
            row.tokens_used = (row.tokens_used or 0) + write.tokens
        if write.cost is not None:
            row.cost = min(Decimal(str(row.cost or 0)) + write.cost, MOST_COST)
        row.cost_is_partial = row.cost_is_partial or write.cost_is_partial
        row.usage_is_estimated = row.usage_is_estimated or write.usage_is_estimated
        if row.user_id is not None and (write.tokens or write.cost):
            tokens, cost = self._spent.get(row.user_id, (0, Decimal(0)))
            self._spent[row.user_id] = (tokens + (write.tokens or 0), min(cost + (write.cost or 0), MOST_COST))

    def _spending(self) -> list[tuple[Any, ...]]:
        if not self._spent:
            return []
        today = datetime.now(UTC).date().isoformat()
        return [(user_id, today, *spent) for user_id, spent in self._spent.items()]
