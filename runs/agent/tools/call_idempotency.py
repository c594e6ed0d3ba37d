"""The idempotency key of a call, by which an outside service recognises a repeated one."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_key: ContextVar[str] = ContextVar("idempotency_key")


def idempotency_key() -> str:
    """The key for an `idempotent` tool to pass on: the same in every attempt at one call, also after a crash.

    Outside a run it is a new one each time.
    """
    return _key.get("") or str(uuid.uuid4())


@contextmanager
def call_context(call_id: str) -> Iterator[None]:
    """Make `idempotency_key()` return the id of the call inside the block."""
    token = _key.set(call_id)
    try:
        yield
    finally:
        _key.reset(token)
