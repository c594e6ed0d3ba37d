"""The origins that `AGENTSITE_MCP_HOSTS` names: which addresses may be reached, and with which headers."""

import os
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from runs.agent.tools.web.host_rules import HostRules
from runs.agent.tools.web.http_hosts import HttpHost, host_of

MCP_HOSTS: Final = "AGENTSITE_MCP_HOSTS"


def named_host(url: str) -> HttpHost | None:
    """The entry of `AGENTSITE_MCP_HOSTS` for the URL; None without one."""
    hosts: list[HttpHost] = settings.AGENTSITE_MCP_HOSTS
    return host_of(url, hosts)


def sign_in_hosts(server_url: str, issuer: str = "") -> frozenset[HttpHost]:
    """The entries of `AGENTSITE_MCP_HOSTS` that a sign-in at this server may use: of its own origin, and of the
    issuer's if `AGENTSITE_MCP_CLIENTS` names it. What a server says leads to no other internal host."""
    trusted = [server_url, *([issuer] if issuer.rstrip("/") in settings.AGENTSITE_MCP_CLIENTS else [])]
    return frozenset(host for url in trusted if (host := named_host(url)) is not None)


def rules_for(url: str, hosts: frozenset[HttpHost] | None = None) -> HostRules:
    """The addresses that a connection to the URL may use: the public internet's, and any of a host that the settings
    name; only of these `hosts`, if they are given."""
    host = named_host(url)
    if host is None or (hosts is not None and host not in hosts):
        return _public(url)
    return HostRules(frozenset({(host.host, host.port)}))


def _public(url: str) -> HostRules:
    try:
        port = urlsplit(url).port
    except ValueError:
        port = None
    # Any port of a public host: staff chose the address, not a model.
    return HostRules(ports=(80, 443, *((port,) if port else ())))


def headers_for(url: str) -> dict[str, str]:
    """The headers that the settings give for the URL, with their secrets."""
    host = named_host(url)
    return host.filled_headers(os.environ) if host is not None else {}
