"""The MCP servers of the site: those of its settings, and those that people add."""

from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from runs.agent.tools.source_names import is_source_name
from runs.agent.wording import Wording
from runs.engine.mcp.named_hosts import named_host
from runs.engine.mcp.pool import mcp_loop
from runs.engine.mcp.target import Target
from runs.engine.stored_tools.decisions import remove_source
from runs.engine.stored_tools.listings import Listing
from runs.models import ToolSource

MAX_URL_CHARS: Final = 500
MOST_SERVERS: Final = 100
CHECK_S: Final = 40.0
"""How long a page waits for a server."""


class ServerRefused(ValueError):
    """The server is not added. The message is a `Wording`."""


def known_servers() -> list[ToolSource]:
    """All servers, by name. Those of the settings get their rows here."""
    named = settings.AGENTSITE_MCP_SERVERS
    rows = list(ToolSource.objects.filter(kind=ToolSource.Kind.MCP).select_related("added_by"))
    known = {row.name for row in rows}
    missing = [name for name in named if name not in known]
    if not missing:
        return rows
    now = timezone.now()
    for name in missing:
        values = {"kind": "mcp", "options": {"transport": "stdio"}, "state_since": now, "added_at": now}
        ToolSource.objects.get_or_create(name=name, defaults=values)
    return list(ToolSource.objects.filter(kind=ToolSource.Kind.MCP).select_related("added_by"))


def is_named_in_settings(source: ToolSource) -> bool:
    """True for a program of the settings, which no page removes."""
    return source.options.get("transport") == "stdio" and source.name in settings.AGENTSITE_MCP_SERVERS


def programs_with_taken_names() -> list[str]:
    """Names of programs of the settings that are not started: another source of tools, which people have added before,
    is called so."""
    named = settings.AGENTSITE_MCP_SERVERS
    rows = ToolSource.objects.filter(name__in=named)
    return [row.name for row in rows if not (row.kind == ToolSource.Kind.MCP and is_named_in_settings(row))]


def add_server(name: str, url: str, *, by: Any) -> ToolSource:
    """Add a server at an address. Raises `ServerRefused`."""
    if not is_source_name(name):
        raise ServerRefused(
            Wording("A name has at most 24 lower-case letters, digits and single underscores, such as my_shop.")
        )
    check_url(url)
    now = timezone.now()
    with transaction.atomic():
        if name in settings.AGENTSITE_MCP_SERVERS or ToolSource.objects.filter(name=name).exists():
            raise ServerRefused(Wording("There is a server %(name)s already.", name=name))
        if ToolSource.objects.count() >= MOST_SERVERS:
            raise ServerRefused(Wording("There are %(most)s servers, and that is the limit.", most=MOST_SERVERS))
        options = {"transport": "http", "url": url}
        values = {"kind": "mcp", "options": options, "state_since": now, "added_at": now, "added_by": by}
        return ToolSource.objects.create(name=name, **values)


def check_url(url: str) -> None:
    """Raise `ServerRefused` unless the address is one that a server may have. Whether it is public is seen when it is
    connected to."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or len(url) > MAX_URL_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        raise ServerRefused(Wording("This is not the address of a server, such as https://mcp.example.org/mcp."))
    if not url.startswith("https:") and named_host(url) is None:
        raise ServerRefused(
            Wording("The address has to begin with https, unless AGENTSITE_MCP_HOSTS names its origin.")
        )


def check_server(source: ToolSource, user_id: int | None = None) -> Listing | None:
    """Connect to the server now, and list its tools; where each person signs in, with the sign-in of this one. Raises
    `ToolFailed` with the reason, and `TimeoutError`."""
    loop = mcp_loop()
    return loop.run_from_thread(loop.check(Target.of(source, user_id)), CHECK_S)


def remove_server(source: ToolSource) -> None:
    """Remove a server with its tools, and end the connection of this process."""
    source_id = source.pk
    remove_source(source)
    mcp_loop().drop_from_thread(source_id)
