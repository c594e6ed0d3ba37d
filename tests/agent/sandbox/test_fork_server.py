"""The fork server ends by itself, and its jobs with it."""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from runs.agent.sandbox.fork_client import IS_SUPPORTED
from runs.agent.sandbox.wire import JobOrder
from tests.agent.sandbox.test_job import JOBS, _ends, _wait_for_text

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="needs pidfd and memfd of Linux")


@contextmanager
def server(idle_s: float) -> Iterator[tuple["subprocess.Popen[bytes]", socket.socket]]:
    """A server and its channel."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    start = f"s.IDLE_S = {idle_s}; s.serve({theirs.fileno()}, {os.getpid()})"
    code = f"from runs.agent.sandbox import fork_server as s; {start}"
    with ours, theirs, subprocess.Popen([sys.executable, "-c", code], pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        yield process, ours
        process.kill()


def order(channel: socket.socket, request: str, folder: Path) -> socket.socket:
    """Ask for a job, whose line is returned."""
    line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    (folder / "request").write_text(request)
    with far, (folder / "request").open("rb") as stdin, (folder / "out").open("wb") as out:
        order = JobOrder(JOBS, (5, 30.0, 2**29, 2**20), str(folder))
        socket.send_fds(channel, [json.dumps(asdict(order)).encode()], [stdin.fileno(), out.fileno(), 2, far.fileno()])
    line.settimeout(20)
    return line


def test_it_ends_when_no_order_comes() -> None:
    with server(0.1) as (process, _):
        assert process.wait(20) == 0


def test_it_does_not_end_while_a_job_runs(tmp_path: Path) -> None:
    with server(0.1) as (process, channel), order(channel, f"once:{tmp_path / 'pid'}", tmp_path) as line:
        job = int(line.recv(16))
        _wait_for_text(tmp_path / "pid")
        assert not select.select([line], [], [], 0.5)[0]
        line.send(b"k")
        assert line.recv(16) == b"-9"
        line.close()
        assert process.wait(20) == 0 and _ends(job)


def test_it_tells_the_exit_code_and_the_answer_is_written(tmp_path: Path) -> None:
    with server(20) as (_, channel), order(channel, "echo:x", tmp_path) as line:
        assert int(line.recv(16)) > 0 and line.recv(16) == b"0"
        assert (tmp_path / "out").read_bytes() == b"+x"


def test_after_the_end_of_the_channel_it_waits_for_its_jobs(tmp_path: Path) -> None:
    with server(20) as (process, channel), order(channel, f"once:{tmp_path / 'pid'}", tmp_path) as line:
        job = int(line.recv(16))
        _wait_for_text(tmp_path / "pid")
        channel.close()
        assert not select.select([line], [], [], 0.5)[0]
        line.close()
        assert process.wait(20) == 0 and _ends(job)


@pytest.mark.parametrize("message", [b"no JSON", b'{"module": "json"}'])
def test_an_order_that_makes_no_sense_ends_it_and_its_jobs(message: bytes, tmp_path: Path) -> None:
    with server(20) as (process, channel), order(channel, f"once:{tmp_path / 'pid'}", tmp_path) as line:
        job = int(line.recv(16))
        channel.send(message)
        assert process.wait(20) == 1 and _ends(job)
