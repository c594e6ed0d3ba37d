"""Programs of MCP servers, forked from a process that has imported the SDK: 0.8 s of CPU time less for each start.

    python -m tests.engine.mcp.forked_programs DESCRIPTOR

The descriptor is a socket with requests, as those of `tests.fork_server`: the path of a program with its arguments.
"""

import atexit
import importlib
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.fork_desk import Desk
from tests.fork_server import serve
from tests.site_process import ForkedProcess, ForkServer, Process, can_be_forked

MODULES = (
    *("tests.engine.mcp.server", "uvicorn", "uvicorn.lifespan.on", "uvicorn.loops.auto"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
)
_starting = threading.Lock()


def start(program: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
    """Start `python PROGRAM ARGUMENTS`, whose standard output is a pipe."""
    words, environment = [str(program), *arguments], _of_programs(os.environ if environment is None else environment)
    if not can_be_forked(environment):
        command = [sys.executable, *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w"):
        return ForkedProcess(words, *_server().fork(words, environment, writing, 2), os.fdopen(reading))


def end(process: Process) -> None:
    """End it as a crash does, and let go of its output."""
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def command_of(program: Path, *arguments: str) -> list[str]:
    """The command that starts it for a site: a small process that stands for the fork."""
    if not can_be_forked(_of_programs(os.environ)):
        return [sys.executable, str(program), *arguments]
    return _desk().command_of(str(program), *arguments)


def _of_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without variables that a fork would come too late for, of which these programs need none."""
    return {name: value for name, value in environment.items() if not name.startswith(("PYTHON", "TZ"))}


def _server() -> ForkServer:
    with _starting:
        return _only_server()


@cache
def _only_server() -> ForkServer:
    server = ForkServer(__name__)
    atexit.register(server.close)
    return server


@cache
def _desk() -> Desk:
    desk = Desk(_server().fork)
    atexit.register(desk.close)
    return desk


def main(channel: socket.socket) -> None:
    """Serve the socket; return in a fork, after its program."""
    for name in MODULES:
        importlib.import_module(name)
    if serve(channel):
        del sys.argv[0]
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    # Ctrl-C is for the test process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(socket.socket(fileno=int(sys.argv[1])))
