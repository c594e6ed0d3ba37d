"""The process of one sandboxed job:
`python -m runs.agent.sandbox.worker MODULE CPU_S WALL_S MEMORY FILE_BYTES NETWORK`.

It limits itself before it loads the job's module, reads the request from its standard input, and writes the answer.
Nothing that untrusted input could reach runs before the limits are set.
"""

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.sandbox.wire import DONE, OUT_OF_MEMORY, REFUSED

_NEW_USER_NAMESPACE: Final = 0x10000000
_NEW_NETWORK_NAMESPACE: Final = 0x40000000
_NO_NEW_PRIVILEGES: Final = 38
"""Constants of Linux: `CLONE_NEWUSER`, `CLONE_NEWNET` (sched.h), `PR_SET_NO_NEW_PRIVS` (prctl.h)."""
REFUSAL_CHARACTERS: Final = 2000


def main(module: str, cpu_s: int, wall_s: float, memory_bytes: int, file_bytes: int, *, has_network: bool) -> NoReturn:
    """Run one job."""
    confine_process(cpu_s, wall_s, memory_bytes, file_bytes, has_network=has_network)
    answer_request(module)


def confine_process(cpu_s: int, wall_s: float, memory_bytes: int, file_bytes: int, *, has_network: bool) -> None:
    """Set the limits of this process, and close the network."""
    limit_process(cpu_s, wall_s, memory_bytes, file_bytes)
    if not has_network:
        leave_the_network()


def answer_request(module: str) -> NoReturn:
    """Read the request, write the answer of the job, and end this process."""
    answer = sys.stdout.buffer
    # What a library prints must not become a part of the answer.
    sys.stdout = sys.stderr
    job: Callable[[bytes], bytes] = importlib.import_module(module).run
    try:
        payload = job(sys.stdin.buffer.read())
        status = DONE
    except JobRefused as refused:
        status, payload = REFUSED, str(refused)[:REFUSAL_CHARACTERS].encode(errors="replace")
    except MemoryError:
        status, payload = OUT_OF_MEMORY, b""
    answer.write(status + payload)
    answer.flush()
    # Not a normal exit: native libraries may hang in their destructors.
    os._exit(0)


def limit_process(cpu_s: int, wall_s: float, memory_bytes: int, file_bytes: int) -> None:
    """Set the limits of this process. A limit that the system does not know is left out."""
    # Ends the process also if its parent is gone.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall_s + 1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an OSError
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # SIGXCPU at the soft limit tells the cause; SIGKILL follows a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    with contextlib.suppress(OSError, ValueError):  # macOS refuses it, or a lower limit is set already
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def leave_the_network(*, by_user_namespace: bool = True) -> None:
    """Leave the network by an empty namespace, and give up gaining privileges, where the kernel allows it.

    The jobs open no connection themselves: this holds if untrusted input takes one of their libraries over.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if libc.unshare(_NEW_NETWORK_NAMESPACE) and by_user_namespace:
        libc.unshare(_NEW_USER_NAMESPACE | _NEW_NETWORK_NAMESPACE)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        float(sys.argv[3]),
        int(sys.argv[4]),
        int(sys.argv[5]),
        has_network=sys.argv[6] == "1",
    )
