"""An API of the tests: a real HTTP server with its document, and the same as a source of tools."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from runs.agent.json_data.json_types import JsonObject

DOCUMENT: JsonObject = {
    "openapi": "3.1.0",
    "info": {"title": "Garden", "version": "2.1"},
    "servers": [{"url": "/v1"}],
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}},
    "security": [{"key": []}],
    "paths": {
        "/plants": {
            "get": {"operationId": "list_plants", "summary": "List the plants."},
            "post": {
                "operationId": "add_plant",
                "summary": "Add a plant.",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"name": {"type": "string"}},
                                "required": ["name"],
                            }
                        }
                    },
                },
            },
        },
    },
}


@dataclass
class Api:
    """The API."""

    origin: str = ""
    document: Any = field(default_factory=lambda: json.loads(json.dumps(DOCUMENT)))
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, target and body of each request, without those for the document."""

    @property
    def document_url(self) -> str:
        """Where its document is."""
        return f"{self.origin}/openapi.json"


@contextmanager
def api_site() -> Iterator[Api]:
    """The API, on a port of its own."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer a request for the document, or note one for the API."""
            if self.path == "/openapi.json":
                self._answer(api.document)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            api.requests.append((self.command, self.path, body))
            self._answer({"plants": ["rose"], "you_sent": self.path})

        do_POST = do_GET  # noqa: N815 - as the standard library names it

        def _answer(self, value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.origin = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
