"""Throttles: counters in the cache, which all web processes share with scale-out."""

import logging
import time
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` times in each window of `window_s` seconds. If the cache fails, everything is allowed."""

    name: str
    limit: int
    window_s: int

    def try_again_after_s(self, who: str) -> float | None:
        """Count one use of `who`. None if it is within the limit, else the seconds until the next window."""
        now = time.time()
        window = int(now // self.window_s)
        try:
            key = self._key(who, window)
            # `add` creates the counter once, and `incr` is atomic: simultaneous uses are all counted.
            cache.add(key, 0, timeout=self.window_s + 5)
            times = cache.incr(key)
        except Exception as error:  # noqa: BLE001 - each kind of cache has its own, and none may keep people out
            logger.warning("Could not count for the limit %r: %s", self.name, error)
            return None
        return None if times <= self.limit else (window + 1) * self.window_s - now

    def times(self, who: str) -> int:
        """The count of `who` in this window; 0 if the cache fails."""
        try:
            return int(cache.get(self._key(who, int(time.time() // self.window_s)), 0))
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("Could not read what was counted for the limit %r: %s", self.name, error)
            return 0

    def give_back(self, who: str) -> None:
        """Undo one count of `who`."""
        try:
            key = self._key(who, int(time.time() // self.window_s))
            if cache.decr(key) < 0:  # A new window has begun meanwhile.
                cache.incr(key)
        except ValueError:
            return  # A new window has begun, and has no counter yet.
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("Could not give back what was counted for the limit %r: %s", self.name, error)

    def forget(self, who: str) -> None:
        """Reset the count of `who` in this window."""
        try:
            cache.delete(self._key(who, int(time.time() // self.window_s)))
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("Could not forget what was counted for the limit %r: %s", self.name, error)

    def _key(self, who: str, window: int) -> str:
        return f"throttle:{self.name}:{window}:{_digest(who)}"


@dataclass(frozen=True, slots=True)
class Pause:
    """One use, then a pause of variable length. If the cache fails, everything is allowed."""

    name: str

    def try_again_after_s(self, who: str, pause_s: float) -> float | None:
        """None if the use is allowed, which starts the pause of `who`; else the seconds it still lasts. Atomic."""
        now = time.time()
        key = self._key(who)
        try:
            if cache.add(key, now + pause_s, timeout=max(1, round(pause_s))):
                return None
            return max(1.0, float(cache.get(key, now)) - now)
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("Could not look for the pause %r: %s", self.name, error)
            return None

    def end(self, who: str) -> None:
        """End the pause of `who`."""
        try:
            cache.delete(self._key(who))
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("Could not end the pause %r: %s", self.name, error)

    def _key(self, who: str) -> str:
        return f"pause:{self.name}:{_digest(who)}"


def _digest(who: str) -> str:
    return sha256(who.encode(errors="surrogatepass")).hexdigest()[:32]
