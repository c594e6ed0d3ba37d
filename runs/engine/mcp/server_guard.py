"""The program that starts a stdio server and ends it, with all it has started, when the site is gone.

`python -I -S server_guard.py LIFELINE MEMORY_MIB COMMAND [ARGUMENT …]`: LIFELINE is the reading end of a pipe that
nobody writes to. The site holds its other end, which closes even if the site is killed. This program is the parent of
the server, and of every orphan among the server's descendants, so that none escapes by a session of its own.

It is run as a file, without the packages of the site, and starts in about 20 ms.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from pathlib import Path

LOOK_EVERY_S = 1.0
GRACE_S = 1.0
"""Between SIGTERM and SIGKILL."""
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_NOT_STARTED = 127


def main(arguments: list[str]) -> int:
    """Run the server. Returns its exit code, or 128 and the number of the signal that ended it."""
    lifeline, memory_mib, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    parent = os.getppid()
    _prctl(_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    server = os.fork()
    if server == 0:
        _become(command)
    _let_go_of_pipes()
    while True:
        ready, _, _ = select.select([lifeline, woken], [], [], LOOK_EVERY_S)
        if woken in ready:
            os.read(woken, 4096)
        status = _reaped(server)
        if status is not None:
            _end_all(at_once=True)
            return status
        if lifeline in ready or os.getppid() != parent:
            _end_all()
            return 0
        if memory_mib and _memory_mib() > memory_mib:
            with contextlib.suppress(OSError):
                os.write(2, f"Ended by the site: its processes had more than {memory_mib} MiB of memory.\n".encode())
            _end_all(at_once=True)
            return 128 + signal.SIGKILL


def _become(command: list[str]) -> None:
    """Become the server, with default signals. A guard that is killed takes it along."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(each, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    os.setpgid(0, 0)
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command of the site's settings
    except OSError as error:
        os.write(2, f"{command[0]} could not be started: {error.strerror}.\n".encode())
        os._exit(_NOT_STARTED)


def _let_go_of_pipes() -> None:
    """Close the server's standard input and output here, so that their ends are seen when it closes them."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _reaped(server: int) -> int | None:
    """Reap every child that has ended. Returns the exit code of the server if it is among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == server:
            ended = os.waitstatus_to_exitcode(status)
            code = ended if ended >= 0 else 128 - ended


def _end_all(*, at_once: bool = False) -> None:
    """End all descendants: SIGTERM, then SIGKILL until none is left."""
    if not at_once:
        _signal_all(signal.SIGTERM)
        give_up_at = time.monotonic() + GRACE_S
        while _descendants() and time.monotonic() < give_up_at:
            time.sleep(0.02)
            _reaped(0)
    for _ in range(200):
        if not _signal_all(signal.SIGKILL):
            return
        time.sleep(0.01)
        _reaped(0)


def _signal_all(number: int) -> bool:
    """Send the signal to all descendants. True if there is one."""
    found = _descendants()
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return bool(found)


def _descendants() -> list[int]:
    """All processes below this one, without those that have ended."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    level = [os.getpid()]
    while level:
        level = [child for each in level for child in children.get(each, [])]
        found += level
    return found


def _processes() -> list[tuple[int, int]]:
    """The id of each process that runs, and that of its parent."""
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH112, PTH208 - cheaper here
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # The name of a program may have brackets and spaces in it.
                after_name = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
                if after_name[0] != b"Z":
                    found.append((int(entry), int(after_name[1])))
    return found


def _memory_mib() -> float:
    """The resident memory of all descendants."""
    pages = 0
    for pid in _descendants():
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
