"""The settings of an API for its page: the addresses and the secrets that staff may choose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy

from runs.agent.tools.openapi.api_secrets import api_secrets, secret_names_for
from runs.agent.tools.web.http_hosts import host_of, http_hosts
from runs.markdown import visible
from runs.models import ToolSource

WAYS: Final = {
    "header": gettext_lazy("Sent as a key in the header %(name)s."),
    "query": gettext_lazy("Sent as a key in the query, as %(name)s."),
    "cookie": gettext_lazy("Sent as a key in the cookie %(name)s."),
    "bearer": gettext_lazy("Sent as a bearer token."),
    "basic": gettext_lazy("Sent as user name and password: the secret is both, with a colon between them."),
}
"""How a credential is sent, by its place or its kind."""


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A security scheme of an API."""

    field: str
    """The name of its field."""
    scheme: str
    way: str
    """How it is sent, in words."""
    choices: list[tuple[str, bool]]
    """The variables that the address may get, each with whether it is chosen."""
    is_given: bool
    """True if the settings of the site send it already."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """An address and credentials."""

    server: str
    servers: list[str]
    """The addresses that its document names."""
    origins: list[str]
    """What the settings of the site allow."""
    credentials: list[CredentialRow]

    @classmethod
    def of(cls, source: ToolSource, *, typed: Mapping[str, Any] | None = None) -> "ApiSettings":
        """The settings of the API; `typed` are those of a form that was refused."""
        server = str(source.options.get("server", "")) if typed is None else str(typed.get("server", ""))
        stored = source.options.get("credentials", {})
        allowed = secret_names_for(server, api_secrets())
        host = host_of(server, http_hosts())
        given = {name.lower() for name, _ in host.headers} if host is not None else set()
        rows = []
        for number, scheme in enumerate(source.facts.get("schemes", [])):
            chosen = stored.get(scheme["scheme"], "") if typed is None else typed.get(f"credential-{number}", "")
            choices = [(name, name == chosen) for name in allowed]
            header = scheme.get("name", "") if scheme.get("in") == "header" else "Authorization"
            is_given = scheme.get("in", "header") == "header" and header.lower() in given
            rows.append(
                CredentialRow(f"credential-{number}", visible(scheme["scheme"]), _way(scheme), choices, is_given)
            )
        return cls(server, [visible(each) for each in source.facts.get("servers", [])], _origins(), rows)


def _origins() -> list[str]:
    return [each.origin for each in http_hosts()]


def _way(scheme: Mapping[str, str]) -> str:
    words = str(WAYS[scheme.get("in") or scheme["kind"]])
    return words % {"name": visible(scheme["name"])} if "name" in scheme else words
