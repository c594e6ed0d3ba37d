"""Asks for every address of the corpus in a network of its own, where canaries listen, and prints who was connected to.

`python -m tests.agent.tools.web.canaries`: a new network namespace (Linux, as root or with user namespaces) has only
what is set up here: loopback, and the addresses below. No packet leaves it.
"""

import asyncio
import ctypes
import fcntl
import json
import socket
import struct
import sys
from collections.abc import Sequence

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.web.download import download
from runs.agent.tools.web.guarded_transport import Resolver
from runs.agent.tools.web.host_rules import HostRules
from tests.agent.tools.web.ssrf_corpus import ADDRESSES_OF, URLS

HELD = ("169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "168.63.129.16", "93.184.215.14")
"""Addresses of the namespace besides loopback, the last one public. Loopback answers for the whole network of each."""
PORTS = (80, 443, 8080, 8443, 22, 6379, 5432)
NO_NAMESPACE = 77
LAST = "127.0.0.2"


def enter_namespace() -> None:
    """Leave the network of the machine, and have the addresses of `HELD`. Exits with `NO_NAMESPACE` if it cannot."""
    libc = ctypes.CDLL(None)
    if libc.unshare(0x40000000) and libc.unshare(0x10000000 | 0x40000000):  # CLONE_NEWNET, CLONE_NEWUSER
        sys.exit(NO_NAMESPACE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for number, address in enumerate(["127.0.0.1", *HELD]):
            name = f"lo:{number}".encode() if number else b"lo"
            inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, 0x8916, struct.pack("16s16s", name, inet))  # SIOCSIFADDR
            fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", name, 0x1 | 0x8 | 0x40))  # SIOCSIFFLAGS: up, running


async def resolve(host: str, port: int) -> Sequence[str]:
    if host in ADDRESSES_OF:
        return ADDRESSES_OF[host]
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    return [str(each[4][0]) for each in found]


class Rebinding:
    """A name with a public address when it is checked, and another one if it is looked up again."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return ["93.184.215.99"] if self.asked == 1 else ["127.0.0.1"]


class Seen:
    """The addresses at which canaries were connected to."""

    def __init__(self) -> None:
        self._addresses: list[str] = []
        self._is_last = asyncio.Event()

    def add(self, address: str) -> None:
        if address == LAST:
            self._is_last.set()
        else:
            self._addresses.append(address)

    async def settled(self) -> list[str]:
        """Those since the last time. A connection of our own is accepted after all earlier ones."""
        self._is_last.clear()
        _, writer = await asyncio.open_connection(LAST, 80)
        writer.close()
        await self._is_last.wait()
        told, self._addresses = sorted(self._addresses), []
        return told


async def main() -> None:
    seen = Seen()

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.add(writer.get_extra_info("sockname")[0])
        writer.close()

    everywhere = ("0.0.0.0", "::")  # noqa: S104 - of a namespace of its own
    canaries = [await asyncio.start_server(note, host, port) for host in everywhere for port in PORTS]
    told: dict[str, object] = {"tried": len(URLS)}
    for host in ("127.0.0.1", "::1", *HELD):
        _, writer = await asyncio.open_connection(host, 80)
        writer.close()
    told["control"] = await seen.settled()
    told["not_refused"] = [url for url in URLS if not await refusal(url, resolve)]
    told["seen"] = await seen.settled()
    await refusal(f"http://{HELD[-1]}/", resolve)
    told["seen_at_own_public_address"] = await seen.settled()
    rebinding = Rebinding()
    await refusal("http://rebinding.test/", rebinding)
    told["rebinding_lookups"], told["seen_of_rebinding"] = rebinding.asked, await seen.settled()
    for canary in canaries:
        canary.close()
    print(json.dumps(told))


async def refusal(url: str, resolver: Resolver) -> str:
    """Why the page was not fetched; empty if it was."""
    try:
        await download(url, HostRules(), resolver=resolver, deadline_s=5)
    except ToolFailed as failed:
        return str(failed)
    return ""


if __name__ == "__main__":
    enter_namespace()
    asyncio.run(main())
