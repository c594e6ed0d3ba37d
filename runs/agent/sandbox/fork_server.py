"""The process that forks sandboxed jobs: `python -m runs.agent.sandbox.fork_server DESCRIPTOR PARENT`. Linux only.

It imports the module of a job once and forks a process for each job, which sets its limits as a fresh one does
(`runs.agent.sandbox.worker`). It reads nothing of a job but the name of its module, its limits and its folder, and no
thread may be started in it. What its jobs share, as fresh processes do not, are the addresses of their memory and the
seed of their hashes: `fork_client` ends a server with the first job that does not end by itself.

The descriptor is a socket. A message on it is a `JobOrder` with four descriptors: standard input, output and error, and
the line of the job, a socket on which its pid and later its exit code are told. Whatever arrives on the line kills the
job with all that it started, as does its end. A job keeps its pid until then.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from runs.agent.sandbox.wire import MOST_ORDER_BYTES, JobOrder
from runs.agent.sandbox.worker import answer_request, confine_process, leave_the_network

IDLE_S: Final = 120
"""After so long without a job the process ends."""
_PARENT_DEATH_SIGNAL: Final = 1
"""`PR_SET_PDEATHSIG` (prctl.h)."""
_PARENT_ENDED: Final = signal.SIGUSR1


@dataclass(slots=True)
class _ForkedJob:
    """A job whose end is not known, or still to be told."""

    pid: int
    ended: int
    """A pidfd, readable once the process has ended."""
    line: socket.socket
    is_told: bool = False
    """The exit code was told."""
    is_left: bool = False
    """Nobody waits for it any more."""

    def kill(self) -> None:
        """Kill the process, which leads a group except in its very first moment, with its group."""
        for kill in (os.kill, os.killpg):
            with suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)


class ForkServer:
    """The jobs asked for on a channel, each in a fork."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)
        self._jobs: dict[int, _ForkedJob] = {}
        """By each of their two descriptors."""
        self._tried: set[str] = set()

    def serve(self, idle_s: float) -> None:
        """Fork a process for each order, until no order comes for `idle_s`, or after the end of the channel nothing
        runs."""
        takes_orders = True
        while takes_orders or self._jobs:
            events = [descriptor for descriptor, _ in self._poll.poll(None if self._jobs else idle_s * 1000)]
            if not events:
                return
            # The channel comes last: a job closes its descriptors with its last event, and a new one may get the same.
            for descriptor in events:
                if job := self._jobs.get(descriptor):
                    self._hear(job) if descriptor == job.line.fileno() else self._tell_end(job)
            if self._channel.fileno() in events and not self._take_order():
                takes_orders = False
                self._poll.unregister(self._channel)

    def kill_all(self) -> None:
        """Kill all jobs."""
        for job in self._jobs.values():
            job.kill()

    def _hear(self, job: _ForkedJob) -> None:
        try:
            job.is_left = not job.line.recv(16)
        except OSError:
            job.is_left = True
        job.kill()
        if job.is_left:
            self._poll.unregister(job.line)
            self._close_if_over(job)

    def _tell_end(self, job: _ForkedJob) -> None:
        # The process is left a zombie, so that its pid names no other while its group may be killed.
        ended = os.waitid(os.P_PID, job.pid, os.WEXITED | os.WNOWAIT)
        code = ended.si_status if ended and ended.si_code == os.CLD_EXITED else -ended.si_status if ended else 0
        job.is_told = True
        self._poll.unregister(job.ended)
        with suppress(OSError):
            job.line.send(str(code).encode())
        self._close_if_over(job)

    def _close_if_over(self, job: _ForkedJob) -> None:
        if job.is_told and job.is_left:
            os.waitpid(job.pid, 0)
            for each in (job.ended, job.line.fileno()):
                del self._jobs[each]
            os.close(job.ended)
            job.line.close()

    def _take_order(self) -> bool:
        """Fork a process for the next order. Returns False if there will be none."""
        message, descriptors, _, _ = socket.recv_fds(self._channel, MOST_ORDER_BYTES, 4)
        if not message:
            return False
        order = JobOrder(**json.loads(message))
        self._load(order.module)
        *streams, line = descriptors
        told = socket.socket(fileno=line)
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            traceback.print_exc()
            told.close()  # A line that ends without a pid says that there is no process.
        else:
            if pid == 0:
                _become(order, streams, server)
            self._watch(_ForkedJob(pid, os.pidfd_open(pid), told))
        for each in streams:
            os.close(each)
        return True

    def _watch(self, job: _ForkedJob) -> None:
        for each in (job.ended, job.line.fileno()):
            self._jobs[each] = job
            self._poll.register(each, select.POLLIN)
        with suppress(OSError):
            job.line.send(str(job.pid).encode())

    def _load(self, module: str) -> None:
        """Import a module for all forks to come. One that fails is imported in the fork, which tells what is wrong."""
        if module in self._tried:
            return
        self._tried.add(module)
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001
            traceback.print_exc()
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            raise RuntimeError(f"{module} starts threads: no process can be forked.")
        # What was imported is never collected: the forks share its memory.
        gc.collect()
        gc.freeze()


def _become(order: JobOrder, streams: list[int], server: int) -> NoReturn:
    """Run a job in this process, a fork, which has nothing of the server's but its modules."""
    try:
        os.setsid()
        signal.signal(_PARENT_ENDED, signal.SIG_DFL)
        for place, descriptor in enumerate(streams):
            os.dup2(descriptor, place)
        for descriptor in {int(each.name) for each in Path("/proc/self/fd").iterdir()} - {0, 1, 2}:
            with suppress(OSError):  # that of the listing itself
                os.close(descriptor)
        _renew_python(order)
        confine_process(*order.limits, has_network=False)
        _end_with(server)
        answer_request(order.module)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(1)


def _renew_python(order: JobOrder) -> None:
    """Set what a Python that starts finds out about its process."""
    os.environ.update({"TMPDIR": order.folder, "HOME": order.folder})
    os.chdir(order.folder)
    tempfile.tempdir = None
    sys.argv[1:] = [order.module]
    # New objects: the old ones have stored what the server's streams are.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    # A stream that nothing names is closed with its buffer, and a job names another standard output.
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    gc.enable()


def _end_with(server: int) -> None:
    """Have this process killed when the server ends. For after the last change of privileges, which would undo it."""
    _told_of_end_of_parent(signal.SIGKILL)
    if os.getppid() != server:  # It has ended before.
        os._exit(1)


def _told_of_end_of_parent(number: int) -> None:
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(number), 0, 0, 0)


def serve(descriptor: int, parent: int) -> None:
    """Serve the channel until it ends, the process `parent` is gone, or there is nothing to do."""
    gc.disable()
    server = ForkServer(socket.socket(fileno=descriptor))

    def end_with_parent(*_: object) -> None:
        # The signal comes also when only the thread ends that started this process.
        if os.getppid() != parent:
            server.kill_all()
            os._exit(0)

    signal.signal(_PARENT_ENDED, end_with_parent)
    _told_of_end_of_parent(_PARENT_ENDED)
    end_with_parent()
    # In a user namespace of its own the server would be in the power of its jobs, so it has none.
    leave_the_network(by_user_namespace=False)
    try:
        server.serve(IDLE_S)
    finally:
        server.kill_all()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
