"""The client's address: the socket's peer, or what trusted proxies say in their headers."""

import ipaddress
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Self

from django.conf import settings

from runs.asgi_types import Receive, Scope, Send

logger = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_HOPS: Final = 32
"""Maximum of header entries that are read, from the right; a client may send thousands."""

LONGEST: Final = 8192
"""Maximum of header characters that are read, from the right."""

_client: ContextVar[str] = ContextVar("client", default="")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The trusted proxies: a number of them in a row, or their networks."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """A number, or addresses and networks separated by commas. Raises `ValueError`."""
        words = [word for part in text.split(",") if (word := part.strip())]
        if len(words) == 1 and words[0].isdecimal():
            if not words[0].isascii() or int(words[0]) > MOST_HOPS:
                raise ValueError(text)
            return cls(hops=int(words[0]))
        return cls(networks=tuple(ipaddress.ip_network(word.strip("[]"), strict=False) for word in words))

    def __bool__(self) -> bool:
        return bool(self.hops or self.networks)

    def is_proxy(self, peer: str) -> bool:
        """True if the socket's peer is a trusted proxy. With a number, every peer is."""
        return self.hops > 0 or self._has(peer)

    def client(self, peer: str, forwarded_for: Sequence[str], forwarded: Sequence[str]) -> str:
        """The address of the client: the right-most entry that is not a trusted proxy.

        `forwarded_for` and `forwarded` are the lines of `X-Forwarded-For` and `Forwarded`. Entries to the left of the
        right-most untrusted or invalid one may be forged by the client.
        """
        if not self.is_proxy(peer):
            return peer
        chains = [chain for chain in (_entries(forwarded_for), _entries_of_forwarded(forwarded)) if chain]
        found = {self._walk(peer, chain) for chain in chains}
        # A proxy sets one of the headers and passes the other on from the client; it is unknown which.
        return found.pop() if len(found) == 1 else peer

    def _walk(self, peer: str, chain: list[str]) -> str:
        client = peer
        for hop, entry in enumerate(chain):
            believes = hop < self.hops if self.hops else self._has(client)
            address = address_in(entry) if believes else None
            if address is None:
                break
            client = str(address)
        return client

    def _has(self, text: str) -> bool:
        address = address_in(text)
        return address is not None and any(address in network for network in self.networks)


def address_in(text: str) -> Address | None:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`, quoted or not; None if invalid.

    An IPv4-mapped IPv6 address is returned as IPv4.
    """
    text = text.strip().strip('"').strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(address: str) -> str:
    """The unit that limits count: an IPv4 address, or the /64 network of an IPv6 one, which one customer has."""
    found = address_in(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address if found is None else str(found)


def current_client() -> str:
    """The client's address of the current request; empty outside of requests."""
    return _client.get()


class ClientAddress:
    """ASGI middleware that sets the client's address in `scope["client"]`, and so in `REMOTE_ADDR`."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the client's address."""
        peer = (scope.get("client") or ("", 0))[0]
        lines, others = _lines(scope, b"x-forwarded-for"), _lines(scope, b"forwarded")
        proxies: TrustedProxies = settings.AGENTSITE_TRUSTED_PROXIES
        client = proxies.client(str(peer), lines, others)
        if client != peer:
            scope = {**scope, "client": [client, 0]}
        elif (lines or others) and not proxies and settings.AGENTSITE_URL:
            self._warn(str(peer))
        _client.set(client)
        await self.application(scope, receive, send)

    def _warn(self, peer: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "A request from %s says that it was forwarded, and AGENTSITE_TRUSTED_PROXIES trusts no proxy: limits "
                "count everybody behind it as one. Set it to the proxy's address, if it is yours.",
                peer,
            )


def _lines(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin1") for key, value in scope.get("headers", ()) if key.lower() == name]


def _entries(lines: Iterable[str]) -> list[str]:
    """The entries of `X-Forwarded-For`, last first."""
    return _last([part for part in reversed(_end(lines).split(",")) if part.strip()])


def _entries_of_forwarded(lines: Iterable[str]) -> list[str]:
    """The values of `for=` in the elements of `Forwarded`, last first."""
    return _last(_for(element) for element in _split_from_right(_end(lines), ",") if element.strip())


def _end(lines: Iterable[str]) -> str:
    text = ",".join(lines)
    # The first entry after the cut is incomplete.
    return text if len(text) <= LONGEST else text[-LONGEST:].partition(",")[2]


def _last(entries: Iterable[str]) -> list[str]:
    return list(islice(entries, MOST_HOPS))


def _for(element: str) -> str:
    pairs = (pair.strip().partition("=") for pair in _split_from_right(element, ";"))
    return next((value for name, _, value in pairs if name.lower() == "for"), "")


def _split_from_right(text: str, separator: str) -> Iterator[str]:
    """The parts between separators outside of quotation marks, last first.

    Read from the right, because trusted proxies append there: a quotation mark that a client left open does not affect
    the entries after it. One pass.
    """
    end, is_quoted = len(text), False
    for at in range(len(text) - 1, -1, -1):
        if text[at] == '"' and not (is_quoted and _is_escaped(text, at)):
            is_quoted = not is_quoted
        elif text[at] == separator and not is_quoted:
            yield text[at + 1 : end]
            end = at
    yield text[:end]


def _is_escaped(text: str, at: int) -> bool:
    # Each run of backslashes is counted once, at the quotation mark behind it.
    first = at
    while first and text[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 1
