"""The program that starts a stdio server and ends it, with all it has started, when the site is gone.

`python -I -S server_guard.py LIFELINE MEMORY_MIB COMMAND [ARGUMENT …]`: LIFELINE is the reading end of a pipe that
nobody writes to. The site holds its other end, which closes even if the site is killed.

It is two processes, the keeper and its child, the guard, whose child is the server. Each ends everything below it when
the other one is gone, so that a server that kills its parent does not escape. Both are the parents of every orphan
among the descendants of the server, so that none escapes by a session of its own. They wait for events, and wake only
to look at the memory of the server, if that is limited.

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
"""How often the memory is looked at; where the kernel cannot tell of the parent's end, also the parent."""
GRACE_S = 1.0
"""Between SIGTERM and SIGKILL."""
KEEPER_WAITS_S = 5.0
"""How long the keeper leaves it to the guard to end everything when the site is gone."""
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_NOT_STARTED = 127


def main(arguments: list[str]) -> int:
    """Run the server. Returns its exit code, or 128 and the number of the signal that ended it."""
    given, memory_mib, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    _prctl(_SET_CHILD_SUBREAPER, 1)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # One that the server does not get, and with a low number: `select` takes none beyond 1,023.
    lifeline = os.dup(given)
    os.close(given)
    keeper, end = os.getpid(), _End(lifeline, os.getppid())
    guard = os.fork()
    if guard:
        return _keep(guard, end)
    # Another one: processes that share a pipe would take each other's wake-ups.
    return _guard(_End(lifeline, keeper), memory_mib, command)


class _End:
    """What a process waits for: the end of the site, of its parent, or of a child."""

    def __init__(self, lifeline: int, parent: int) -> None:
        self._parent = parent
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._ends = [lifeline]
        with contextlib.suppress(OSError, AttributeError):  # only Linux has it
            self._ends.append(os.pidfd_open(self._parent))
        self.is_told = len(self._ends) > 1
        """True if the end of the parent is an event."""

    def wait(self, timeout_s: float | None) -> bool:
        """True at the end of the site or of the parent; False after the end of a child, or after `timeout_s`."""
        ready, _, _ = select.select([*self._ends, self._woken], [], [], timeout_s)
        if self._woken in ready:
            os.read(self._woken, 4096)
        return any(each in ready for each in self._ends) or os.getppid() != self._parent


def _keep(guard: int, end: _End) -> int:
    """Wait for the guard, and end what it may have left. Returns its exit code."""
    _let_go_of_pipes()
    give_up_at = float("inf")
    while True:
        status = _reaped(guard)
        if status is not None:
            _end_all(at_once=True)
            return status
        if time.monotonic() > give_up_at:
            _end_all(at_once=True)
            return 0
        if give_up_at < float("inf"):
            time.sleep(0.02)
        elif end.wait(None if end.is_told else LOOK_EVERY_S):
            give_up_at = time.monotonic() + KEEPER_WAITS_S


def _guard(end: _End, memory_mib: int, command: list[str]) -> int:
    """Start the server, and wait for its end. Returns its exit code."""
    _prctl(_SET_CHILD_SUBREAPER, 1)
    server = os.fork()
    if server == 0:
        _become(command)
    _let_go_of_pipes()
    rest_s = LOOK_EVERY_S if memory_mib or not end.is_told else None
    while True:
        is_over = end.wait(rest_s)
        status = _reaped(server)
        if status is not None:
            _end_all(at_once=True)
            return status
        if is_over:
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
    for pid in _children_now(os.getpid()):
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages += int(_read(f"/proc/{pid}/statm").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _children_now(parent: int) -> list[int]:
    """The descendants, by the kernel's own lists: cheap, and one that begins or ends meanwhile may be missing."""
    if not os.path.exists(f"/proc/{parent}/task/{parent}/children"):  # noqa: PTH110 - cheaper here
        return _descendants()
    found: list[int] = []
    level = [parent]
    while level:
        level = [child for each in level for child in _children_of(each)]
        found += level
    return found


def _children_of(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - cheaper here
            with contextlib.suppress(OSError):
                found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _read(path: str) -> bytes:
    opened = os.open(path, os.O_RDONLY)
    try:
        return os.read(opened, 65_536)
    finally:
        os.close(opened)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
