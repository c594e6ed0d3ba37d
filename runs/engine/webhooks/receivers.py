"""Which addresses a webhook may have: of the public internet over https, and hosts that the site's settings name."""

from ipaddress import ip_address
from typing import Final

import httpx2
from django.conf import settings

from runs.agent.json_data.json_values import check_storable_text
from runs.agent.tools.web.host_rules import HostRules
from runs.agent.tools.web.public_addresses import is_public
from runs.agent.wording import Wording

WEBHOOK_HOSTS: Final = "AGENTSITE_WEBHOOK_HOSTS"
MAX_URL_CHARS: Final = 2000


class UrlRefused(ValueError):
    """No webhook can have this address. The message, a `Wording`, is for the person."""


def receiver_rules() -> HostRules:
    """The hosts and ports that may be reached."""
    return HostRules(frozenset(settings.AGENTSITE_WEBHOOK_HOSTS))


def checked_url(text: str) -> str:
    """The address, without spaces around it. Raises `UrlRefused`. Names are resolved and checked with each request."""
    text = text.strip()
    url = _parsed(text)
    if url.userinfo:
        raise UrlRefused(Wording("An address with a user name or password in it is not taken."))
    port = url.port if url.port is not None else (443 if url.scheme == "https" else 80)
    rules = receiver_rules()
    if rules.are_named(url.host, port):
        return text
    if url.scheme != "https":
        raise UrlRefused(Wording("The address begins with https://: what is sent over http can be read on its way."))
    if port not in rules.ports:
        ports = ", ".join(map(str, rules.ports))
        raise UrlRefused(Wording("The port %(port)s is not allowed; allowed are %(ports)s.", port=port, ports=ports))
    if _is_of_own_network(url.host):
        raise UrlRefused(
            Wording(
                "This address is not on the public internet. Such hosts are reached only if the site's settings "
                "name them (%(setting)s).",
                setting=WEBHOOK_HOSTS,
            )
        )
    return text


def _parsed(text: str) -> httpx2.URL:
    if len(text) > MAX_URL_CHARS:
        raise UrlRefused(Wording("At most %(most)s characters.", most=MAX_URL_CHARS))
    try:
        url = httpx2.URL(check_storable_text(text))
    except (httpx2.InvalidURL, ValueError) as error:
        raise UrlRefused(Wording("Type an address such as https://example.org/hook.")) from error
    if url.scheme not in ("http", "https") or not url.host or not text.isprintable() or " " in text:
        raise UrlRefused(Wording("Type an address such as https://example.org/hook."))
    return url


def _is_of_own_network(host: str) -> bool:
    try:
        return not is_public(ip_address(host))
    except ValueError:  # a name
        return host.rstrip(".").lower() == "localhost"
