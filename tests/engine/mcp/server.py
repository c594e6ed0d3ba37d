"""An MCP server that does what its tools are told, good and bad: over stdio, or HTTP with `--http`.

With `--legacy` it knows only the era of the handshake. Its list of tools is in the file that `TOOLS_FILE` names, if it
does, which is read for each list: JSON with descriptions by name, with `only` these tools, or with pages of one tool
without end, each of so many bytes as `endless` says.
"""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server

NUMBER = {"type": "number"}
TEXT = {"type": "string"}
TOOLS: dict[str, dict[str, Any]] = {
    "add": {"a": NUMBER, "b": NUMBER},
    "echo": {"text": TEXT},
    "sleep": {"seconds": NUMBER},
    "die": {},
    "refuse": {"text": TEXT},
    "picture": {},
    "ask": {"again": {"type": "boolean"}},
    "wait": {"rounds": NUMBER},
    "storm": {"count": NUMBER},
    "flood": {"bytes": NUMBER},
    "stray": {"lines": NUMBER, "are_changes": {"type": "boolean"}},
    "half": {},
    "shout": {"bytes": NUMBER},
    "orphan": {},
    "kill_parents": {"parents": NUMBER},
    "changing": {"tools": NUMBER},
    "variables": {},
    "lists": {},
}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
CHANGE = b'{"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}\n'
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
SEEN = {"lists": 0, "cancelled": 0, "changing": 0}


def file_values() -> dict[str, Any]:
    """What the file says now."""
    file = os.environ.get("TOOLS_FILE")
    return dict(json.loads(Path(file).read_text())) if file else {}


def tools() -> list[types.Tool]:
    """What it lists now."""
    told = file_values()
    if "only" in told:
        return [types.Tool(**each) for each in told["only"]]
    changing = [
        types.Tool(name=f"changing_{number}", description=f"List {SEEN['lists']}.", input_schema={"type": "object"})
        for number in range(SEEN["changing"])
    ]
    return changing + [
        types.Tool(
            name=name,
            description=told.get(name, f"The tool {name}."),
            input_schema={"type": "object", "properties": arguments},
        )
        for name, arguments in TOOLS.items()
    ]


async def list_tools(_ctx: Any, params: Any) -> types.ListToolsResult:
    """The handler of `tools/list`."""
    SEEN["lists"] += 1
    if size := file_values().get("endless"):
        number = int((params and params.cursor) or 0)
        schema = {"type": "object", "description": "x" * size}
        return types.ListToolsResult(
            tools=[types.Tool(name=f"page_{number}", input_schema=schema)], next_cursor=str(number + 1)
        )
    return types.ListToolsResult(tools=tools())


async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> Any:
    """The handler of `tools/call`."""
    arguments = params.arguments or {}
    if params.name in ANSWERS:
        return said(ANSWERS[params.name](arguments))
    match params.name:
        case "sleep":
            return await slept(arguments["seconds"])
        case "refuse":
            return types.CallToolResult(content=[types.TextContent(text=arguments["text"])], is_error=True)
        case "picture":
            return types.CallToolResult(content=[types.ImageContent(data=PIXEL, mime_type="image/png")])
        case "ask":
            return await asked(ctx, params)
        case "wait":
            left = int(params.request_state or arguments["rounds"])
            return said("ready") if left == 0 else types.InputRequiredResult(request_state=str(left - 1))
    for _ in range(int(arguments["count"])):  # storm
        await ctx.session.send_tool_list_changed()
    return said("done")


async def slept(seconds: float) -> types.CallToolResult:
    """Sleep, and count a cancellation."""
    try:
        await asyncio.sleep(seconds)
    except BaseException:
        SEEN["cancelled"] += 1
        raise
    return said("slept")


async def asked(ctx: Any, params: types.CallToolRequestParams) -> Any:
    """Ask for a name, in the way of the era; with `again` twice."""
    if ctx.protocol_version < "2026":
        answer = await ctx.session.elicit_form("What is your name?", FORM, ctx.request_id)
        return said(f"{answer.action} {answer.content}")
    known = json.loads(params.request_state or "[]")
    for answer in (params.input_responses or {}).values():
        known.append([answer.action, answer.content])
    if len(known) <= bool((params.arguments or {}).get("again")):
        question = types.ElicitRequest(
            params=types.ElicitRequestFormParams(message=f"What is name {len(known) + 1}?", requested_schema=FORM)
        )
        return types.InputRequiredResult(input_requests={"name": question}, request_state=json.dumps(known))
    return said(json.dumps(known))


def write_raw(data: bytes) -> str:
    """Write past the protocol."""
    while data:
        data = data[os.write(OPEN_AT_START[0], data) :]
    return "done"


def shout(size: int) -> str:
    """Write to the standard error, the last line at its end."""
    while size > 0:
        size -= os.write(2, b"x" * 65_535 + b"\n")
    os.write(2, b"the last line\n")
    return "done"


def kill_parents(count: int) -> str:
    """Start a process, and kill the parents of this one, the farthest first."""
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    parents = [os.getppid()]
    while len(parents) < count:
        parents.append(int(Path(f"/proc/{parents[-1]}/stat").read_text().rpartition(")")[2].split()[1]))
    for each in reversed(parents):
        os.kill(each, signal.SIGKILL)
    return "done"


def change_always(count: int) -> str:
    """List that many further tools from now on, other ones each time."""
    SEEN["changing"] = count
    return "done"


ANSWERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "add": lambda given: str(given["a"] + given["b"]),
    "echo": lambda given: str(given["text"]),
    "die": lambda _: os._exit(7),
    "flood": lambda given: write_raw(b"x" * int(given["bytes"])),
    "stray": lambda given: write_raw(int(given["lines"]) * (CHANGE if given.get("are_changes") else b"no message\n")),
    "half": lambda _: write_raw(b'{"jsonrpc": "2.0", "id": 1, "res'),
    "shout": lambda given: shout(int(given["bytes"])),
    "orphan": lambda _: str(subprocess.Popen(["sleep", "1000"], start_new_session=True).pid),
    "kill_parents": lambda given: kill_parents(int(given["parents"])),
    "changing": lambda given: change_always(int(given["tools"])),
    "variables": lambda _: json.dumps(dict(os.environ)),
    "lists": lambda _: json.dumps(SEEN),
}


def said(text: str) -> types.CallToolResult:
    """A result of one text."""
    return types.CallToolResult(content=[types.TextContent(text=text)])


OPEN_AT_START: list[int] = []
server: Server[Any] = Server("test server", version="1.2.3", on_list_tools=list_tools, on_call_tool=call_tool)


async def over_stdio() -> None:
    """Serve the process's own streams."""
    OPEN_AT_START.append(os.dup(1))
    print("ready", file=sys.stderr, flush=True)
    options = server.create_initialization_options(NotificationOptions(tools_changed=True))
    async with stdio_server() as (reads, writes):
        if "--legacy" in sys.argv:
            await serve_loop(server, reads, writes, lifespan_state={}, init_options=options)
        else:
            await server.run(reads, writes, options)


class OlderApp:
    """The server over HTTP as one of the era of the handshake, whose sessions end without an answer if they hang."""

    def __init__(self, app: Any, *, hangs: bool) -> None:
        self.app, self.hangs = app, hangs

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", []))
        if scope["type"] == "http" and headers.get(b"mcp-method") == b"server/discover":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["type"] == "http" and scope["method"] == "DELETE" and self.hangs:
            await asyncio.Event().wait()
        await self.app(scope, receive, send)


class FloodingApp:
    """The server over HTTP, whose tool `flood` sends notifications without end, and no answer, in what it says is
    another encoding."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if dict(scope.get("headers", [])).get(b"mcp-name") != b"flood":
            await self.app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/event-stream; charset=punycode")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = (b"data: " + CHANGE + b"\n") * 100
        await receive()  # the request
        left = asyncio.create_task(receive())
        while not left.done():
            await send({"type": "http.response.body", "body": body, "more_body": True})


def over_http() -> None:
    """Serve HTTP at the port of `PORT`, or at a free one, which is printed."""
    import socket

    import uvicorn

    listener = socket.create_server(("127.0.0.1", int(os.environ.get("PORT", "0"))))
    print(listener.getsockname()[1], flush=True)
    app: Any = FloodingApp(server.streamable_http_app())
    if "--legacy" in sys.argv:
        app = OlderApp(app, hangs="--hangs" in sys.argv)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    over_http() if "--http" in sys.argv else asyncio.run(over_stdio())
