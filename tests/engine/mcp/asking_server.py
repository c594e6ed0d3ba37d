"""An MCP server of the older era that asks more than it should, written without the SDK.

Over standard input and output, or with `--http`: then it prints its port.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

YES_OR_NO = {"type": "object", "properties": {}}
TOOLS = ["ask", "ask_twice", "plain", "pings", "questions"]
LISTED = [{"name": name, "description": name, "inputSchema": {"type": "object", "properties": {}}} for name in TOOLS]
FACTS = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "a", "version": "1"}}
GOT: dict[str, str] = {}
CALLS: dict[str, Any] = {}


def send(**message: Any) -> None:
    """Write a message."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(words: str) -> dict[str, Any]:
    """A result of a tool."""
    return {"content": [{"type": "text", "text": words}]}


def ask(key: str, message: str) -> None:
    """Ask a person."""
    send(id=key, method="elicitation/create", params={"message": message, "requestedSchema": YES_OR_NO})


def flood(method: str, **params: Any) -> None:
    """Send requests for ever, and read nothing more."""
    number = 0
    while True:
        number += 1
        send(id=f"f{number}", method=method, params={"_meta": {"pad": "x" * 60_000}, **params})


def called(id_: Any, name: str) -> None:
    """Begin a call."""
    if name == "plain":
        withdrawn = [key for key in CALLS if key not in GOT]
        send(id=id_, result=text("plain"))
        for key in withdrawn:
            send(method="notifications/cancelled", params={"requestId": key})
            CALLS[f"{key}-again"] = CALLS.pop(key)
            ask(f"{key}-again", "May I delete it?")
    elif name == "pings":
        flood("ping")
    elif name == "questions":
        flood("elicitation/create", message="Yes?", requestedSchema=YES_OR_NO)
    else:
        asked = {"read": "May I read it?", "delete": "May I delete it?"} if name == "ask_twice" else {"one": "May I?"}
        for key, words in asked.items():
            CALLS[f"{id_}-{key}"] = id_
            ask(f"{id_}-{key}", words)


def answered(key: str, message: dict[str, Any]) -> None:
    """Take an answer; the call ends with the last one."""
    if key not in CALLS:
        return
    GOT[key] = message.get("result", {}).get("action", "error")
    of_call = [each for each, id_ in CALLS.items() if id_ == CALLS[key]]
    if all(each in GOT for each in of_call):
        send(id=CALLS[key], result=text(", ".join(f"{each.split('-', 1)[1]}: {GOT[each]}" for each in of_call)))


def handle(message: dict[str, Any]) -> None:
    """Handle a message over standard input."""
    method, id_ = message.get("method"), message.get("id")
    if method == "tools/call":
        called(id_, message["params"]["name"])
    elif method is None:
        answered(str(id_), message)
    elif id_ is not None:
        send(id=id_, **answer_to(method))


def answer_to(method: str) -> dict[str, Any]:
    """The response to a request that is no call."""
    if method == "initialize":
        return {"result": FACTS}
    if method == "tools/list":
        return {"result": {"tools": LISTED}}
    return {"error": {"code": -32601, "message": "no"}}


class Handler(BaseHTTPRequestHandler):
    """The server over HTTP: a call gets a stream of pings, whose answers are taken and never confirmed."""

    def do_POST(self) -> None:
        """Handle a message."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if message.get("method") == "tools/call":
            self._start("text/event-stream", None)
            for number in range(1000):
                ping = json.dumps({"jsonrpc": "2.0", "id": f"p{number}", "method": "ping"})
                self.wfile.write(f"event: message\ndata: {ping}\n\n".encode())
            threading.Event().wait()
        if message.get("method") is None:
            threading.Event().wait()
        if "id" not in message:
            self._start("application/json", b"", 202)
            return
        body = {"jsonrpc": "2.0", "id": message["id"], **answer_to(message["method"])}
        self._start("application/json", json.dumps(body).encode())

    def _start(self, kind: str, body: bytes | None, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_GET(self) -> None:
        """Offer no stream."""
        self._start("application/json", b"", 405)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    if "--http" in sys.argv:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
    for line in sys.stdin:
        handle(json.loads(line))
