"""The fork server of this process: started with the first job, and again when it has ended.

Forks of one server have the same addresses in memory and the same seed of hashes. So that no input can try what a job
does at one address after another, a server forks no more jobs once one of them has crashed, was killed or reached a
limit, and not more than `MOST_JOBS` in all.
"""

import atexit
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

logger = logging.getLogger(__name__)

MOST_JOBS: Final = 100
"""Of one server."""
PAUSE_S: Final = 60.0
"""How long no server is started after one that forked nothing or did not answer."""
END_S: Final = 5.0
"""How long the end of a killed server is waited for."""
NOTES_BYTES: Final = 2000
IS_SUPPORTED: Final = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(os, "memfd_create")


class ForkServerLost(Exception):
    """The fork server has no answer for a job: a fresh process is to do it."""


class ForkServerProcess:
    """A running server. Thread-safe, but for `jobs`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it. Raises `OSError`."""
        self.environment = dict(environment)
        self.jobs = 0
        """How many orders it was sent."""
        self.has_forked = False
        self._channel, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            try:
                self._channel.setblocking(False)
                self._notes = os.memfd_create("fork-server-notes")
                self._process = self._started(far.fileno())
            except OSError:
                self._channel.close()
                if hasattr(self, "_notes"):
                    os.close(self._notes)
                raise

    def _started(self, channel: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-s", "-m", "runs.agent.sandbox.fork_server", str(channel), str(os.getpid())]
        return subprocess.Popen(  # noqa: S603 - our own module
            command,
            pass_fds=[channel],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._notes,
            cwd=os.sep,
            env=self.environment | {"HOME": os.sep},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The server's pid."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def has_failed(self) -> bool:
        """Whether it ended other than for want of jobs."""
        return self._process.returncode not in (None, 0)

    def send(self, order: bytes, descriptors: list[int]) -> None:
        """Send an order. Raises `OSError`, also if the server reads none."""
        socket.send_fds(self._channel, [order], descriptors)
        self.jobs += 1

    def notes(self) -> str:
        """The end of what it wrote to its standard error."""
        size = os.fstat(self._notes).st_size
        return os.pread(self._notes, NOTES_BYTES, max(0, size - NOTES_BYTES)).decode(errors="replace")

    def kill(self) -> None:
        """Kill the process; its jobs are killed with it."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)

    def close(self) -> None:
        """Close what this process has of the server, which ends after its last job."""
        with suppress(OSError):  # The server has ended.
            self._channel.shutdown(socket.SHUT_RDWR)
        self._drop()

    def disown(self) -> None:
        """For a fork of this process, whose child the server is not."""
        self._process.returncode = 0

    def forget(self) -> None:
        """Disown a server that is not closed, and close the copies of its descriptors."""
        self.disown()
        self._drop()

    def _drop(self) -> None:
        self._channel.close()
        os.close(self._notes)


class ForkClient:
    """The server of this process, if it has one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: ForkServerProcess | None = None
        self._retired: list[ForkServerProcess] = []
        """Those that only end the jobs they have."""
        self._not_before = 0.0

    def send(self, order: bytes, descriptors: list[int], environment: Mapping[str, str]) -> ForkServerProcess:
        """Send an order to a server with this environment, which is returned. Raises `ForkServerLost`."""
        with self._lock:
            self._retired = [each for each in self._retired if each.is_running()]
            try:
                server = self._running(dict(environment))
                server.send(order, descriptors)
            except OSError as error:
                raise ForkServerLost(f"it takes no orders: {error}") from error
        return server

    def server_pid(self) -> int | None:
        """The pid of the server that takes orders, if one runs."""
        with self._lock:
            return self._server.pid if self._server is not None and self._server.is_running() else None

    def _running(self, environment: dict[str, str]) -> ForkServerProcess:
        if (server := self._server) is not None:
            if not server.is_running():
                self._note_end(server)
            elif server.environment == environment and server.jobs < MOST_JOBS:
                return server
            self._retire(server)
        if time.monotonic() < self._not_before:
            raise ForkServerLost("the last one did not start or answer")
        self._server = ForkServerProcess(environment)
        return self._server

    def _note_end(self, server: ForkServerProcess) -> None:
        if server.has_failed():
            logger.warning("The fork server of jobs has ended: %s", server.notes())

    def _retire(self, server: ForkServerProcess) -> None:
        self._server = None
        server.close()
        self._retired.append(server)

    def retire(self, server: ForkServerProcess) -> None:
        """Send the server no more orders."""
        with self._lock:
            if server is self._server:
                if not server.is_running():
                    self._note_end(server)
                self._retire(server)

    def give_up(self, server: ForkServerProcess) -> None:
        """Kill a server that does not answer, and start none for a while."""
        with self._lock:
            server.kill()
            if server is self._server:
                self._not_before = time.monotonic() + PAUSE_S
                logger.warning("The fork server of jobs did not answer and was ended: %s", server.notes())
                self._retire(server)

    def end(self) -> None:
        """Kill the server and those that are retired."""
        with self._lock:
            if self._server is not None:
                self._retire(self._server)
            while self._retired:
                self._retired.pop().kill()

    def after_fork(self) -> None:
        """Forget the servers in a fork of this process."""
        self._lock = threading.Lock()
        for each in self._retired:
            each.disown()
        if self._server is not None:
            self._server.forget()
        self._server, self._retired = None, []


CLIENT: Final = ForkClient()
"""The fork server of this process."""
if IS_SUPPORTED:
    os.register_at_fork(after_in_child=CLIENT.after_fork)
    atexit.register(CLIENT.end)
