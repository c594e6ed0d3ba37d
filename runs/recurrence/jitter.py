"""Jitter: the same delay for a tick in every process, so that many schedules of one minute do not start together."""

from datetime import datetime, timedelta
from hashlib import sha256


def jitter_of(key: str, tick: datetime, *, most_s: int, following: datetime | None) -> timedelta:
    """The delay of a tick: whole seconds up to `most_s`, and always before the `following` tick.

    `key` is that of the schedule. Any process computes the same, also after a restart.
    """
    limit_s = most_s if following is None else min(most_s, int((following - tick).total_seconds()) - 1)
    if limit_s <= 0:
        return timedelta()
    digest = sha256(f"{key} {tick.timestamp():.0f}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8], "big") % (limit_s + 1))
