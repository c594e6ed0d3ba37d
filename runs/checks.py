"""System checks for insecure settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def hosts_are_named(**_: Any) -> list[CheckMessage]:
    """An error if any Host header is accepted: links in pages and the origin check of sockets both trust it."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS contains '*', which accepts any Host header.",
            hint="Name the hosts in AGENTSITE_ALLOWED_HOSTS, or set AGENTSITE_URL.",
            id="agentsite.E001",
        )
    ]
