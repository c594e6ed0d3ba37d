"""Triggers by which the database itself notes changes of runs, calls and steps.

The product keeps no history of statuses. These notes are written in the transaction of the change, without our code.
"""

from dataclasses import dataclass

TABLE = "chaos_moved"

_TYPES = {
    "sqlite": {"number": "INTEGER PRIMARY KEY AUTOINCREMENT", "id": "text"},
    "postgres": {"number": "bigserial PRIMARY KEY", "id": "uuid"},
}
_NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgres": "EXTRACT(EPOCH FROM clock_timestamp())",
}
_CREATE = (
    "CREATE TABLE {table} (n {number}, kind text, run {id}, call {id}, was text, now text, "
    "epoch_was integer, epoch_now integer, at double precision)"
)
_INSERT = "INSERT INTO {table} (kind, run, call, was, now, epoch_was, epoch_now, at) {values}"
_STATUS = "{row}.status || CASE {row}.waiting_for WHEN '' THEN '' ELSE ':' || {row}.waiting_for END"


@dataclass(frozen=True, slots=True)
class Watch:
    """A trigger: its table, event and condition. `values` is a SELECT, with `{at}` for the time."""

    name: str
    table: str
    event: str
    condition: str
    values: str


_WATCHES = (
    Watch(
        "run",
        "runs_run",
        "UPDATE",
        "OLD.status <> NEW.status OR OLD.waiting_for <> NEW.waiting_for OR OLD.epoch <> NEW.epoch",
        f"SELECT 'run', NEW.id, NULL, {_STATUS.format(row='OLD')}, {_STATUS.format(row='NEW')}, OLD.epoch, NEW.epoch, "
        "{at}",
    ),
    Watch(
        "call",
        "runs_toolcall",
        "UPDATE",
        "OLD.state <> NEW.state",
        "SELECT 'call', NEW.run_id, NEW.call_id, OLD.state, NEW.state, OLD.epoch, NEW.epoch, {at}",
    ),
    Watch(
        "step_changed",
        "runs_step",
        "UPDATE",
        "1 = 1",
        "SELECT 'step', NEW.run_id, NULL, 'changed', CAST(NEW.sequence AS text), OLD.epoch, NEW.epoch, {at}",
    ),
    Watch(
        "step_gone",
        "runs_step",
        "DELETE",
        "1 = 1",
        "SELECT 'step', OLD.run_id, NULL, 'deleted', CAST(OLD.sequence AS text), OLD.epoch, OLD.epoch, {at}",
    ),
    Watch(
        "late",
        "runs_step",
        "INSERT",
        "1 = 1",
        "SELECT 'late', NEW.run_id, NULL, status, CAST(NEW.sequence AS text), epoch, NEW.epoch, {at} FROM runs_run "
        "WHERE id = NEW.run_id AND status IN ('completed', 'cancelled')",
    ),
)

_WAKE = Watch(
    "wake",
    "procrastinate_jobs",
    "INSERT",
    "NEW.task_name = 'host_run'",
    "SELECT 'wake', CAST(NEW.args ->> 'run_id' AS uuid), NULL, '', '', 0, 0, {at}",
)
"""Workers delete the jobs they have received."""


def sqlite_statements() -> list[str]:
    """The statements for a migrated SQLite database."""
    return [_CREATE.format(table=TABLE, **_TYPES["sqlite"]), *(_sqlite_trigger(watch) for watch in _WATCHES)]


def postgres_statements() -> list[str]:
    """The statements for a migrated Postgres database."""
    functions = [_postgres_function(watch) for watch in (*_WATCHES, _WAKE)]
    triggers = [_postgres_trigger(watch) for watch in (*_WATCHES, _WAKE)]
    return [_CREATE.format(table=TABLE, **_TYPES["postgres"]), *functions, *triggers]


def _sqlite_trigger(watch: Watch) -> str:
    insert = _INSERT.format(table=TABLE, values=watch.values.format(at=_NOW["sqlite"]))
    when = f"AFTER {watch.event} ON {watch.table} WHEN {watch.condition}"
    return f"CREATE TRIGGER chaos_{watch.name} {when} BEGIN {insert}; END"


def _postgres_function(watch: Watch) -> str:
    insert = _INSERT.format(table=TABLE, values=watch.values.format(at=_NOW["postgres"]))
    body = f"BEGIN {insert}; RETURN NULL; END"
    return f"CREATE FUNCTION chaos_{watch.name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"


def _postgres_trigger(watch: Watch) -> str:
    when = f"AFTER {watch.event} ON {watch.table} FOR EACH ROW WHEN ({watch.condition})"
    return f"CREATE TRIGGER chaos_{watch.name} {when} EXECUTE FUNCTION chaos_{watch.name}()"
