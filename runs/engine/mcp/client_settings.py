"""The OAuth clients of `AGENTSITE_MCP_CLIENTS`, for authorization servers that register none by themselves.

`{"https://auth.example.org": {"client_id": "abc", "client_secret": "$EXAMPLE_SECRET"}}`: each by the issuer, with the
name of the variable that has its secret, if it has one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any, Final

from runs.agent.redaction.redactor import MIN_SECRET_CHARS

MCP_CLIENTS: Final = "AGENTSITE_MCP_CLIENTS"


@dataclass(frozen=True, slots=True)
class NamedClient:
    """A client that people have registered."""

    client_id: str
    secret_name: str = ""
    """The variable with its secret; empty without one."""

    def secret(self, environ: Mapping[str, str]) -> str:
        """Its secret; empty without one."""
        return environ.get(self.secret_name, "") if self.secret_name else ""


def parse_mcp_clients(text: str, environ: Mapping[str, str]) -> dict[str, NamedClient]:
    """The clients in the JSON of the setting, by their issuers; empty for an empty text. Raises `ValueError` with the
    fault and its place, and no values."""
    if not text.strip():
        return {}
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{MCP_CLIENTS} is not JSON.") from None
    if not isinstance(entries, dict):
        raise ValueError(f"{MCP_CLIENTS} must be a JSON object of issuers.")  # noqa: TRY004 - a wrong setting
    return {issuer.rstrip("/"): _named_client(issuer, entry, environ) for issuer, entry in entries.items()}


def _named_client(issuer: str, entry: Any, environ: Mapping[str, str]) -> NamedClient:
    where = f"{MCP_CLIENTS}[{issuer!r}]"
    if not issuer.startswith(("https://", "http://")):
        raise ValueError(f"{MCP_CLIENTS} must name issuers, such as https://auth.example.org.")
    if not isinstance(entry, dict) or not isinstance(entry.get("client_id"), str) or not entry["client_id"].strip():
        raise ValueError(f'{where} must be an object with a "client_id".')
    if unknown := sorted(entry.keys() - {"client_id", "client_secret"}):
        raise ValueError(f"{where} has no {unknown[0]!r}; there are client_id and client_secret.")
    named = entry.get("client_secret", "")
    if not named:
        return NamedClient(entry["client_id"])
    names = Template(named).get_identifiers() if isinstance(named, str) else []
    if len(names) != 1 or named not in (f"${names[0]}", f"${{{names[0]}}}"):
        raise ValueError(f"{where}.client_secret must name a variable, such as $EXAMPLE_SECRET.")
    if len(environ.get(names[0], "")) < MIN_SECRET_CHARS:
        raise ValueError(f"{where} names {names[0]}, which has less than {MIN_SECRET_CHARS} characters.")
    return NamedClient(entry["client_id"], names[0])
