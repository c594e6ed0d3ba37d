"""The transport of all requests that a model can direct: it connects to public addresses only.

A name is resolved once, every one of its addresses is checked, and the connection goes to a checked address, with the
name in the Host header and in TLS. The check is of the URL that is requested and not of the text it was made from:
there are no two readers of addresses that could disagree.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from socket import SOCK_STREAM, getaddrinfo
from typing import Final

import httpx2

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.tls import tls_context
from runs.agent.tools.web.host_rules import HostRules
from runs.agent.tools.web.public_addresses import IpAddress, is_of_this_machine, is_public
from runs.agent.tools.worker_threads import call_in_thread

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a name, for a port. Raises `OSError` or `ValueError`."""
MOST_TRIED: Final = 3
"""How many addresses of a name are tried if no connection comes about."""
MAX_HOST_CHARACTERS: Final = 253


class AddressRefused(ToolFailed):
    """The address is not one that may be reached. No connection was made."""


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses by the resolver of the system."""
    found = await call_in_thread(getaddrinfo, host=host, port=port, type=SOCK_STREAM)
    return list(dict.fromkeys(each[4][0] for each in found))


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to public hosts and to those that the rules name. Raises `AddressRefused` for others."""

    def __init__(
        self,
        rules: HostRules,
        *,
        resolver: Resolver = system_addresses,
        tls: ssl.SSLContext | None = None,
        idle_connections: int = 0,
    ) -> None:
        """`idle_connections` are kept for further requests, where all are of one host name: a connection to the same
        address could have been made for another name."""
        self._rules = rules
        self._resolver = resolver
        self._connections = httpx2.AsyncHTTPTransport(
            verify=tls or tls_context(),
            trust_env=False,
            limits=httpx2.Limits(max_keepalive_connections=idle_connections),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        addresses = await self.checked_addresses(request.url)
        failure: httpx2.TransportError | None = None
        for address in addresses[:MOST_TRIED]:
            try:
                return await self._connections.handle_async_request(_pinned(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = failure or error
        raise failure or httpx2.ConnectError("The name has no address.")

    async def checked_addresses(self, url: httpx2.URL) -> list[str]:
        """The addresses of the URL's host. Raises `AddressRefused` unless all of them may be reached, and
        `ToolUnavailable` if the name has none."""
        host, port = _host_and_port(url)
        is_named = self._rules.are_named(host, port)
        if not is_named and port not in self._rules.ports:
            allowed = ", ".join(map(str, self._rules.ports))
            raise AddressRefused(f"The port {port} of {host} is not allowed; allowed are {allowed}.")
        addresses = [_parsed(each, host) for each in await self._resolved(host, port)]
        for address in addresses:
            if not is_named and not (is_public(address) and not is_of_this_machine(address)):
                raise AddressRefused(
                    f"{host} has an address that is not on the public internet. Such hosts are reached only if the "
                    "site's settings name them."
                )
        return [str(address) for address in addresses]

    async def _resolved(self, host: str, port: int) -> Sequence[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass  # a name
        try:
            found = await self._resolver(host, port)
        except (OSError, ValueError) as error:  # UnicodeError, for a label of more than 63 characters, is a ValueError
            raise ToolUnavailable(f"There is no address for the name {host}. Check its spelling.") from error
        if not found:
            raise ToolUnavailable(f"There is no address for the name {host}. Check its spelling.")
        return found

    async def aclose(self) -> None:
        await self._connections.aclose()


def _host_and_port(url: httpx2.URL) -> tuple[str, int]:
    if url.scheme not in ("http", "https"):
        raise AddressRefused(f"Only http and https addresses can be fetched, not {url.scheme[:20] or 'one without'}.")
    if url.userinfo:
        raise AddressRefused("An address with a user name or password in it is not fetched.")
    host = url.raw_host.decode("ascii", errors="replace").rstrip(".").lower()
    if not host or len(host) > MAX_HOST_CHARACTERS or any(sign in host for sign in "%\\ ") or not host.isascii():
        raise AddressRefused("The address has no valid host name.")
    return host, url.port if url.port is not None else (443 if url.scheme == "https" else 80)


def _parsed(address: str, host: str) -> IpAddress:
    try:
        return ip_address(address)
    except ValueError as error:
        raise AddressRefused(f"{host} has an address that cannot be read.") from error


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    """The request to this address, with the name in the Host header (set already) and in TLS."""
    name = request.url.raw_host.decode("ascii").rstrip(".")
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": name},
    )
