"""Processes of the site for tests; forked where possible, which halves the time of a start."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.fork_server import PID_BYTES

ROOT = Path(__file__).resolve().parents[1]
READ_BY_PYTHON = ("PYTHON", "LC_", "LD_", "TZ")
"""Prefixes of variables that are read at the start of a process: after a fork it is too late for them."""
HEEDED_BY_FORKS = {"PYTHONIOENCODING"}
"""Those that the fork server does as told."""
_starting = threading.Lock()
_forks_always = threading.Event()


class ForkedProcess:
    """A process that the fork server started, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, arguments: Sequence[str], pid: int, status: int, stdout: IO[str] | None = None) -> None:
        """`status`: the pipe that delivers the exit code."""
        self.args = arguments
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status
        self._reading = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._status, select.POLLIN)
            if not poll.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            with self._reading:  # Several threads may wait, and one of them reads.
                if self.returncode is None:
                    self.returncode = int(os.read(self._status, 100))
        return self.returncode

    def __del__(self) -> None:
        os.close(self._status)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A process of `tests.fork_server`, or of a module like it, and the channel to it. Its forks outlive it."""

    def __init__(self, module: str = "tests.fork_server") -> None:
        self._channel, far_channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with far_channel:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(far_channel.fileno())],
                cwd=ROOT,
                env=kept,
                stdout=subprocess.DEVNULL,
                pass_fds=[far_channel.fileno()],
            )

    def close(self) -> None:
        """End the server."""
        self._channel.close()
        self._process.wait()

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], *streams: int) -> tuple[int, int]:
        """Run `manage.py ARGUMENTS` with these descriptors: standard output, standard error, standard input if given.

        Another module runs what it says. Returns the pid and the pipe for the exit code."""
        status, far_status = os.pipe()
        try:
            request = json.dumps([list(arguments), dict(environment)]).encode()
            socket.send_fds(self._channel, [request], [far_status, *streams])
        finally:
            os.close(far_status)
        pid = os.read(status, PID_BYTES)
        assert len(pid) == PID_BYTES, "The fork server has ended."
        return int.from_bytes(pid, "big"), status


Process = ForkedProcess | subprocess.Popen[str]


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stderr: IO[Any],
    stdout: IO[Any] | None = None,
    stdin: IO[Any] | None = None,
) -> Process:
    """Start `manage.py ARGUMENTS` with exactly this environment; standard output is a pipe of text unless given."""
    if not can_be_forked(environment):
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=dict(environment),
            stdin=stdin,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=stderr,
            text=True,
        )
    others = [stderr.fileno(), *([] if stdin is None else [stdin.fileno()])]
    if stdout is not None:
        return ForkedProcess(arguments, *fork(arguments, environment, stdout.fileno(), *others))
    reading, writing = os.pipe()
    with os.fdopen(writing, "w"):
        return ForkedProcess(arguments, *fork(arguments, environment, writing, *others), os.fdopen(reading))


def run(
    arguments: Sequence[str], environment: Mapping[str, str], *, limit_s: float
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py ARGUMENTS` to its end. Raises `subprocess.TimeoutExpired`, after killing the process."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        code = end_of(start(arguments, environment, stdout=stdout, stderr=stderr), limit_s=limit_s)
        return subprocess.CompletedProcess(arguments, code, *map(_whole, (stdout, stderr)))


def run_on_bytes(
    arguments: Sequence[str], environment: Mapping[str, str], *, said: bytes = b"", limit_s: float
) -> subprocess.CompletedProcess[bytes]:
    """The same, with `said` on standard input, and what it wrote as bytes."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(said)
        stdin.seek(0)
        process = start(arguments, environment, stdin=stdin, stdout=stdout, stderr=stderr)
        code = end_of(process, limit_s=limit_s)
        return subprocess.CompletedProcess(arguments, code, *map(_whole, (stdout, stderr)))


def end_of(process: Process, *, limit_s: float) -> int:
    """The exit code of the process. Raises `subprocess.TimeoutExpired`, after killing it."""
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _whole(file: IO[Any]) -> Any:
    file.seek(0)
    return file.read()


@contextmanager
def forked() -> Iterator[None]:
    """In the block processes are forked with `CHAOS=full` too: for hundreds of starts whose imports are not what is
    tried."""
    _forks_always.set()
    try:
        yield
    finally:
        _forks_always.clear()


def can_be_forked(environment: Mapping[str, str]) -> bool:
    """True on Linux, outside of `CHAOS=full`, unless the environment has a variable read at process start."""
    if sys.platform != "linux" or (os.environ.get("CHAOS") == "full" and not _forks_always.is_set()):
        return False
    language = os.environ.get("LANG")
    if environment.get("LANG", language) != language:
        return False
    return not any(name.startswith(READ_BY_PYTHON) for name in environment.keys() - HEEDED_BY_FORKS)


def fork(arguments: Sequence[str], environment: Mapping[str, str], *streams: int) -> tuple[int, int]:
    """A fork that runs `manage.py ARGUMENTS`, as `ForkServer.fork`."""
    with _starting:
        server = _fork_server()
    return server.fork(arguments, environment, *streams)


@cache
def _fork_server() -> ForkServer:
    server = ForkServer()
    atexit.register(server.close)
    return server
