"""Connections that send and do not read. Each is one file descriptor with the smallest possible receive buffer."""

import base64
import json
import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANSWER_LIMIT_S = 60.0
LARGEST_SEQUENCE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Person:
    """The attacker: their credentials, and a long run of theirs, which is also the run of an AG-UI thread."""

    session: str
    token: str
    run_id: str


@dataclass
class Connection:
    """One connection to the server that never reads more than the head of a response."""

    url: str
    request: bytes
    repeats: bytes = b""
    """Sent again and again."""
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        where = urlsplit(self.url)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(ANSWER_LIMIT_S)
        self._socket.connect((where.hostname, where.port))
        self._socket.sendall(self.request)

    def wait_for_handshake(self) -> int:
        """Read the status of a handshake, and nothing after it."""
        head = b""
        while not head.endswith(b"\r\n\r\n") and (received := self._socket.recv(1)):
            head += received
        self._socket.setblocking(False)
        return int(head.split()[1]) if head else 0

    def say(self) -> bool:
        """Send it once more; False if the server has closed. Bytes that do not fit the buffer are dropped."""
        try:
            self._socket.send(self.repeats)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def is_closed(self) -> bool:
        """True if the server has closed it. Reads everything, so only for the end."""
        self._socket.settimeout(0.5)
        try:
            while self._socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def leave(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self._socket.close()


def frame(words: object) -> bytes:
    """A browser's WebSocket frame."""
    payload = json.dumps(words).encode()
    return bytes([0x81, 0x80 | len(payload)]) + struct.pack("!I", 0) + payload


def socket_to(url: str, person: Person, path: str, says: Iterable[object]) -> Connection:
    """A socket that repeats `says` and reads nothing."""
    host = urlsplit(url).netloc
    lines = [
        f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", f"Origin: {url}",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        f"Cookie: sessionid={person.session}",
    ]  # fmt: skip
    repeats = b"".join(frame(words) for words in says)
    connection = Connection(url, "\r\n".join([*lines, "", ""]).encode(), repeats)
    connection.wait_for_handshake()
    return connection


def greedy_socket(url: str, person: Person, _number: int) -> Connection:
    """A run's socket that acknowledges everything, and requests everything again."""
    path = f"/ws/runs/{person.run_id}/?after=0"
    return socket_to(url, person, path, [{"ack": LARGEST_SEQUENCE}, {"resync": 0}])


def guessing_socket(url: str, person: Person, number: int) -> Connection:
    """A run's socket that acknowledges, unread, steps it was probably sent."""
    style = ("html", "json")[number % 2]
    return socket_to(url, person, f"/ws/runs/{person.run_id}/?after=0&format={style}", [{"ack": 1 + number % 10}])


def dashboard(url: str, person: Person, _number: int) -> Connection:
    """A dashboard socket, which the inbox uses too, that requests everything again and again."""
    return socket_to(url, person, "/ws/dashboard/", [{"resync": 0}])


def ponged_socket(url: str, person: Person, _number: int) -> Connection:
    """A socket that sends pings and reads no pongs."""
    connection = socket_to(url, person, "/ws/dashboard/", [])
    connection.repeats = (bytes([0x89, 0xFD]) + bytes(4) + b"x" * 125) * 500
    return connection


def asked(url: str, path: str, *headers: str, body: bytes = b"") -> Connection:
    """A request whose response is not read."""
    method = "POST" if body else "GET"
    length = [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *length, *headers]
    return Connection(url, "\r\n".join([*lines, "", ""]).encode() + body)


def agui_stream(url: str, person: Person, _number: int) -> Connection:
    """A stream of AG-UI events of a run that is known by its thread."""
    words = {"threadId": "long", "runId": "r1", "messages": [{"id": "m1", "role": "user", "content": "x"}]}
    return asked(url, "/api/v1/agui", f"Authorization: Bearer {person.token}", body=json.dumps(words).encode())


def export(url: str, person: Person, number: int) -> Connection:
    """An export, in each format."""
    style = ("json", "jsonl", "markdown")[number % 3]
    path = f"/api/v1/runs/{person.run_id}/export?format={style}"
    return asked(url, path, f"Authorization: Bearer {person.token}")


def steps_of_api(url: str, person: Person, _number: int) -> Connection:
    """A page of steps of the API."""
    return asked(url, f"/api/v1/runs/{person.run_id}/steps", f"Authorization: Bearer {person.token}")


def large_page(url: str, person: Person, _number: int) -> Connection:
    """The page of a long run."""
    return asked(url, f"/runs/{person.run_id}/", f"Cookie: sessionid={person.session}")


def inbox(url: str, person: Person, _number: int) -> Connection:
    """The inbox."""
    return asked(url, "/inbox/", f"Cookie: sessionid={person.session}")


def slow_upload(url: str, person: Person, _number: int) -> Connection:
    """A body of a megabyte that arrives byte by byte."""
    lines = ["POST /api/v1/runs HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Content-Length: 1000000"]
    lines += ["Content-Type: application/json", f"Authorization: Bearer {person.token}", "", ""]
    return Connection(url, "\r\n".join(lines).encode(), b"x")


KINDS = {
    "greedy socket": greedy_socket,
    "guessing socket": guessing_socket,
    "pings without pongs": ponged_socket,
    "dashboard": dashboard,
    "AG-UI stream": agui_stream,
    "export": export,
    "steps of the API": steps_of_api,
    "large page": large_page,
    "inbox": inbox,
    "slow upload": slow_upload,
}
