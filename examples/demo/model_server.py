"""The demo's model server: OpenAI's chat completions format, with scripted replies at the pace of a reader."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from examples.demo.scripts import Reply, reply_to

MODELS = ("fast", "slow")
WORDS_A_SECOND = 30
LISTENER_PATH = "/demo-listener"
SLOW_S = 2.0
"""What the slow model waits before its first word."""


class ModelServer(ThreadingHTTPServer):
    """Serves on a free port of this machine until `shutdown`. It takes the demo's webhooks too."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refused: dict[str, int] = {}
        self.lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """The address for AGENTSITE_ENDPOINTS."""
        return f"http://{self.host}/v1"

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where the client has left; otherwise the traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def refuses(self, task: str, reply: Reply) -> bool:
        """True for the first requests of a reply that fails."""
        with self.lock:
            count = self.refused.get(task, 0)
            if count >= reply.fails:
                return False
            self.refused[task] = count + 1
            return True


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing: the site logs what matters."""

    def do_GET(self) -> None:
        """The list of models."""
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "demo"} for name in MODELS]
        self._send(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        """One reply, streamed, or thanks for what a webhook tells; 404 for other addresses, by which the site asks what
        kind of server this is."""
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == LISTENER_PATH:
            self._send(200, {"thanks": json.loads(sent)["type"]})
            return
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": "There is no such address.", "type": "invalid_request_error"}})
            return
        body = json.loads(sent)
        task, results = _asked(body["messages"])
        reply = reply_to(task, results)
        if self.server.refuses(task, reply):
            error = {"error": {"message": "The demo's model is busy for a moment.", "type": "server_error"}}
            self._send(503, error)
            return
        if body["model"] == "slow":
            time.sleep(SLOW_S)
        self._stream(body["model"], reply)

    def _stream(self, model: str, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for event in _events(model, reply):
                self.wfile.write(f"data: {event}\n\n".encode())
                self.wfile.flush()
        except ConnectionError:
            return  # the run was stopped, or another model was first

    def _send(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _asked(messages: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    """The last task, and what its calls have given back so far."""
    last = max(place for place, each in enumerate(messages) if each["role"] == "user")
    content = messages[last]["content"]
    text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
    results = [_result(each["content"]) for each in messages[last:] if each["role"] == "tool"]
    return text, results


def _result(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


def _events(model: str, reply: Reply) -> Iterator[str]:
    about = {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

    def chunk(delta: dict[str, Any], ending: str | None = None) -> str:
        return json.dumps({**about, "choices": [{"index": 0, "delta": delta, "finish_reason": ending}]})

    yield chunk({"role": "assistant", "content": ""})
    words = reply.text.split(" ") if reply.text else []
    for place, word in enumerate(words):
        time.sleep(1 / WORDS_A_SECOND)
        yield chunk({"content": f" {word}" if place else word})
    for index, (name, arguments) in enumerate(reply.calls):
        call = {"name": name, "arguments": json.dumps(arguments)}
        yield chunk({"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": call}]})
    yield chunk({}, "tool_calls" if reply.calls else "stop")
    said = len(words) + sum(len(json.dumps(arguments)) // 4 for _, arguments in reply.calls)
    usage = {"prompt_tokens": 100, "completion_tokens": said, "total_tokens": 100 + said}
    yield json.dumps({**about, "choices": [], "usage": usage})
    yield "[DONE]"
