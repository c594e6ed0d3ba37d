"""A real server, a raw TCP client, and every kind of frame."""

import base64
import json
import os
import socket
import struct
import time
from contextlib import suppress
from typing import Any

import pytest

from tests.live_site import LiveSite, copy_data

FORGED = [
    None,
    "null",
    "http://evil.example",
    "https://{host}",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://localhost:{port}",
    "http://www.{host}",
    "http://127.0.0.1.evil.example:{port}",
    "HTTP://{host}",
    "http://{host}/",
    "http://127.0.0.1.:{port}",
    "http://x@{host}",
]


class Raw:
    """A client that sends exactly what the test says."""

    def __init__(self, site: LiveSite, path: str, session: str, *origins: str | None) -> None:
        self.host = site.url.removeprefix("http://")
        name, _, port = self.host.partition(":")
        self._socket = socket.create_connection((name, int(port)), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1", f"Host: {self.host}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", f"Cookie: sessionid={session}",
        ]  # fmt: skip
        lines += [f"Origin: {origin}" for origin in origins if origin is not None]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._buffer = b""
        self.status = int(self._until(b"\r\n\r\n").split()[1])

    def send(self, opcode: int, payload: bytes, *, final: bool = True, masked: bool = True, reserved: int = 0) -> None:
        """Send one frame, valid or not."""
        head = bytes([(0x80 if final else 0) | reserved | opcode])
        size, mask = len(payload), 0x80 if masked else 0
        if size < 126:
            head += bytes([mask | size])
        elif size < 65536:
            head += bytes([mask | 126]) + struct.pack("!H", size)
        else:
            head += bytes([mask | 127]) + struct.pack("!Q", size)
        # A close during the send is a valid result too.
        with suppress(OSError):
            self._socket.sendall(head + (b"\0\0\0\0" if masked else b"") + payload)

    def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; (-1, b"") if the connection ended."""
        head = self._take(2)
        if len(head) < 2:
            return -1, b""
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8))[0]
        return head[0] & 15, self._take(size)

    def close_code(self) -> int:
        """The close code; 0 if the connection ends without one."""
        while True:
            opcode, payload = self.frame()
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0]) if payload else 1005
            if opcode == -1:
                return 0

    def leave(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            received = self._socket.recv(65536)
            if not received:
                break
            self._buffer += received
        head, _, self._buffer = self._buffer.partition(mark)
        return head

    def _take(self, count: int) -> bytes:
        try:
            while len(self._buffer) < count and (received := self._socket.recv(65536)):
                self._buffer += received
        except ConnectionError:
            pass
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


@pytest.fixture(scope="module")
def site(prepared_data, tmp_path_factory):
    """One server for all of these tests."""
    data = tmp_path_factory.mktemp("daphne") / "site"
    copy_data(prepared_data, data)
    site = LiveSite(data)
    site.start()
    site.create_user("ada", "a good long password")
    yield site
    site.close()


@pytest.fixture(scope="module")
def session(site) -> str:
    key: str = site.session_of("ada")
    return key


@pytest.fixture
def connect(site, session):
    """`connect()`: a socket to the dashboard, which answers at once."""
    clients: list[Raw] = []

    def open_one(*origins: Any, path: str = "/ws/dashboard/") -> Raw:
        client = Raw(site, path, session, *(origins or (site.url,)))
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.leave()


@pytest.mark.parametrize("origin", FORGED)
def test_a_handshake_from_anywhere_else_is_forbidden(connect, site, origin):
    host = site.url.removeprefix("http://")
    forged = None if origin is None else origin.format(host=host, port=host.split(":")[1])

    assert connect(forged).status == 403


def test_what_is_no_origin_at_all_is_refused_by_the_server_itself(connect, site):
    assert connect(f"{site.url}.evil.example").status in (400, 403)


def test_two_origins_are_refused_even_if_both_are_right(connect, site):
    assert connect(site.url, site.url).status in (400, 403)
    assert connect(site.url, "http://evil.example").status in (400, 403)


def test_the_sites_own_pages_are_let_in(connect):
    client = connect()

    assert client.status == 101
    assert "counts" in json.loads(client.frame()[1])


def test_an_unknown_address_is_closed_with_its_code(connect):
    assert connect(path="/ws/nowhere/").close_code() == 4404
    assert connect(path="/favicon.ico").close_code() == 4404


ATTACKS = {
    "a mebibyte and one": lambda client: client.send(1, b"x" * (1024 * 1024 + 1)),
    "half a mebibyte": lambda client: client.send(1, b"x" * (512 * 1024)),
    "unmasked": lambda client: client.send(1, b"{}", masked=False),
    "reserved bits": lambda client: client.send(1, b"{}", reserved=0x70),
    "a reserved opcode": lambda client: client.send(3, b"{}"),
    "bad UTF-8": lambda client: client.send(1, b"\xff\xfe\xc0\x80"),
    "a lone surrogate": lambda client: client.send(1, b"\xed\xa0\x80"),
    "a ping too long": lambda client: client.send(9, b"x" * 126),
    "binary": lambda client: client.send(2, b'{"ack": 1}'),
    "empty": lambda client: client.send(1, b""),
    "deep nesting": lambda client: client.send(1, b"[" * 1000),
    "deep objects": lambda client: client.send(1, b'{"a":' * 1000),
    "not a number": lambda client: client.send(1, b"NaN"),
    "an object": lambda client: client.send(1, b"{}"),
    "a list": lambda client: client.send(1, b"[]"),
    "an unknown word": lambda client: client.send(1, b'{"cancel": 1}'),
    "a huge number": lambda client: client.send(1, b'{"ack":1' + b"0" * 40 + b"}"),
    "a close with a bad code": lambda client: client.send(8, struct.pack("!H", 1005)),
    "a continuation of nothing": lambda client: client.send(0, b"x"),
}


def _fragments(client: Raw) -> None:
    client.send(1, b'{"ack": ', final=False)
    for _ in range(10_000):
        client.send(0, b"1", final=False)
    client.send(0, b"}")


def _flood(client: Raw) -> None:
    for _ in range(1_000):
        client.send(1, b'{"ack": 1}')


@pytest.mark.parametrize("attack", [*ATTACKS.values(), _fragments, _flood], ids=[*ATTACKS, "fragments", "flood"])
def test_wrong_frames_close_their_own_socket_and_disturb_nobody(connect, site, attack):
    bystander, client = connect(), connect()

    attack(client)

    assert client.close_code() in (0, 1000, 1002, 1007, 1009, 4400, 4430)
    started = time.monotonic()
    bystander.send(9, b"still there?")
    while bystander.frame() != (10, b"still there?"):
        pass
    assert time.monotonic() - started < 5
    assert site.process.poll() is None
    assert " ERROR " not in site.log.read_text()


def test_a_client_that_vanishes_leaves_no_complaint(connect, site):
    for _ in range(20):
        connect().leave()

    assert connect().status == 101
    assert " ERROR " not in site.log.read_text()


def test_at_the_end_everybody_is_told_that_the_server_restarts(start_site):
    site = start_site()
    site.create_user("ada", "a good long password")
    session = site.session_of("ada")
    clients = [Raw(site, "/ws/dashboard/", session, site.url) for _ in range(20)]
    for client in clients:
        client.frame()

    code = site.stop()

    assert [client.close_code() for client in clients] == [4012] * 20
    assert code == 0
    assert " ERROR " not in site.log.read_text()
    for client in clients:
        client.leave()
