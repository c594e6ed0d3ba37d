"""The health endpoints of a worker log no traceback for clients that leave."""

import socket
import struct
import threading
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from runs.management.http_server.health_server import HealthServer

RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def health() -> Iterator[HealthServer]:
    server = HealthServer("127.0.0.1", 0)
    server.start()
    yield server
    server.close()


def test_a_client_that_leaves_in_its_request_leaves_no_traceback(
    health: HealthServer, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    client = socket.create_connection(("127.0.0.1", health.port))
    client.sendall(b"GET /health")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    client.close()

    with urlopen(f"http://127.0.0.1:{health.port}/healthz") as response:
        assert response.read() == b"alive\n"

    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert capfd.readouterr().err == ""
