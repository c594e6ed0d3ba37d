"""The health endpoints of a worker, served by threads of their own."""

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from prometheus_client import generate_latest

from runs.engine.operations import health_checks
from runs.engine.operations.metrics import REGISTRY
from runs.management.http_server.server import CannotServe
from runs.security_headers import security_headers
from runs.web.metrics import is_bearer_of

TEXT, JSON = "text/plain; charset=utf-8", "application/json"


class HealthServer:
    """Serves `/healthz`, `/readyz` and `/metrics` until it is closed."""

    def __init__(self, host: str, port: int) -> None:
        """Bind the port. Raises `CannotServe`."""
        try:
            self._server = _Server((host, port), _Answer)
        except OSError as error:
            raise CannotServe(f"cannot listen on {host} port {port} ({error.strerror}).") from error
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Serve in a daemon thread."""
        threading.Thread(target=self._server.serve_forever, name="agentsite-watch", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where the client has left or is silent; otherwise the traceback."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Answer(BaseHTTPRequestHandler):
    timeout = 10
    server_version, sys_version = "agentsite", ""

    def do_GET(self) -> None:
        match self.path:
            case "/healthz":
                self._answer(200, "alive\n", TEXT)
            case "/readyz":
                self._answer(*_ready(), JSON)
            case "/metrics" if settings.AGENTSITE_METRICS_TOKEN:
                self._answer_with_figures()
            case _:
                self._answer(404, "Not found\n", TEXT)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its signature)
        """Log nothing: health checks come every few seconds."""

    def _answer_with_figures(self) -> None:
        if not is_bearer_of(settings.AGENTSITE_METRICS_TOKEN, self.headers.get("Authorization", "")):
            self._answer(401, "Unauthorized\n", TEXT)
            return
        self._answer(200, generate_latest(REGISTRY).decode(), "text/plain; version=0.0.4; charset=utf-8")

    def _answer(self, status: int, text: str, content_type: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in security_headers():
            self.send_header(name, value)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)


def _ready() -> tuple[int, str]:
    looks = {"database": asyncio.run(health_checks.DATABASE.look()), "host": health_checks.look_at_host()}
    is_ready = all(look.ok for look in looks.values())
    content = {"ready": is_ready, "checks": {name: look.as_json() for name, look in looks.items()}}
    return 200 if is_ready else 503, json.dumps(content, indent=2)
