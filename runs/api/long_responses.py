"""Long responses: the limit per user in this process, and releasing the database connection."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from runs.api.errors import too_many
from runs.database_outages import RETRY_AFTER_S

STARTS_WITHIN_S: Final = 10.0
"""A response that was admitted but has not begun by then is counted no longer: its client has gone."""


def let_go_of_connection() -> None:
    """Close this thread's database connection, which would stay open, with its page cache, while the client reads.
    Inside a transaction the connection belongs to the caller, and stays."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


class LongResponses:
    """The open responses of one kind. Thread-safe, because each dictionary operation is atomic in CPython."""

    def __init__(self, words: str, limit: Callable[[], int]) -> None:
        """`words`: their name, as in "You have 20 … open"."""
        self._words = words
        self._limit = limit
        self._open: dict[object, tuple[int, float]] = {}
        """User id, and the deadline to begin; infinite once begun."""

    def let_in(self, user_id: int) -> object:
        """Reserve a slot for a user's response. Raises `ApiError` 429 if there is none."""
        now = time.monotonic()
        for place, (_user, until) in list(self._open.items()):
            if until < now:
                self._open.pop(place, None)
        limit = self._limit()
        if sum(user == user_id for user, _until in list(self._open.values())) >= limit:
            raise too_many(f"You have {limit:,} {self._words} open, and more are not possible.", RETRY_AFTER_S)
        place = object()
        self._open[place] = (user_id, now + STARTS_WITHIN_S)
        return place

    def give_back(self, place: object) -> None:
        """Release a slot; a second call does nothing."""
        self._open.pop(place, None)

    @contextmanager
    def taking(self, place: object) -> Iterator[None]:
        """Context manager that holds the slot while the response is sent."""
        kept = self._open.get(place)
        if kept is not None:
            self._open[place] = (kept[0], float("inf"))
        try:
            yield
        finally:
            self.give_back(place)
