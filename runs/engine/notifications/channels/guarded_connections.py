"""Connections of a library that makes its own: they lead where webhooks may, whatever the library was told.

urllib3 opens every connection of `requests` by one function. In a guarded thread that function resolves the name once,
checks all of its addresses and connects to a checked one, so that neither a redirect nor a second answer of the name
server leads elsewhere.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from typing import Any

from runs.agent.tools.web.public_addresses import is_of_this_machine, is_public
from runs.engine.webhooks.receivers import receiver_rules

_thread = threading.local()


class HostNotAllowed(OSError):
    """The site does not send there. No connection was made."""


@contextlib.contextmanager
def guarded() -> Iterator[list[str]]:
    """Inside, connections of urllib3 made by this thread lead to allowed hosts only; others raise `HostNotAllowed`,
    whose words are in the list too, as the library may not tell them."""
    _put_in_place()
    refused: list[str] = []
    _thread.refused = refused
    try:
        yield refused
    finally:
        _thread.refused = None


@cache
def _put_in_place() -> None:
    from urllib3.util import connection

    unguarded = connection.create_connection

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        refused = getattr(_thread, "refused", None)
        if refused is None:
            return unguarded(address, *arguments, **options)
        host, port = address
        try:
            return unguarded((checked_host(host, port), port), *arguments, **options)
        except HostNotAllowed as error:
            refused.append(str(error))
            raise

    connection.create_connection = create_connection


def checked_host(host: str, port: int) -> str:
    """An address of the host that may be connected to. Raises `HostNotAllowed` unless all of them may, and `OSError` if
    the name has none."""
    rules, name = receiver_rules(), host.strip("[]")
    is_named = rules.are_named(name, port)
    if not is_named and port not in rules.ports:
        raise HostNotAllowed(f"The port {port} is not allowed.")
    found = list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)))
    for each in map(ip_address, found):
        if not is_named and not (is_public(each) and not is_of_this_machine(each)):
            raise HostNotAllowed("The host is not on the public internet, and the site's settings do not name it.")
    return found[0]
