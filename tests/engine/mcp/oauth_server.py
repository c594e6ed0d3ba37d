"""An authorization server that takes nothing on trust, and the MCP server of the tests behind it, on one free port.

It follows RFC 6749, 7591, 7636 (S256 only), 8414, 8707, 9207 and 9728, and OAuth 2.1: exact redirect URIs, codes that
hold once, refresh tokens that rotate, and whose second use ends all that came of them. `POST /control` changes how it
behaves and tells what it saw; it prints its port.
"""

import base64
import hashlib
import json
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.engine.mcp.server import server

LISTENER = socket.create_server(("127.0.0.1", 0))
ORIGIN = f"http://127.0.0.1:{LISTENER.getsockname()[1]}"
ISSUER, RESOURCE = f"{ORIGIN}/as", f"{ORIGIN}/mcp"
AT_FIRST = {"life_s": 3600, "iss": ISSUER, "issuer": ISSUER, "resource": RESOURCE, "methods": ["S256"]}
HOW: dict[str, Any] = {}
SEEN: dict[str, Any] = {}
CLIENTS: dict[str, dict[str, Any]] = {}
CODES: dict[str, dict[str, Any]] = {}
TOKENS: dict[str, float] = {}
SCOPES: dict[str, str] = {}
"""Of access tokens, and of refresh tokens."""
FRESH: dict[str, str] = {}
INNER = server.streamable_http_app()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        await INNER(scope, receive, send)
        return
    path, headers = scope["path"], dict(scope["headers"])
    if path == "/mcp":
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        if TOKENS.get(token, 0) <= time.time():
            told = f'Bearer resource_metadata="{ORIGIN}/.well-known/oauth-protected-resource/mcp", scope="tools"'
            told = HOW.get("challenge", told)
            await reply(send, 401, {"error": "invalid_token"}, {"www-authenticate": told})
            return
        lacking = HOW.get("wants_scope", "")
        if headers.get(b"mcp-method") == b"tools/call" and not set(lacking.split()) <= set(SCOPES[token].split()):
            told = f'Bearer error="insufficient_scope", scope="{lacking}", error_description="Not for this."'
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "no"}}
            await reply(send, 403, error, {"www-authenticate": told})
            return
        SEEN["calls"] += 1
        await INNER(scope, receive, send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    query = dict(parse_qsl(scope["query_string"].decode()))
    status, answer, more = respond(path, query, body, headers)
    await reply(send, status, answer, more)


def respond(path: str, query: dict[str, str], body: bytes, headers: Any) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of the response."""
    match path:
        case "/control":
            control(json.loads(body))
            return 200, SEEN | {"tokens": [*TOKENS, *FRESH]}, {}
        case "/.well-known/oauth-protected-resource/mcp":
            return 200, {"resource": HOW["resource"], "authorization_servers": HOW.get("servers", [ISSUER])}, {}
        case "/.well-known/oauth-authorization-server/as":
            return 200, metadata(), {}
        case "/as/register":
            return registered(json.loads(body))
        case "/as/authorize":
            return authorized(query)
        case "/as/token":
            form = {name: each[0] for name, each in parse_qs(body.decode()).items()}
            basic = headers.get(b"authorization", b"").decode().removeprefix("Basic ")
            shown = unquote(base64.b64decode(basic).decode().partition(":")[2]) or form.get("client_secret", "")
            if shown != CLIENTS.get(form.get("client_id", ""), {}).get("secret", ""):
                return refused("invalid_client")
            return granted(form)
        case "/as/revoke":
            SEEN["revoked"] += 1
            TOKENS.pop(parse_qs(body.decode())["token"][0], None)
            return 200, {}, {}
    return 404, {"error": "not_found"}, {}


def control(asked: dict[str, Any]) -> None:
    """Change how it behaves; `again` begins anew."""
    if asked.pop("again", False):
        HOW.clear()
        HOW.update(AT_FIRST)
        SEEN.update(registered=0, refreshed=0, revoked=0, refused=[], calls=0)
        for each in (CLIENTS, CODES, TOKENS, FRESH):
            each.clear()
    ends_all = asked.pop("end_all", False)
    if asked.pop("end_tokens", False) or ends_all:
        TOKENS.clear()
    if ends_all:
        FRESH.clear()
    if "client" in asked:
        client_id, secret, address = asked.pop("client")
        CLIENTS[client_id] = {"redirect_uris": [address], "secret": secret}
    HOW.update(asked)


def metadata() -> dict[str, Any]:
    """What it says of itself."""
    return {
        "issuer": HOW["issuer"],
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": HOW.get("tokens_at", f"{ISSUER}/token"),
        "registration_endpoint": HOW.get("register_at", f"{ISSUER}/register"),
        "revocation_endpoint": f"{ISSUER}/revoke",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": HOW["methods"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": HOW.get("documents", False),
    }


def registered(asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """RFC 7591."""
    client_id = secrets.token_urlsafe(8)
    CLIENTS[client_id] = asked
    SEEN["registered"] += 1
    return 201, asked | {"client_id": client_id}, {}


def authorized(asked: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
    """A person who agrees at once. A client or redirect URI that is not known is told to the person, not redirected."""
    client = CLIENTS.get(asked.get("client_id", ""))
    if client is None or asked.get("redirect_uri") not in client["redirect_uris"]:
        return refused("unknown client or redirect URI")
    if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
        return refused("no PKCE")
    if asked.get("resource") != RESOURCE or not asked.get("state") or asked.get("response_type") != "code":
        return refused("wrong resource, state or type")
    code = secrets.token_urlsafe(16)
    CODES[code] = asked
    response = {"code": code, "state": asked["state"], **({"iss": HOW["iss"]} if HOW["iss"] else {})}
    if HOW.get("denies"):
        response = {"error": "access_denied", "error_description": "No.", "state": asked["state"], "iss": ISSUER}
    return 302, {}, {"location": f"{asked['redirect_uri']}?{urlencode(response)}"}


def granted(asked: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
    """The token endpoint."""
    if HOW.get("is_down"):
        return 503, {}, {}
    if asked.get("resource") != RESOURCE:
        return refused("invalid_target")
    if asked["grant_type"] == "refresh_token":
        if FRESH.pop(asked["refresh_token"], None) != asked["client_id"]:
            TOKENS.clear()
            FRESH.clear()
            return refused("invalid_grant")
        SEEN["refreshed"] += 1
        return issued(asked["client_id"], SCOPES[asked["refresh_token"]])
    known = CODES.pop(asked.get("code", ""), None)
    verified = base64.urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
    if known is None or known["client_id"] != asked["client_id"] or known["redirect_uri"] != asked["redirect_uri"]:
        return refused("invalid_grant")
    if verified.decode().rstrip("=") != known["code_challenge"]:
        return refused("invalid_grant")
    return issued(asked["client_id"], known.get("scope", ""))


def issued(client_id: str, scope: str) -> tuple[int, Any, dict[str, str]]:
    """New tokens."""
    token, fresh = f"access-{secrets.token_urlsafe(24)}", f"refresh-{secrets.token_urlsafe(24)}"
    TOKENS[token], FRESH[fresh] = time.time() + HOW["life_s"], client_id
    SCOPES[token] = SCOPES[fresh] = scope
    SEEN["scope"] = scope
    life_s = HOW.get("told_life_s", HOW["life_s"])
    given = {"access_token": token, "token_type": "Bearer", "expires_in": life_s, "refresh_token": fresh}
    return 200, given, {}


def refused(why: str) -> tuple[int, Any, dict[str, str]]:
    """An error that is remembered."""
    SEEN["refused"].append(why)
    return 400, {"error": why}, {}


async def reply(send: Any, status: int, answer: Any, headers: dict[str, str]) -> None:
    """Send a response."""
    shown = {"content-type": "application/json", "cache-control": "no-store", **headers}
    made = [(name.encode(), text.encode("latin-1")) for name, text in shown.items()]
    await send({"type": "http.response.start", "status": status, "headers": made})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


control({"again": True})
if __name__ == "__main__":
    print(LISTENER.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[LISTENER])
