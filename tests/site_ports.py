"""The ports on which sites are served."""

import random
import socket

CANDIDATES = range(10_000, 32_000)
"""Below those that the system gives to connections."""


class SitePorts:
    """Any port, chosen by the system."""

    def take(self) -> int:
        """The port for a site that starts."""
        return 0

    def give_back(self, port: int) -> None:
        """The site has ended."""


class KeptPorts(SitePorts):
    """The same few ports again and again."""

    def __init__(self) -> None:
        self._free: list[int] = []

    def take(self) -> int:
        """The port that was given back last and is free, or a new one."""
        while self._free:
            if is_free(port := self._free.pop()):
                return port
        return next(port for port in random.sample(CANDIDATES, len(CANDIDATES)) if is_free(port))

    def give_back(self, port: int) -> None:
        """Keep it for the next site."""
        self._free.append(port)


def is_free(port: int) -> bool:
    """True if a server could listen there."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
