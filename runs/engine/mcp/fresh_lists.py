"""Lists of tools that are young enough for a call: not every server at an address tells of its changes."""

import asyncio
import time
from typing import Final

from mcp.shared.exceptions import MCPError

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.output_text import readable
from runs.engine.mcp import connection as connections
from runs.engine.mcp.connection import ServerConnection, SignInNeeded
from runs.engine.mcp.connection_errors import is_sign_in, is_transport_error, words_of
from runs.engine.mcp.live_connection import Live
from runs.engine.mcp.session import is_session_gone
from runs.engine.stored_tools.listings import Listing

FRESH_S: Final = 60.0
"""How old the list of a server at an address may be when a tool is called."""


async def freshly_listed(connection: ServerConnection) -> Live:
    """The open connection, for a call. Its list of tools is read again first if it is older than `FRESH_S`, once for
    all calls that wait for it. Raises `ToolUnavailable`: the call was not made.

    A program is not asked: it ends when it is changed, tells of changes, and may answer one request after the other.
    But one that tells of changes so often that its lists are stored less often is asked.
    """
    live = await connection.connected()
    if not _is_old(connection, live):
        return live
    live.used_at = time.monotonic()  # so that it is not closed as idle meanwhile
    if live.listing is None:
        live.listing = asyncio.create_task(listed_again(connection))
        live.listing.add_done_callback(lambda task: _listed(live, task))
    # One call that is stopped does not stop the list that others wait for.
    await asyncio.shield(live.listing)
    return await connection.connected()


def _is_stored_seldom(connection: ServerConnection, live: Live) -> bool:
    """True for a server whose tools always change, while its last list was stored too short a time ago."""
    every_s = connection.list_every_s
    return every_s > connections.LIST_EVERY_S and time.monotonic() - live.listed_at < every_s


def _is_old(connection: ServerConnection, live: Live) -> bool:
    age_s = time.monotonic() - live.known_at
    if live.is_stale and _is_stored_seldom(connection, live):
        return age_s > connections.LIST_EVERY_S
    return age_s > FRESH_S and not connection.target.is_stdio


def _listed(live: Live, task: "asyncio.Task[Listing | None]") -> None:
    live.listing = None
    if not task.cancelled():
        task.exception()  # retrieved: else asyncio would log it as "never retrieved"


async def listed_again(connection: ServerConnection, *, is_asked: bool = False, now: bool = False) -> Listing | None:
    """List the tools on the open connection, or by making one. Raises `ToolUnavailable` with the reason, which the page
    of the server says too."""
    live = await connection.connected(now=now)
    try:
        if is_asked or not _is_stored_seldom(connection, live):
            return await connection.list_now(live, is_asked=is_asked)
        await connection.read_list(live)
        return connection.last_listing
    except MCPError as error:
        if is_session_gone(error):
            connection.retire(live)
            await connection.connected(now=now)  # which lists them
            return connection.last_listing
        told = words_of(error)
        if is_sign_in(error):
            raise SignInNeeded(f"{connection.target.name} wants a sign-in: {readable(told)}") from error
        if not is_transport_error(error):
            told = f"Its tools could not be listed: {told}"
    except TimeoutError:
        told = "Its tools were asked for, and it gave no answer."
    except ValueError as error:
        told = f"Its tools could not be listed: {words_of(error)}"
    await connection.not_reached(live, told)
    raise ToolUnavailable(f"{connection.target.name} could not be reached: {readable(told)[:500]}")
