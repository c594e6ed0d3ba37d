"""Which IP addresses belong to the public internet. The others lead to this machine or to its neighbours."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

IpAddress = IPv4Address | IPv6Address

# The registries of IANA for special purposes, written out: `is_global` of Python differs between its releases, and is
# true for 6to4, NAT64 and multicast addresses.
_NOT_PUBLIC_4: Final = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
            "168.63.129.16/32",  # the host of a virtual machine in Azure
        ),
    )
)
_NOT_PUBLIC_6: Final = tuple(
    # 2001::/23 has Teredo, ORCHID and benchmarking inside.
    map(ip_network, ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20"))
)
_PUBLIC_6: Final = ip_network("2000::/3")
"""All unicast addresses that IANA has given out. Outside are loopback, fc00::/7, fe80::/10, fec0::/10, ::/96,
64:ff9b:1::/48, multicast and more."""
_MAPPED, _NAT64, _6TO4 = map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16"))
_ISATAP: Final = 0x5EFE
"""The upper half of the interface identifier of an ISATAP address, apart from its two flags (RFC 5214)."""


def is_public(address: IpAddress) -> bool:
    """True for a unicast address of the public internet. An address with an IPv4 address inside counts as that one."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    bits = int(address)
    if address in _MAPPED or address in _NAT64:
        return is_public(IPv4Address(bits & 0xFFFFFFFF))
    if address in _6TO4 and not is_public(IPv4Address(bits >> 80 & 0xFFFFFFFF)):
        return False
    if bits >> 32 & 0xFCFFFFFF == _ISATAP and not is_public(IPv4Address(bits & 0xFFFFFFFF)):
        return False
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_of_this_machine(address: IpAddress) -> bool:
    """True for an address of a network interface of this machine. Sends nothing."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # A datagram socket only looks up the route. To an address of its own a machine speaks from that address.
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except (OSError, ValueError):  # no route leads there
        return False
