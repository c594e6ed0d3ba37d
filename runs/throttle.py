"""How often somebody may do something: counted in the cache, which all web processes share where there are several."""

import logging
import time
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` times in each window of `window_s` seconds. A cache that fails lets everybody pass."""

    name: str
    limit: int
    window_s: int

    def try_again_after_s(self, who: str) -> float | None:
        """Count one more time of `who`. None if it is within the limit, else the seconds until it is again."""
        now = time.time()
        window = int(now // self.window_s)
        try:
            key = self._key(who, window)
            # Whoever comes first makes it; the others count on, however many come at once.
            cache.add(key, 0, timeout=self.window_s + 5)
            times = cache.incr(key)
        except Exception as error:  # noqa: BLE001 - each kind of cache has its own, and none may keep people out
            logger.warning("Could not count for the limit %r: %s", self.name, error)
            return None
        return None if times <= self.limit else (window + 1) * self.window_s - now

    def forget(self, who: str) -> None:
        """Begin to count `who` anew."""
        try:
            cache.delete(self._key(who, int(time.time() // self.window_s)))
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("Could not forget what was counted for the limit %r: %s", self.name, error)

    def _key(self, who: str, window: int) -> str:
        return f"throttle:{self.name}:{window}:{sha256(who.encode(errors='surrogatepass')).hexdigest()[:32]}"
