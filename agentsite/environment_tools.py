"""The settings of tools that the environment names. The agent core reads the same variables; here they are checked at
the start."""

import os
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from agentsite.environment import env_text, refuse
from runs.agent.skills.folder import skills_in
from runs.agent.skills.skill import SkillContent
from runs.agent.tools.openapi.api_secrets import ApiSecrets, parse_api_secrets
from runs.agent.tools.web.host_rules import parse_hosts
from runs.agent.tools.web.http_hosts import HttpHost, parse_http_hosts
from runs.agent.tools.web.search_settings import SearchSettings
from runs.engine.mcp.client_settings import NamedClient, parse_mcp_clients
from runs.engine.mcp.stdio_settings import StdioServer, parse_stdio_servers


def env_hosts(name: str) -> list[tuple[str, int | None]]:
    """Comma-separated hosts, each with a port or None: `wiki.internal, 10.0.0.5:9000`."""
    try:
        return parse_hosts(env_text(name).split(","))
    except ValueError as error:
        refuse(name, env_text(name), str(error))


APPRISE_SERVICES: Final = (
    *("bark", "discord", "form", "forms", "gchat", "gotify", "gotifys", "hassio", "hassios", "ifttt", "join", "json"),
    *("jsons", "lametric", "line", "mastodon", "mastodons", "matrix", "matrixs", "mmost", "mmosts", "nctalk"),
    *("nctalks", "ntfy", "ntfys", "opsgenie", "pagerduty", "pbul", "pover", "prowl", "pushme", "psafer", "rocket"),
    *("rockets", "signal", "signals", "slack", "synology", "synologys", "tgram", "twilio", "twist", "victorops"),
    *("workflow", "workflows", "wxteams", "xml", "xmls", "zulip"),
)
"""Services of Apprise that speak HTTP and neither run programs nor read files of this machine."""
UNSAFE_SERVICES: Final = ("dbus", "exec", "file", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows")
"""Those that act on this machine: never sent to, whatever the variable names."""


def env_services_of_apprise(name: str) -> frozenset[str]:
    """Comma-separated names of services, such as `ntfy, slack`; without the variable `APPRISE_SERVICES`, and with it
    empty none."""
    if (text := os.environ.get(name)) is None:
        return frozenset(APPRISE_SERVICES)
    named = frozenset(each.strip().lower() for each in text.split(",") if each.strip())
    for each in sorted(named):
        if not each.isalnum() or each in UNSAFE_SERVICES:
            refuse(name, each, "expected names of services over HTTP, such as ntfy, slack.")
    return named


def env_http_hosts(name: str) -> list[HttpHost]:
    """The APIs in the JSON of this variable, whose headers name other variables. No value is repeated."""
    try:
        return parse_http_hosts(env_text(name), os.environ)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_mcp_hosts(name: str) -> list[HttpHost]:
    """The origins of MCP servers in the JSON of this variable, with their headers. No value is repeated."""
    try:
        return parse_http_hosts(env_text(name), os.environ, name)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_mcp_clients(name: str) -> dict[str, NamedClient]:
    """The OAuth clients in the JSON of this variable, by their issuers. No value is repeated."""
    try:
        return parse_mcp_clients(env_text(name), os.environ)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_api_secrets(name: str) -> ApiSecrets:
    """The secrets of APIs in the JSON of this variable: names of variables by origin. No value is repeated."""
    try:
        return parse_api_secrets(env_text(name), os.environ)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_mcp_servers(name: str) -> dict[str, StdioServer]:
    """The MCP servers in the JSON of this variable that are started as processes, by name."""
    try:
        return parse_stdio_servers(env_text(name))
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_search() -> tuple[str, ...]:
    """The search services in the order in which they are asked. No key is repeated."""
    try:
        return SearchSettings.parsed(os.environ).order
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_skills(name: str) -> list[SkillContent]:
    """The skills in the folder that this variable names, read now; none if it is absent."""
    folder = env_text(name)
    try:
        return skills_in(Path(folder).expanduser().absolute()) if folder else []
    except ValueError as error:
        refuse(name, folder, " ".join(str(error).split()))
