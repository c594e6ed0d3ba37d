"""The id of the run in log records: a context variable, inherited by tasks and threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from uuid import UUID

_current: ContextVar[str] = ContextVar("current_run", default="")


def current_run_id() -> str:
    """The id of the run of this task or thread; empty outside of a run."""
    return _current.get()


def run_id_in(context: Context) -> str:
    """The id of the run in the context of another task. Callable from any thread."""
    return context.get(_current, "")


def bind_run_context(run_id: UUID) -> None:
    """Bind this task, and every task and thread that it starts later, to the run."""
    _current.set(str(run_id))


@contextmanager
def run_context(run_id: UUID) -> Iterator[None]:
    """Bind the block to the run."""
    token = _current.set(str(run_id))
    try:
        yield
    finally:
        _current.reset(token)
