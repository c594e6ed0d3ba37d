"""The connection to one server: a task of its own enters and leaves it, and calls share it."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.engine.database_threads import in_thread
from runs.engine.mcp.connection_errors import is_sign_in, is_transport_error, words_of
from runs.engine.mcp.live_connection import Live
from runs.engine.mcp.output_ring import OutputRing
from runs.engine.mcp.reports import report
from runs.engine.mcp.target import Target
from runs.engine.stored_tools.listed_tool import ListedTool
from runs.engine.stored_tools.listings import Listing, store_listing
from runs.models import ToolSource

if TYPE_CHECKING:
    from runs.engine.mcp.session import McpSession

logger = logging.getLogger(__name__)

CONNECT_S: Final = 60.0
"""For the start of a server, its handshake and its first list; `npx` may have to download it."""
WAIT_S: Final = 45.0
"""How long a call waits for the connection."""
IDLE_S: Final = 300.0
"""A connection without calls is closed after this."""
CLOSE_S: Final = 5.0
"""How long the end of a connection is waited for."""
LIST_EVERY_S: Final = 5.0
"""The least time between two lists, however often the server says that its tools have changed."""
LONGEST_LIST_EVERY_S: Final = 300.0
"""The same for a server whose tools are other ones each time: the time doubles with each such list."""
LIST_AGAIN_S: Final = 300.0
"""A list that is older is asked for again, if the connection is used: not every server tells of changes."""
TICK_S: Final = 10.0
"""How often the log is stored while it grows."""
PATIENT_S: Final = 2.0
"""A call waits this long for the next try; for a later one it fails at once."""
STEADY_S: Final = 30.0
"""A connection that has lasted this long does not count as a failure when it ends."""
LONGEST_BACKOFF_S: Final = 60.0


class SignInNeeded(ToolUnavailable):
    """The server wants a sign-in, or another one. The call was not made."""


class ConnectionRetired(ToolUnavailable):
    """The connection takes no more calls, and another one does. The call was not made."""


OpenSession = Callable[["ServerConnection"], AbstractAsyncContextManager["McpSession"]]


class ServerConnection:
    """The connection of this process to one server, opened when it is needed. Belongs to the loop of MCP."""

    def __init__(self, target: Target, open_session: OpenSession) -> None:
        self.target = target
        self.log = OutputRing()
        self.ended = ""
        """Why the transport ended by itself, in words; empty if it cannot tell."""
        self._open_session = open_session
        self._live: Live | None = None
        self._opening: asyncio.Future[Live] | None = None
        self._owner: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._failures = 0
        self._not_before = 0.0
        self._last_error = ""
        self._log_stored = 0
        self.is_closed = False
        self.is_retired = False
        """True for one that is closed after the calls that are under way."""
        self._list_pace = 1.0
        """Doubled with each list that differs from the one before, and halved with each other one."""
        self.is_probed_in_vain = False
        """True for a process that ended when it was asked for the newer era of the protocol."""
        self.last_listing: Listing | None = None
        self.elicited: Callable[[Any], Awaitable[Any]] | None = None
        """Called with what the server asks a person while a call is under way, in the older era of the protocol."""

    @property
    def live(self) -> Live | None:
        """The open connection, if there is one."""
        return self._live if self._live is not None and not self._live.is_over else None

    async def connected(self, *, now: bool = False) -> Live:
        """The open connection. Raises `ToolUnavailable` if it cannot be made, or not before a pause after failures has
        passed; `now` makes a try at once."""
        if self.is_retired:
            raise self._closed()
        if (live := self.live) is not None:
            return live
        if self.is_closed:
            raise self._closed()
        left_s = 0.0 if now else self._not_before - time.monotonic()
        if left_s > PATIENT_S and self._opening is None:
            raise ToolUnavailable(f"{self._not_reached(self._last_error)} The next try is in {left_s:.0f} s.")
        if left_s > 0:
            await asyncio.sleep(left_s)
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_future()
            self._owner = asyncio.create_task(self._own(self._opening, self._owner))
        done, _ = await asyncio.wait([self._opening], timeout=WAIT_S)
        if not done:
            raise ToolUnavailable(f"{self.target.name} is not connected after {WAIT_S:g} s.")
        return next(iter(done)).result()

    def _closed(self) -> ToolUnavailable:
        kind = ConnectionRetired if self.is_retired else ToolUnavailable
        return kind(f"The connection to {self.target.name} is closed.")

    def retire(self, live: Live) -> None:
        """Give up an open connection: the next call makes another one."""
        live.is_over = True
        self._wake.set()

    def tools_changed(self) -> None:
        """Ask for the list of tools again, not more often than every `list_every_s`."""
        if self._live is not None:
            self._live.is_stale = True
            self._ask_again(self._live)

    def _ask_again(self, live: Live) -> None:
        if not live.wants_list:
            live.wants_list = True
            self._wake.set()

    def check_answers(self) -> None:
        """A call was given up without an answer: see, by asking for the list of tools, whether the server hangs."""
        if self._live is not None:
            self._ask_again(self._live)

    def transport_ended(self) -> None:
        """The transport has ended by itself."""
        if self._live is not None:
            self.retire(self._live)

    async def list_now(self, live: Live, *, is_asked: bool = False) -> Listing | None:
        """Ask for the list of tools, and store it. Raises what `tools_of` raises. None if the source was removed.

        What the sign-in of one person lists is not what all have: it is stored only if a person `is_asked` for it.
        """
        known = live.hashes
        live.listed_at, live.wants_list = time.monotonic(), False
        listed = await self.read_list(live)
        self._set_pace(is_changed=bool(known) and known != live.hashes)
        if not live.is_reached:
            live.is_reached = True
            await report(self.target, state=ToolSource.State.CONNECTED)
        if self.target.user_id is not None and not is_asked:
            return None
        self.last_listing = await in_thread(partial(store_listing, self.target.source_id, listed))
        if self.last_listing is None:
            self.is_closed = True
            self.retire(live)
        return self.last_listing

    async def read_list(self, live: Live) -> list[ListedTool]:
        """Ask for the list of tools, for the calls of this connection. Raises what `tools_of` raises."""
        from runs.engine.mcp.session import tools_of

        asked_at = time.monotonic()
        live.is_stale = False
        listed = await tools_of(live.session)
        live.hashes = {each.remote_name: each.hash for each in listed}
        live.known_at = asked_at
        return listed

    @property
    def list_every_s(self) -> float:
        """The least time between two lists that are stored: a server whose tools always change is listed less and less
        often, since each time costs the whole site."""
        return min(LONGEST_LIST_EVERY_S, LIST_EVERY_S * self._list_pace)

    def _set_pace(self, *, is_changed: bool) -> None:
        if is_changed and self.list_every_s < LONGEST_LIST_EVERY_S:
            self._list_pace *= 2
        elif not is_changed:
            self._list_pace = max(1.0, self._list_pace / 2)

    async def not_reached(self, live: Live, told: str) -> None:
        """An attempt to reach the server on an open connection was in vain: its page says so, and what it is found to
        list when it is back is not taken for what it was."""
        live.is_reached, live.known_at = False, float("-inf")
        await report(self.target, state=ToolSource.State.FAILED, error=told)

    async def close(self) -> None:
        """End the connection for good. What a server does not answer within `CLOSE_S` is not waited for."""
        self.is_closed = True
        if self._owner is not None:
            self._owner.cancel()
            await asyncio.wait([self._owner], timeout=CLOSE_S)

    async def close_after_calls(self) -> None:
        """Take no more calls, and end the connection after those that are under way."""
        self.is_retired = True
        if (live := self.live) is not None and self._owner is not None:
            free = asyncio.create_task(live.is_free.wait())
            await asyncio.wait([free, self._owner], return_when=asyncio.FIRST_COMPLETED)
            free.cancel()
        await self.close()

    async def _own(self, opening: "asyncio.Future[Live]", before: asyncio.Task[None] | None) -> None:
        """Open the connection, keep it as long as it is of use, and close it."""
        if before is not None:
            await asyncio.wait([before])
        self.log, self._log_stored, self.ended, self._live = OutputRing(), 0, "", None
        try:
            async with asyncio.timeout(CONNECT_S) as limit, self._open_session(self) as session:
                live = Live(session)
                self._live = live
                await self.list_now(live)
                limit.reschedule(None)
                await report(self.target, state=ToolSource.State.CONNECTED, facts=session.facts, log=self.log.text())
                self._opening = None
                opening.set_result(live)
                await self._keep(live)
        except asyncio.CancelledError:
            if not opening.done():
                opening.set_exception(self._closed())
            raise
        except BaseException as error:  # noqa: BLE001 - SDK and transport raise groups of anything
            await self._failed(opening, error)
        else:
            await self._over(live)
        finally:
            self._opening = None
            if self._live is not None:
                self._live.is_over = True
            with suppress(asyncio.InvalidStateError):
                opening.exception()  # retrieved, also if nobody waits any more

    async def _keep(self, live: Live) -> None:
        """Return when the connection is over, or of no use."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rest_s(live)):
                    await self._wake.wait()
            self._wake.clear()
            now = time.monotonic()
            if live.is_over or live.idle_s > IDLE_S:
                return
            is_old = live.used_at > live.listed_at and now - live.listed_at > LIST_AGAIN_S
            is_due = (live.wants_list or is_old) and now - live.listed_at >= self.list_every_s
            if is_due and not await self._list_again(live):
                return
            if self.log.added != self._log_stored:
                self._log_stored = self.log.added
                await report(self.target, log=self.log.text())

    def _rest_s(self, live: Live) -> float:
        """Seconds until there is something to look at."""
        if live.wants_list:
            return min(TICK_S, max(0.0, live.listed_at + self.list_every_s - time.monotonic()))
        return TICK_S

    async def _list_again(self, live: Live) -> bool:
        """False if the server hangs."""
        from mcp.shared.exceptions import MCPError

        try:
            await self.list_now(live)
        except TimeoutError:
            self.ended = "It hangs: its tools were asked for, and it gave no answer."
            return False
        except (MCPError, ValueError) as error:
            # What is not known to be as it was approved is not called.
            live.hashes, live.known_at = {}, float("-inf")
            told = f"Its tools could not be listed: {words_of(error)}"
            if is_transport_error(error):
                await self.not_reached(live, told)
            else:
                await report(self.target, error=told)
        return True

    async def _over(self, live: Live) -> None:
        """The connection has ended: by itself, or because nobody used it."""
        if time.monotonic() - live.opened_at > STEADY_S:
            self._failures = 0
        if not self.ended:
            state = ToolSource.State.IDLE if live.is_reached else None
            await report(self.target, state=state, log=self.log.text())
            return
        self._note_failure(self.ended)
        await report(self.target, state=ToolSource.State.FAILED, error=self.ended, log=self.log.text())

    async def _failed(self, opening: "asyncio.Future[Live]", error: BaseException) -> None:
        told: str = self.ended or words_of(error)
        if self.target.is_stdio and self.ended and self._live is None:
            self.is_probed_in_vain = not self.is_probed_in_vain
        if isinstance(error, TimeoutError):
            told = f"It was not ready within {CONNECT_S:g} s."
        logger.warning("The MCP server %s: %s", self.target.name, told)
        cause = error if isinstance(error, ToolFailed) else ToolUnavailable(self._not_reached(told))
        if is_sign_in(error):
            # No pause: once a person has signed in, the next call is to be made at once.
            cause = SignInNeeded(f"{self.target.name} wants a sign-in: {told}")
            await report(self.target, state=ToolSource.State.SIGNED_OUT, error=told, log=self.log.text())
        else:
            self._note_failure(told)
            await report(self.target, state=ToolSource.State.FAILED, error=told, log=self.log.text())
        if not opening.done():
            opening.set_exception(cause)

    def _note_failure(self, told: str) -> None:
        self._failures += 1
        self._last_error = told
        longest_s = min(LONGEST_BACKOFF_S, 2.0 ** min(self._failures - 1, 10))
        self._not_before = time.monotonic() + longest_s * random.uniform(0.5, 1)  # noqa: S311 - jitter

    def _not_reached(self, told: str) -> str:
        return f"The MCP server {self.target.name} could not be reached: {told}"
