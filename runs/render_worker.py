"""The worker process of `runs.render_pool`: renders Markdown, and may be killed at any moment.

It reads a text from the socket on its standard input, answers with the HTML, and ends when the socket is closed.
The kernel ends it at its limit of CPU time, also if its parent is gone.
"""

import resource
import signal
import socket
import struct
import sys
from contextlib import suppress

LENGTH = struct.Struct("!Bi")
"""The header of each text: status, and number of bytes that follow."""
READY, FAILED, DONE = 0, 0, 1
MAX_MEMORY = 512 * 1024 * 1024
"""Bytes of address space, of which Python and the parser take 60 MB."""


def main(cpu_s: float) -> None:
    """Answer until the socket is closed, each time within `cpu_s` seconds of CPU time."""
    channel = socket.socket(fileno=0)
    # Linux and macOS count the time; SIGPROF ends a process that does not catch it.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _limit_memory()

    from runs import markdown

    markdown.prepare()
    with suppress(ConnectionError):  # The parent is gone, so no answer is needed.
        send(channel, READY, "")
        while (received := receive(channel)) is not None:
            signal.setitimer(signal.ITIMER_PROF, cpu_s)
            status, html = _rendered(received[1])
            signal.setitimer(signal.ITIMER_PROF, 0)
            send(channel, status, html)


def _rendered(text: str) -> tuple[int, str]:
    from runs import markdown

    try:
        return DONE, markdown.render_part(text)
    except (MemoryError, RecursionError, ValueError) as error:
        return FAILED, f"{type(error).__name__}: {error}"


def send(channel: socket.socket, status: int, text: str) -> None:
    """Send one text. Raises `OSError` if the peer is gone, or `TimeoutError` if the channel has a timeout."""
    encoded = text.encode(errors="surrogatepass")
    channel.sendall(LENGTH.pack(status, len(encoded)) + encoded)


def receive(channel: socket.socket) -> tuple[int, str] | None:
    """The next status and text; None if the peer is gone. Raises as `send` does."""
    if (head := _exactly(channel, LENGTH.size)) is None:
        return None
    status, length = LENGTH.unpack(head)
    encoded = _exactly(channel, length)
    return None if encoded is None else (status, encoded.decode(errors="surrogatepass"))


def _exactly(channel: socket.socket, length: int) -> bytes | None:
    parts = []
    while length:
        if not (part := channel.recv(min(length, 1024 * 1024))):
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    except (OSError, ValueError):
        # macOS refuses it, and a lower limit may be set already. The limit of time remains.
        return


if __name__ == "__main__":
    main(float(sys.argv[1]))
