"""Which authorization server an MCP server trusts, and what that one can do: RFC 9728 and RFC 8414."""

from dataclasses import dataclass
from typing import Any, Final

import httpx2
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
    get_client_metadata_scopes,
)
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url
from pydantic import ValidationError

from runs.agent.errors.exceptions import ToolFailed, ToolUnavailable
from runs.agent.output_text import readable
from runs.engine.mcp.named_hosts import sign_in_hosts
from runs.engine.mcp.oauth.client_document import GRANT_TYPES
from runs.engine.mcp.oauth.oauth_http import fetch, is_allowed_address

_PING: Final = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class DiscoveryFailed(ToolFailed):
    """No authorization server was found that could be used. The message says why."""


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """An authorization server, as far as a sign-in needs it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str
    """Empty without one."""
    revocation_endpoint: str
    names_itself: bool
    """True if it says in each response who it is (`iss`, RFC 9207)."""
    takes_documents: bool
    """True if the id of a client may be the address of its metadata."""
    auth_methods: tuple[str, ...]
    """How clients may show who they are at its token endpoint; empty if it does not say."""
    resource: str
    """What tokens are asked for (RFC 8707)."""
    scope: str


async def discover(server_url: str) -> AuthorizationServer:
    """The authorization server of the MCP server at this address. Raises `DiscoveryFailed` and `ToolUnavailable`."""
    challenge = await _challenge(server_url)
    resource = await _resource_of(server_url, challenge)
    trusted = str(resource.authorization_servers[0]) if resource is not None else None
    found = await _metadata_of(trusted, server_url)
    if "S256" not in (found.code_challenge_methods_supported or []):
        raise DiscoveryFailed(f"The authorization server {found.issuer} does not say that it knows PKCE with S256.")
    hosts = sign_in_hosts(server_url, str(found.issuer))
    for address in (found.authorization_endpoint, found.token_endpoint):
        if not is_allowed_address(str(address), hosts):
            raise DiscoveryFailed(f"The authorization server {found.issuer} has an address that is not https.")
    scope = get_client_metadata_scopes(extract_scope_from_www_auth(challenge), resource, found, list(GRANT_TYPES))
    return AuthorizationServer(
        issuer=str(found.issuer),
        authorization_endpoint=str(found.authorization_endpoint),
        token_endpoint=str(found.token_endpoint),
        registration_endpoint=str(found.registration_endpoint or ""),
        revocation_endpoint=str(found.revocation_endpoint or ""),
        names_itself=bool(found.authorization_response_iss_parameter_supported),
        takes_documents=bool(found.client_id_metadata_document_supported),
        auth_methods=tuple(found.token_endpoint_auth_methods_supported or ()),
        resource=str(resource.resource) if resource is not None else resource_url_from_server_url(server_url),
        scope=(scope or "")[:1000],
    )


async def _challenge(server_url: str) -> Any:
    """How the server answers a request without a token."""
    answer = await fetch("POST", server_url, hosts=sign_in_hosts(server_url), json=_PING)
    header = answer.headers.get("www-authenticate", "")[:4000]
    if not header.isascii():
        raise DiscoveryFailed("The server says how to sign in with characters that are not ASCII.")
    return httpx2.Response(answer.status, headers={"www-authenticate": header} if header else None)


async def _resource_of(server_url: str, challenge: Any) -> ProtectedResourceMetadata | None:
    """What the server says of its protection; None if it says nothing."""
    told = extract_resource_metadata_from_www_auth(challenge) if challenge.status_code in (401, 403) else None
    for url in build_protected_resource_metadata_discovery_urls(told, server_url):
        answer = await fetch("GET", url, hosts=sign_in_hosts(server_url))
        if answer.status >= 500 or answer.status == 429:
            raise ToolUnavailable(f"The server answered {answer.status} when it was asked where to sign in.")
        if answer.status != 200:
            continue
        try:
            found = ProtectedResourceMetadata.model_validate_json(answer.body)
        except ValidationError:
            continue
        if not check_resource_allowed(resource_url_from_server_url(server_url), str(found.resource)):
            raise DiscoveryFailed(f"The server says that it is another one: {readable(str(found.resource))[:200]}.")
        return found
    return None


async def _metadata_of(trusted: str | None, server_url: str) -> OAuthMetadata:
    """What the authorization server says of itself. It has to be the one that was asked for."""
    expected = trusted or "/".join(server_url.split("/")[:3])
    for url in build_oauth_authorization_server_metadata_discovery_urls(trusted, server_url):
        answer = await fetch("GET", url, hosts=sign_in_hosts(server_url, expected))
        if answer.status >= 500:
            raise ToolUnavailable(f"The authorization server {expected} answered {answer.status}.")
        if answer.status != 200:
            continue
        try:
            found = OAuthMetadata.model_validate_json(answer.body)
        except ValidationError:
            continue
        # By RFC 8414 the names are compared as texts. An origin may be written with a slash at its end.
        issuer = str(found.issuer)
        if issuer != expected and (trusted is not None or issuer.rstrip("/") != expected):
            raise DiscoveryFailed(f"The authorization server {expected} says that it is {readable(issuer)[:200]}.")
        return found
    raise DiscoveryFailed(f"{expected} does not say how to sign in there.")
