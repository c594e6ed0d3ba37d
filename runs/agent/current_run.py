"""Which run is worked on here: what a log line says it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_current: ContextVar[str] = ContextVar("current_run", default="")


def current_run() -> str:
    """The id of the run this task or thread works on; empty if it works on none."""
    return _current.get()


def begin_work_on(run_id: UUID) -> None:
    """From here on this task, and every task and thread it starts, works on that run."""
    _current.set(str(run_id))


@contextmanager
def about_run(run_id: UUID) -> Iterator[None]:
    """Within this, log lines are about the run."""
    token = _current.set(str(run_id))
    try:
        yield
    finally:
        _current.reset(token)
