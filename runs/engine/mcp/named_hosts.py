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


def rules_for(url: str) -> HostRules:
    """The addresses that a connection to the URL may use: the public internet's, and any of a host that the settings
    name."""
    host = named_host(url)
    return HostRules(frozenset({(host.host, host.port)})) if host is not None else _public(url)


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
