"""All connections of this process, on an event loop and a thread of their own: runs, pages and trials share them."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.engine.mcp.connection import ServerConnection
from runs.engine.mcp.target import Target, open_transport
from runs.engine.mcp.thread_loop import ThreadLoop
from runs.engine.stored_tools.listings import Listing
from runs.engine.stored_tools.stored_function import ToolRecord

if TYPE_CHECKING:
    import mcp_types as types

    from runs.engine.mcp.calls import ServerCalls
    from runs.engine.mcp.questions import ResumedCall
    from runs.engine.mcp.session import McpSession

logger = logging.getLogger(__name__)

CLOSE_S: Final = 8.0


class McpLoop(ThreadLoop):
    """The connections by the ids of their sources and people. They belong to the loop."""

    def __init__(self) -> None:
        super().__init__("agentsite-mcp")
        self._calls: dict[tuple[int, int | None], ServerCalls] = {}
        self._retired: dict[ServerCalls, asyncio.Task[None]] = {}
        """Those on which calls are still under way, and the tasks that close them after these."""

    async def call(
        self, target: Target, record: ToolRecord, arguments: JsonObject, resumed: "ResumedCall | None"
    ) -> "types.CallToolResult":
        """Call a tool. On the loop."""
        from runs.engine.mcp.connection import ConnectionRetired

        if resumed is not None and (holder := self._holder_of(resumed.waiting)) is not None:
            return await holder.call(record, arguments, resumed)
        try:
            return await (await self._calls_of(target)).call(record, arguments, resumed)
        except ConnectionRetired:
            return await (await self._calls_of(target)).call(record, arguments, resumed)

    def _holder_of(self, waiting: str) -> "ServerCalls | None":
        """Where a call waits for a person on a connection that takes no others any more."""
        return next((each for each in self._retired if each.holds(waiting)), None)

    async def check(self, target: Target) -> Listing | None:
        """Connect now, if there is no connection, and list the tools. On the loop."""
        from runs.engine.mcp.fresh_lists import listed_again

        connection = (await self._calls_of(target)).connection
        if connection.live is not None or target.user_id is not None:
            return await listed_again(connection, is_asked=True, now=True)
        await connection.connected(now=True)
        return connection.last_listing

    async def drop(self, source_id: int, user_id: int | None = None) -> None:
        """Close the connections to a server; with `user_id` only that of this person. On the loop."""
        retired = [each for each in self._retired if _is_of(each, source_id, user_id)]
        await asyncio.gather(*(each.connection.close() for each in [*self._taken(source_id, user_id), *retired]))

    async def retire(self, source_id: int, user_id: int | None = None) -> None:
        """The same, each after the calls that are under way on it: they go on with the sign-in they began with. New
        ones take other connections. On the loop."""
        for each in self._taken(source_id, user_id):
            task = self._retired[each] = asyncio.create_task(each.connection.close_after_calls())
            task.add_done_callback(partial(self._closed, each))

    def _closed(self, calls: "ServerCalls", _task: asyncio.Task[None]) -> None:
        self._retired.pop(calls, None)

    def _taken(self, source_id: int, user_id: int | None) -> "list[ServerCalls]":
        found = [key for key, each in self._calls.items() if _is_of(each, source_id, user_id)]
        return [self._calls.pop(key) for key in found]

    def drop_from_thread(self, source_id: int, user_id: int | None = None) -> None:
        """The same from a thread without an event loop. What cannot be closed in time is not waited for: removing
        a server, or signing out of it, does not depend on what it answers."""
        try:
            self.run_from_thread(self.drop(source_id, user_id), CLOSE_S)
        except TimeoutError:
            logger.warning("The connections to the MCP server %d were not closed within %g s.", source_id, CLOSE_S)

    async def _calls_of(self, target: Target) -> "ServerCalls":
        from runs.engine.mcp.calls import ServerCalls

        key = (target.source_id, target.user_id)
        known = self._calls.get(key)
        if known is not None and (known.connection.target != target or known.connection.is_closed):
            await self.retire(*key)
            known = None
        if known is None:
            known = self._calls[key] = ServerCalls(ServerConnection(target, opened))
        return known

    async def close(self) -> None:
        """Close all connections. On the loop."""
        connections = [each.connection for each in (*self._calls.values(), *self._retired)]
        self._calls.clear()
        await asyncio.gather(*(each.close() for each in connections))


def _is_of(calls: "ServerCalls", source_id: int, user_id: int | None) -> bool:
    target = calls.connection.target
    return target.source_id == source_id and user_id in (None, target.user_id)


@asynccontextmanager
async def opened(connection: ServerConnection) -> "AsyncIterator[McpSession]":
    """An open session for the connection."""
    from runs.engine.mcp.session import open_session
    from runs.engine.mcp.stdio_streams import ServerOutput

    output = ServerOutput(connection.log)

    def ended() -> None:
        connection.ended = connection.ended or output.ended
        connection.transport_ended()

    def overloaded(told: str) -> None:
        connection.ended = connection.ended or told
        connection.transport_ended()

    async def elicited(params: Any) -> Any:
        assert connection.elicited is not None  # noqa: S101 - for the type checker: its calls have set it
        return await connection.elicited(params)

    output.on_end = ended
    is_legacy = connection.is_probed_in_vain
    async with (
        open_transport(connection.target, output) as streams,
        open_session(
            streams,
            on_elicitation=elicited,
            on_tools_changed=connection.tools_changed,
            on_overload=overloaded,
            is_legacy=is_legacy,
        ) as session,
    ):
        yield session


class _Process:
    """The loop of this process; None before the first connection, and after the end."""

    lock = threading.Lock()
    loop: McpLoop | None = None


def mcp_loop() -> McpLoop:
    """The loop of this process, started when it is first needed."""
    with _Process.lock:
        if _Process.loop is None:
            _Process.loop = McpLoop()
        return _Process.loop


async def close_connections() -> None:
    """Close all connections of this process, and end their thread. The next call starts another one."""
    with _Process.lock:
        loop, _Process.loop = _Process.loop, None
    if loop is None:
        return
    try:
        async with asyncio.timeout(CLOSE_S):
            await loop.run(loop.close())
    except TimeoutError:
        logger.warning("Connections to MCP servers were not closed within %g s; their processes are ended.", CLOSE_S)
    await asyncio.to_thread(loop.stop, CLOSE_S)
