"""A job that does what its request says: the tests' stand-in for a library that untrusted input has taken over."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from runs.agent.sandbox.refusal import JobRefused


def run(request: bytes) -> bytes:
    """What the request names, with the text behind its colon."""
    name, _, value = request.decode().partition(":")
    return _ACTIONS[name](value)


def _refuse(value: str) -> bytes:
    raise JobRefused(value)


def _spin(_: str) -> bytes:
    while True:
        pass


def _sleep(_: str) -> bytes:
    time.sleep(1000)
    return b""


def _flood(descriptor: str) -> bytes:
    while True:
        os.write(int(descriptor), b"x" * 65536)


def _end(_: str) -> bytes:
    os._exit(3)


def _abort(says: str) -> bytes:
    os.write(2, says.encode())
    os.abort()


def _write(size: str) -> bytes:
    Path("big").write_bytes(bytes(int(size)))
    return b"written"


def _start_child(note: str) -> bytes:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    Path(note).write_text(str(child.pid))
    return _sleep("")


def _connect(address: str) -> bytes:
    host, port = address.split(" ")
    with socket.create_connection((host, int(port)), timeout=5):
        return b"connected"


def _about(_: str) -> bytes:
    return json.dumps({"environment": dict(os.environ), "cwd": str(Path.cwd()), "path": sys.path}).encode()


_ACTIONS: dict[str, Callable[[str], bytes]] = {
    "echo": str.encode,
    "refuse": _refuse,
    "spin": _spin,
    "sleep": _sleep,
    "memory": lambda _: bytes(2**31),
    "answer": lambda size: b"x" * int(size),
    "flood": _flood,
    "end": _end,
    "abort": _abort,
    "file": _write,
    "child": _start_child,
    "connect": _connect,
    "about": _about,
}
