"""Connection limits: how many are open, by address, and which one is closed for a new one.

A connection is idle while none of its requests is being answered: it is sending one, or is kept alive. Idling costs its
client nothing, so the longest idle connection is closed for a new one, and new clients always get a connection.
"""

import logging
import resource
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from twisted.logger import globalLogPublisher

from runs.asgi_types import Message
from runs.client_address import TrustedProxies, network_of

logger = logging.getLogger(__name__)

LOG_EVERY_S: Final = 60.0
GRACE_S: Final = 2.0
"""Minimum idle time before a close: after a restart all pages of an office reconnect at once, and send requests
soon."""
LEAST_RESERVE: Final = 64
"""File descriptors reserved for the database, models, tools and logs …"""
RESERVED_SHARE: Final = 4
"""… or this fraction of all (a quarter), if that is more."""


class Connections:
    """The open connections of this process. All methods are called on its event loop."""

    def __init__(
        self,
        *,
        most: int,
        most_waiting_of_address: int,
        proxies: TrustedProxies,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._most_of_address = most_waiting_of_address
        self._proxies = proxies
        self._clock = clock
        self._open: dict[Any, str] = {}
        self._waiting: dict[str, dict[Any, float]] = {}
        """By address: idle connections with the start of their idling, oldest first."""
        self._crowd = RareLine(
            "%s has %d connections that wait; the one that has waited longest makes room for each more."
        )
        self._full = RareLine(
            "%s comes to %d open connections, the most there may be (AGENTSITE_MAX_CONNECTIONS, ulimit -n)."
        )

    def __len__(self) -> int:
        return len(self._open)

    def admits(self, address: str) -> bool:
        """True if one more connection from this address may be opened; an idle one may be closed for it."""
        place = self._place(address)
        waiting = self._waiting.get(place, {})
        is_crowd = len(waiting) >= self._most_of_address and not self._proxies.is_proxy(address)
        if is_crowd and self._clock() - next(iter(waiting.values())) > GRACE_S:
            self._crowd.write(place, len(waiting))
            self._close_oldest(waiting)
        if len(self._open) < self._most:
            return True
        self._full.write(place, len(self._open))
        if not self._waiting:
            return False
        self._close_oldest(max(self._waiting.values(), key=len))
        return True

    def opened(self, transport: Any, address: str) -> None:
        """Count a new connection, which is idle."""
        self._open[transport] = self._place(address)
        self.waits(transport)

    def waits(self, transport: Any) -> None:
        """Mark a connection as idle: its request was answered."""
        if (place := self._open.get(transport)) is not None:
            self._waiting.setdefault(place, {})[transport] = self._clock()

    def works(self, transport: Any) -> None:
        """Mark a connection as busy: a whole request has arrived, or it is a WebSocket."""
        place = self._open.get(transport, "")
        waiting = self._waiting.get(place, {})
        waiting.pop(transport, None)
        if not waiting:
            self._waiting.pop(place, None)

    def closed(self, transport: Any) -> None:
        """Forget a connection; a second call does nothing."""
        self.works(transport)
        self._open.pop(transport, None)

    def _close_oldest(self, waiting: dict[Any, float]) -> None:
        oldest = next(iter(waiting))
        self.closed(oldest)
        oldest.abortConnection()

    def _place(self, address: str) -> str:
        # A proxy is counted by its own address, not its network: it may hold connections of thousands of clients.
        return address if self._proxies.is_proxy(address) else network_of(address)


class RareLine:
    """A warning that is logged at most once a minute, with a count of the suppressed ones."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._next_at = 0.0
        self._left_out = 0

    def write(self, *values: object) -> None:
        """Log the warning, or count it."""
        now = time.monotonic()
        if now < self._next_at:
            self._left_out += 1
            return
        left_out = f" (And {self._left_out:,} times before that.)" if self._left_out else ""
        logger.warning(f"{self._words}%s", *values, left_out)  # noqa: G004  only the words are put together
        self._next_at, self._left_out = now + LOG_EVERY_S, 0


class AcceptTrouble:
    """Logs connections that Twisted could not accept; Daphne drops Twisted's log lines."""

    def __init__(self) -> None:
        self._line = RareLine("A connection could not be accepted: %s.")

    def __call__(self, event: Message) -> None:
        """Called with every event of Twisted's log."""
        words = str(event.get("log_format", ""))
        if str(event.get("log_namespace", "")).startswith("twisted.internet.tcp") and "accept" in words.lower():
            self._line.write(words.format_map({"acceptErrorCode": event.get("acceptErrorCode", "?")}).rstrip("."))
        elif "EMFILE" in words:
            self._line.write("this process has too many files open (EMFILE)")


def hear_of_accept_trouble() -> None:
    """Log it when connections cannot be accepted."""
    observer: Any = AcceptTrouble()
    globalLogPublisher.addObserver(observer)


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard limit. Returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:
        # Some systems report a hard limit that they do not grant.
        logger.warning("The limit of open files stays at %d: %s", soft, error)
        return soft
    return hard


def connections_of(file_limit: int) -> Connections:
    """The connection limits of the settings, with file descriptors reserved for everything else."""
    most = settings.AGENTSITE_MAX_CONNECTIONS
    if file_limit != resource.RLIM_INFINITY:
        most = min(most, max(8, file_limit - max(LEAST_RESERVE, file_limit // RESERVED_SHARE)))
    return Connections(
        most=most,
        most_waiting_of_address=settings.AGENTSITE_MAX_CONNECTIONS_PER_ADDRESS,
        proxies=settings.AGENTSITE_TRUSTED_PROXIES,
    )
