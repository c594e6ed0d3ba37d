"""A rate limit for messages: a token bucket."""

import time


class MessageRate:
    """A token bucket of `at_once` tokens, refilled at `per_s`."""

    def __init__(self, per_s: float, at_once: float) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._tokens = at_once
        self._filled_at = time.monotonic()

    def take(self, tokens: float = 1) -> bool:
        """Take that many tokens. False if there are fewer; a refused call costs nothing."""
        now = time.monotonic()
        self._tokens = min(self._at_once, self._tokens + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True
