"""The servers, installed once."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.engine.mcp.real_servers.installation import (
    RealServer,
    install_from_npm,
    install_from_pypi,
    make_repository,
    real_servers,
)

NAMES = ["everything", "filesystem", "memory", "time", "git", "fetch"]


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html><body><main><p>High at 6.</p></main></body></html>"
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """A page of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, page_url: str) -> dict[str, RealServer]:
    """All servers, by their names."""
    install_from_pypi()
    modules: Path = tmp_path_factory.mktemp("mcp-servers")
    install_from_npm(modules)
    folder = tmp_path_factory.mktemp("mcp-files")
    make_repository(folder / "repository")
    return real_servers(modules, folder, page_url)
