"""A session with an MCP server, in either era of the protocol: what is asked of it, and within which limits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import mcp_types as types
from mcp.client._probe import negotiate_auto
from mcp.client._transport import TransportStreams
from mcp.client.session import ClientRequestContext, ClientSession, IncomingMessage
from mcp.client.subscriptions import SubscriptionLost, listen
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from runs.agent.json_data.json_types import JsonObject
from runs.engine.mcp.bounded_dispatcher import BoundedDispatcher
from runs.engine.stored_tools.listed_tool import ListedTool
from runs.engine.stored_tools.listings import MOST_CHARS, MOST_TOOLS

LIST_S: Final = 30.0
"""For all pages of a list of tools."""
MOST_PAGES: Final = 100
ASK_AGAIN_AFTER_S: Final = 30.0
"""After a subscription to changes was lost or refused."""
OnElicitation = Callable[[types.ElicitRequestParams], Awaitable[types.ElicitResult | types.ErrorData]]
_CLIENT: Final = types.Implementation(name="agentsite", title="Agentsite", version="1")
ToolAnswer = types.CallToolResult | types.InputRequiredResult


def is_session_gone(error: MCPError) -> bool:
    """True for what the SDK makes of 404 for a known session: the server did not begin the request."""
    return error.code == types.INVALID_REQUEST and error.message == "Session terminated"


class McpSession(ClientSession):
    """A session whose results are taken as they are."""

    async def validate_tool_result(self, name: str, result: types.CallToolResult) -> None:
        """Check nothing: a schema of the server's could take any time, and models need no schema of results."""

    async def send(self, method: str, params: JsonObject) -> JsonObject:
        """Send a request, and return its result as it came. Raises `MCPError`.

        `send_request` makes a model of the request, and reads a result twice: by the revision of the protocol, which
        it then writes again, and for its caller.
        """
        options: CallOptions = {}
        self._stamp({"method": method, "params": params}, options)
        return await self._dispatcher.send_raw_request(method, params, options)

    @property
    def is_modern(self) -> bool:
        """True for the stateless era of the protocol, from revision 2026-07-28 on."""
        return self.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def facts(self) -> JsonObject:
        """What the server says of itself."""
        info = self.server_info
        told = {"name": info.name[:100], "version": info.version[:100]} if info is not None else {}
        return {**told, "protocol": str(self.protocol_version)}


@asynccontextmanager
async def open_session(
    streams: TransportStreams,
    *,
    on_elicitation: OnElicitation,
    on_tools_changed: Callable[[], None],
    on_overload: Callable[[str], None],
    is_legacy: bool = False,
) -> AsyncIterator[McpSession]:
    """A session over the streams of a transport, after its handshake: `server/discover`, or `initialize` if the server
    does not know it or `is_legacy`. `on_overload` is told why, if the session ends for too many requests of the server.
    Raises `MCPError`, and what the transport raises."""

    async def elicited(
        context: ClientRequestContext,  # noqa: ARG001 - the SDK passes it
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        return await on_elicitation(params)

    async def received(message: IncomingMessage) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            on_tools_changed()

    dispatcher = BoundedDispatcher(streams, on_overload)
    async with McpSession(
        dispatcher=dispatcher, elicitation_callback=elicited, message_handler=received, client_info=_CLIENT
    ) as session:
        await (session.initialize() if is_legacy else negotiate_auto(session))
        if session.is_modern and _tells_of_changes(session):
            watching = asyncio.create_task(_watch(session, on_tools_changed))
            try:
                yield session
            finally:
                watching.cancel()
                await asyncio.wait([watching])
        else:
            yield session


def _tells_of_changes(session: ClientSession) -> bool:
    tools = session.server_capabilities.tools if session.server_capabilities else None
    return bool(tools and tools.list_changed)


async def _watch(session: ClientSession, on_tools_changed: Callable[[], None]) -> None:
    """Tell of changed lists as long as the session lives."""
    while True:
        try:
            async with asyncio.timeout(None), listen(session, tools_list_changed=True) as changes:
                async for _change in changes:
                    on_tools_changed()
        except (MCPError, SubscriptionLost, TimeoutError):
            pass  # A change that was missed is found with the next listing.
        await asyncio.sleep(ASK_AGAIN_AFTER_S)
        on_tools_changed()


async def tools_of(session: ClientSession) -> list[ListedTool]:
    """All tools of the server, up to a page more than are stored. Raises `MCPError`, `TimeoutError` and `ValueError`
    for a list that cannot be read."""
    found: list[ListedTool] = []
    cursor: str | None = None
    size = 0
    async with asyncio.timeout(LIST_S):
        for _ in range(MOST_PAGES):
            page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
            listed = [_listed(tool) for tool in page.tools]
            found += listed
            cursor = page.next_cursor
            if not cursor or len(found) > MOST_TOOLS * 2:
                break
            size += sum(tool.size for tool in listed)
            if size > MOST_CHARS:  # pages of megabytes, all of which would be in memory
                break
    return found


def _listed(tool: types.Tool) -> ListedTool:
    hints = tool.annotations.model_dump(by_alias=True, exclude_none=True) if tool.annotations else {}
    return ListedTool(tool.name, tool.description or "", tool.input_schema, hints)


async def call_tool(
    session: McpSession,
    name: str,
    arguments: JsonObject,
    *,
    responses: Mapping[str, types.ElicitResult] | None = None,
    request_state: str | None = None,
) -> ToolAnswer:
    """Call a tool. A cancellation tells the server. Raises `MCPError`, and `ValueError` for an answer that is none."""
    params: JsonObject = {"name": name, "arguments": arguments}
    if responses:
        params["inputResponses"] = {key: _as_json(each) for key, each in responses.items()}
    if request_state is not None:
        params["requestState"] = request_state
    raw = await session.send("tools/call", params)
    is_question = session.is_modern and raw.get("resultType") == "input_required"
    kind = types.InputRequiredResult if is_question else types.CallToolResult
    return kind.model_validate(raw, by_name=False)


def _as_json(response: types.ElicitResult) -> JsonObject:
    return response.model_dump(mode="json", by_alias=True, exclude_none=True)
