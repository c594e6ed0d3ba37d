"""The counts of a person's views of runs, kept for some seconds, and forgotten when the person changes something."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from django.core.cache import cache

from runs.doorbell import LAYER_ERRORS
from runs.models.permissions import may_see_all

KEPT_S: Final = 10
"""How long a count is kept."""


def cached_count(user: Any, name: str, count: Callable[[], int]) -> int:
    """The number that `count` returns, at most `KEPT_S` old, and never older than a change by the user."""
    # Forgetting is another stamp: a count that was begun before a change is stored under the earlier one.
    stamp = cache.get_or_set(_stamp_of(user), lambda: uuid4().hex, KEPT_S)
    # What a person may see is part of the key: a right that is taken away takes the counts with it.
    return cache.get_or_set(f"run-count:{stamp}:{may_see_all(user):d}:{name}", count, KEPT_S) or 0


def invalidate_counts(user: Any) -> None:
    """Count anew for the user."""
    with suppress(*LAYER_ERRORS):  # The change was made, and the counts are soon older than they are kept.
        cache.delete(_stamp_of(user))


def _stamp_of(user: Any) -> str:
    return f"run-counts:{user.pk}"
