"""The client that this site is at an authorization server: a document of its own, or one that is registered."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.conf import settings

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import readable
from runs.engine.mcp.client_settings import NamedClient
from runs.engine.mcp.named_hosts import sign_in_hosts
from runs.engine.mcp.oauth.client_document import client_metadata
from runs.engine.mcp.oauth.discovery import AuthorizationServer, DiscoveryFailed
from runs.engine.mcp.oauth.oauth_http import OAuthAnswer, fetch

MAX_ID_CHARS: Final = 2000
_KNOWN_METHODS: Final = ("none", "client_secret_post", "client_secret_basic")


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client of an authorization server."""

    client_id: str
    client_secret: str = ""
    auth_method: str = "none"
    """How it shows who it is at the token endpoint."""
    redirect_uri: str = ""

    def as_json(self) -> JsonObject:
        """All of it, to be sealed."""
        return asdict(self)


async def client_for(
    server: AuthorizationServer, *, redirect_uri: str, document_url: str, known: OAuthClient | None
) -> OAuthClient:
    """The client of a sign-in: one of the settings, the document at `document_url` if it can be read from outside, the
    `known` one, or one that is registered now. Raises `DiscoveryFailed` and `ToolUnavailable`."""
    named: dict[str, NamedClient] = settings.AGENTSITE_MCP_CLIENTS
    if (fixed := named.get(server.issuer.rstrip("/"))) is not None:
        method = _method_of(fixed.secret(os.environ), server.auth_methods)
        return OAuthClient(fixed.client_id, fixed.secret(os.environ), method, redirect_uri)
    if server.takes_documents and document_url.startswith("https://"):
        return OAuthClient(document_url, redirect_uri=redirect_uri)
    if known is not None and known.redirect_uri == redirect_uri:
        return known
    if not server.registration_endpoint:
        raise DiscoveryFailed(
            f"The authorization server {server.issuer} registers no clients. Name one for it in AGENTSITE_MCP_CLIENTS."
        )
    hosts = sign_in_hosts(server.resource, server.issuer)
    answer = await fetch("POST", server.registration_endpoint, hosts=hosts, json=client_metadata(redirect_uri))
    return _registered(answer, redirect_uri)


def _method_of(secret: str, offered: tuple[str, ...]) -> str:
    if not secret:
        return "none"
    return "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"


def _registered(answer: OAuthAnswer, redirect_uri: str) -> OAuthClient:
    given = json_object(answer)
    client_id, secret = given.get("client_id"), given.get("client_secret") or ""
    method = given.get("token_endpoint_auth_method") or ("client_secret_basic" if secret else "none")
    if answer.status not in (200, 201) or not _is_token(client_id) or (secret and not _is_token(secret)):
        raise DiscoveryFailed(f"The authorization server did not register this site: {error_in(answer)}")
    if method not in _KNOWN_METHODS or (method != "none" and not secret):
        raise DiscoveryFailed(f"The authorization server wants {readable(str(method))[:40]!r}, which this site cannot.")
    return OAuthClient(str(client_id), str(secret), method, redirect_uri)


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS and value.isascii() and value.isprintable()


def json_object(answer: OAuthAnswer) -> JsonObject:
    """The JSON object of an answer; empty if it is none."""
    try:
        parsed = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def error_in(answer: OAuthAnswer) -> str:
    """The words of an error as RFC 6749 has it, for people."""
    given = json_object(answer)
    said = [str(given[key]) for key in ("error", "error_description") if isinstance(given.get(key), str)]
    return readable(": ".join(said))[:300] or f"it answered {answer.status}."


class SignInRefused(ToolFailed):
    """The authorization server, or this site, refused the sign-in. The message says why."""
