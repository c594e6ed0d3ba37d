"""Which hosts and ports the web tools may reach: the public internet, and hosts that the site's settings name."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = (80, 443, 8080, 8443)
FETCH_HOSTS: Final = "AGENTSITE_FETCH_HOSTS"


@dataclass(frozen=True, slots=True)
class HostRules:
    """The hosts whose addresses need not be public."""

    named: frozenset[tuple[str, int | None]] = frozenset()
    """Host in lower case, and port; None for each of `ports`."""
    ports: tuple[int, ...] = PORTS

    def are_named(self, host: str, port: int) -> bool:
        """True if the settings name this host and port."""
        host = host.lower().rstrip(".")
        return (host, port) in self.named or (port in self.ports and (host, None) in self.named)


def fetch_rules() -> HostRules:
    """The rules by `AGENTSITE_FETCH_HOSTS` of this process. Raises `ValueError`."""
    return HostRules(frozenset(parse_hosts(os.environ.get(FETCH_HOSTS, "").split(","))))


def parse_hosts(entries: Iterable[str]) -> list[tuple[str, int | None]]:
    """Host and port of entries such as `wiki.internal`, `10.0.0.5:9000` and `[fd00::5]:9000`, without empty ones.

    Raises `ValueError` with the first entry that is neither.
    """
    return [_host_and_port(entry.strip()) for entry in entries if entry.strip()]


def _host_and_port(entry: str) -> tuple[str, int | None]:
    fault = ValueError(f"{entry!r} is not a host or host:port, such as wiki.internal or 10.0.0.5:9000.")
    if not entry.isascii() or any(sign in entry for sign in "/@?#\\ %*"):
        raise fault
    try:
        parts = urlsplit(f"//{entry}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise fault from None
    if not host or port == 0 or entry.endswith(":"):
        raise fault
    return host.rstrip("."), port
