"""A job that does what its request says: the tests' stand-in for a library that untrusted input has taken over."""

import gc
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
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


def _state(_: str) -> bytes:
    """What a process has of the kernel, without what differs between two processes."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    kept = ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Umask", "Threads", "CapEff", "SigIgn", "SigBlk", "SigCgt")
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    state = {
        "descriptors": sorted(_descriptors()),
        "status": {name: status[name].strip() for name in kept},
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in names},
        "timer": round(signal.getitimer(signal.ITIMER_REAL)[0]),
        "leads": os.getsid(0) == os.getpid() == os.getpgid(0),
        "arguments": sys.argv[1:2],
        "temporary": tempfile.gettempdir() == str(Path.cwd()) == str(Path.home()),
        "collects": gc.isenabled(),
        "safe path": sys.flags.safe_path,
    }
    return json.dumps(state).encode()


def _descriptors() -> list[int]:
    listed = list(Path("/proc/self/fd").iterdir())
    return [int(each.name) for each in listed if each.is_symlink()]  # without that of the listing itself


def _namespaces(_: str) -> bytes:
    return json.dumps({name: os.readlink(f"/proc/self/ns/{name}") for name in ("net", "user")}).encode()  # noqa: PTH115


def _hash(text: str) -> bytes:
    return str(hash(text)).encode()


def _random(_: str) -> bytes:
    return json.dumps([random.random(), uuid.uuid4().hex]).encode()


def _once(note: str) -> bytes:
    """Note the pid and wait; when it was noted before, answer."""
    if Path(note).exists():
        return b"again"
    Path(note).write_text(str(os.getpid()))
    return _sleep("")


def _parent(_: str) -> bytes:
    return str(os.getppid()).encode()


def _daemonize(note: str) -> bytes:
    """Answer, with a process left in the group that has none of the descriptors."""
    if (pid := os.fork()) == 0:
        os.closerange(0, 3)
        time.sleep(1000)
        os._exit(0)
    Path(note).write_text(str(pid))
    return b"answered"


def _read_memory(pid: str) -> bytes:
    """The beginning of the memory of a process, if this process may read it."""
    try:
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(int(maps.readline().split("-")[0], 16))
            return b"read" if memory.read(4) else b"nothing"
    except PermissionError:
        return b"refused"


def _leave_behind(text: str) -> bytes:
    """What a job finds that an earlier one has left in memory, before it leaves its own."""
    found, _LEFT[:] = list(_LEFT), [text]
    os.environ["LEFT"] = text
    return json.dumps(found).encode()


_LEFT: list[str] = []


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
    "state": _state,
    "namespaces": _namespaces,
    "hash": _hash,
    "random": _random,
    "once": _once,
    "parent": _parent,
    "daemonize": _daemonize,
    "read memory": _read_memory,
    "leave behind": _leave_behind,
}
