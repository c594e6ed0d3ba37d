"""The process that stands for a forked one: it has its streams, its environment and its end.

    python -I -S handed_over.py DESK [ARGUMENT …]

It needs no package and starts in 20 ms. If it is killed, so is the fork.
"""

import json
import os
import signal
import socket
import sys
from typing import Any

EXIT_BYTES = 4
MOST_BYTES = 200_000


def main(desk: str, arguments: list[str]) -> int:
    """Hand over, and wait. Returns the exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as far:
        far.connect(desk)
        socket.send_fds(far, [json.dumps([arguments, dict(os.environ)]).encode()], [0, 1, 2])
        # The ends of these streams are seen when the fork closes them.
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        code = int.from_bytes(far.recv(EXIT_BYTES), "big", signed=True)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def request_of(visitor: socket.socket) -> tuple[Any, list[int]]:
    """What a visitor hands over: arguments and environment, and three streams."""
    message, descriptors, _, _ = socket.recv_fds(visitor, MOST_BYTES, 3)
    return json.loads(message), descriptors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
