"""A connection to a server while it is open: its session, its tools, and the calls that are under way."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runs.engine.stored_tools.listings import Listing

if TYPE_CHECKING:
    from runs.engine.mcp.session import McpSession


class Live:
    """A connection that is open."""

    def __init__(self, session: "McpSession") -> None:
        self.session = session
        self.hashes: dict[str, str] = {}
        """Of its tools as the server lists them now, by their remote names."""
        self.is_over = False
        self.in_flight = 0
        """Calls that the server has not answered, also those that wait for a person."""
        self.used_at = time.monotonic()
        self.opened_at = time.monotonic()
        self.listed_at = 0.0
        """When its tools were last asked for."""
        self.known_at = float("-inf")
        """When those were asked for that `hashes` has."""
        self.wants_list = False
        self.is_stale = False
        """True once the server has said that its tools have changed, until they are listed."""
        self.is_free = asyncio.Event()
        """Set while no call is under way."""
        self.is_free.set()
        self.listing: asyncio.Task[Listing | None] | None = None
        """A list that calls wait for."""
        self.is_reached = True
        """False after an attempt to reach the server in vain: the list is read again before the next call."""

    @property
    def idle_s(self) -> float:
        """Seconds since the end of its last call; 0 while there is one."""
        return 0.0 if self.in_flight else time.monotonic() - self.used_at

    @contextmanager
    def call_under_way(self) -> Iterator[None]:
        """Count a call that the server has not answered."""
        self.begin_call()
        try:
            yield
        finally:
            self.end_call()

    def begin_call(self) -> None:
        """A call is under way from now on."""
        self.in_flight += 1
        self.is_free.clear()

    def end_call(self) -> None:
        """It is over."""
        self.in_flight -= 1
        self.used_at = time.monotonic()
        if not self.in_flight:
            self.is_free.set()
