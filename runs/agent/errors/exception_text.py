"""Safe access to exceptions of tools and providers: their `__str__`, properties and classes are foreign code."""

from collections.abc import Iterator
from traceback import TracebackException
from types import TracebackType
from typing import Any

from runs.agent.json_data.json_values import as_storable_text

MAX_CHARS = 8_192
"""Length limit of one message. Some exceptions repeat their whole input."""
MAX_MEMBERS = 100
"""Number of exceptions of a group that `members_of` returns."""


def words_of(error: BaseException) -> str:
    """The message, cut to `MAX_CHARS`, as text that can be stored and sent; empty if there is none. Never raises.

    Python writes a file name that is no UTF-8 with halves of surrogate pairs, and its errors repeat the name.
    """
    try:
        # Joined into a plain str: a subclass may override any method.
        words = as_storable_text("".join([str(error)]))
    except BaseException as fault:  # noqa: BLE001 - foreign __str__ code, which may even raise SystemExit
        return f"(its message cannot be read: {name_of(fault)})"
    if len(words) <= MAX_CHARS:
        return words
    return f"{words[:MAX_CHARS]}… [cut: {MAX_CHARS:,} of {len(words):,} characters]"


def name_of(error: BaseException) -> str:
    """The name of the exception's class, read past a metaclass that overrides `__name__`."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name


def attribute_of(error: Any, name: str, default: Any = None) -> Any:
    """The attribute; `default` if it is missing or reading it raises."""
    try:
        return getattr(error, name, default)
    except Exception:  # noqa: BLE001 - a property is foreign code
        return default


def members_of(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The first `MAX_MEMBERS` exceptions of the group and its nested groups, in order, at any depth."""
    count, stack = 0, [iter(group.exceptions)]
    while stack and count < MAX_MEMBERS:
        member = next(stack[-1], None)
        if member is None:
            stack.pop()
        elif isinstance(member, BaseExceptionGroup):
            stack.append(iter(member.exceptions))
        else:
            count += 1
            yield member


def for_log(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None] | None:
    """A value for `exc_info` of a log record; None if no traceback can be made: for very deeply nested groups, and for
    an exception whose `__bool__` raises, which logging and traceback call."""
    try:
        TracebackException(type(error), error, error.__traceback__, compact=True)
    except Exception:  # noqa: BLE001 - any: logging must not fail because of it
        return None
    return type(error), error, error.__traceback__
