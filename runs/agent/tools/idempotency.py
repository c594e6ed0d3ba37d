"""The key by which an outside service can tell that a call is the same call again."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_key: ContextVar[str] = ContextVar("idempotency_key")


def idempotency_key() -> str:
    """For an `idempotent` tool to pass on: the same in every attempt at one call, also after a crash.

    Outside a run every call is a new one.
    """
    return _key.get("") or str(uuid.uuid4())


@contextmanager
def calling(call_id: str) -> Iterator[None]:
    """Within this, `idempotency_key()` is the id of the call."""
    token = _key.set(call_id)
    try:
        yield
    finally:
        _key.reset(token)
