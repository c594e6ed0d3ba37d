"""A server with configurable model lists."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any] | Callable[[dict[str, str], Any], Any]
"""A status and its JSON (or raw bytes), or a function from query and body to JSON."""


class ListServer:
    """A server with one answer per path; other paths are 404. `asked` has path, query and headers of each request."""

    def __init__(self, routes: Mapping[str, Answer]) -> None:
        self.routes = routes
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.extra_headers: dict[str, str] = {}
        self.hang = threading.Event()
        """Paths whose answer is `...` wait for this, after their headers and a first byte."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def paths(self) -> list[str]:
        """The requested paths, in order."""
        return [path for path, _, _ in self.asked]

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        self.hang.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(routes: Mapping[str, Answer]) -> Iterator[ListServer]:
    """Run the server inside the block."""
    server = ListServer(routes)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def _handler(server: ListServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(None)

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, body: Any) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            server.asked.append((parts.path, query, {name.lower(): value for name, value in self.headers.items()}))
            route = server.routes.get(parts.path, (404, {"error": "no such path"}))
            status, content = (200, route(query, body)) if callable(route) else route
            self.send_response(status)
            for name, value in server.extra_headers.items():
                self.send_header(name, value)
            if content is ...:
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"[")
                server.hang.wait(30)
                return
            told = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            """Do nothing, to keep the output of the tests clean."""

    return Handler
