"""An authorization server made of Authlib, with pages for a browser, and the MCP server of the tests behind it.

What is OAuth here is Authlib's: the checks of requests, PKCE, codes, tokens and their renewal, registration (RFC 7591),
revocation (RFC 7009) and the issuer in responses (RFC 9207). It prints its port. Its people sign in with any name.
"""

import html
import json
import os
import secrets
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # on one machine, without TLS

import uvicorn
from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import JsonPayload, JsonRequest
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.engine.mcp.server import server as mcp_server

LISTENER = socket.create_server(("127.0.0.1", 0))
# Another site than that of 127.0.0.1, for the cookies of browsers.
ORIGIN = f"http://localhost:{LISTENER.getsockname()[1]}"
RESOURCE, METADATA = f"{ORIGIN}/mcp", "/.well-known/oauth-protected-resource/mcp"
SCOPES = "tools tools:write"
HOW: dict[str, Any] = {"life_s": 3600, "wants_scope": "tools"}
SEEN: dict[str, Any] = {"signed_in": [], "refreshed": 0, "revoked": 0}


@dataclass
class OAuthClient:
    """A client as it has registered."""

    client_id: str
    client_secret: str
    metadata: dict[str, Any]

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return str(self.metadata["redirect_uris"][0])

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(each for each in scope.split() if each in SCOPES.split())

    def check_redirect_uri(self, uri: str) -> bool:
        return bool(uri in self.metadata["redirect_uris"])

    def check_client_secret(self, secret: str) -> bool:
        return secrets.compare_digest(secret, self.client_secret)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return bool(method == self.metadata.get("token_endpoint_auth_method", "client_secret_basic"))

    def check_response_type(self, kind: str) -> bool:
        return kind == "code"

    def check_grant_type(self, kind: str) -> bool:
        return kind in self.metadata.get("grant_types", ["authorization_code"])


@dataclass
class Code:
    """An authorization code that was given out."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Token:
    """Tokens that were given out together."""

    client: OAuthClient
    user: str
    values: dict[str, Any]
    made_at: float = field(default_factory=time.time)
    is_over: bool = False

    def check_client(self, client: OAuthClient) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return str(self.values.get("scope", ""))

    def get_client(self) -> OAuthClient:
        return self.client

    @property
    def holds(self) -> bool:
        """Whether its access token does."""
        return not self.is_over and time.time() < self.made_at + self.values["expires_in"]


CLIENTS: dict[str, OAuthClient] = {}
CODES: dict[str, Code] = {}
TOKENS: list[Token] = []


def token_with(kind: str, text: str) -> Token | None:
    """The tokens of which one is this."""
    return next((each for each in TOKENS if each.values.get(kind) == text), None)


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for the requests of Starlette, whose forms have been read."""

    def query_client(self, client_id: str) -> OAuthClient | None:
        return CLIENTS.get(client_id)

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        TOKENS.append(Token(request.client, request.user, token))

    def send_signal(self, *_: Any, **__: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Request) -> OAuth2Request:
        made = OAuth2Request(request.method, str(request.url), headers=dict(request.headers))
        made.payload = BasicOAuth2Payload({**request.query_params, **request.state.form})
        # Authlib looks for the header under its usual name.
        made.headers["Authorization"] = request.headers.get("authorization", "")
        made._body = request.state.form
        return made

    def create_json_request(self, request: Request) -> JsonRequest:
        made = JsonRequest(request.method, str(request.url), dict(request.headers))
        made.payload = _Json(request.state.json)
        return made

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        text = json.dumps(body) if isinstance(body, dict) else body
        made = Response(text, status_code=status, headers=dict(headers))
        made.location = made.headers.get("location", "")  # type: ignore[attr-defined]
        return made


class _Json(JsonPayload):  # type: ignore[misc]
    def __init__(self, data: Any) -> None:
        self._data = data

    @property
    def data(self) -> Any:
        return self._data


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload.data
        CODES[code] = Code(
            code,
            request.client.client_id,
            request.payload.redirect_uri,
            request.payload.scope or "",
            request.user,
            asked["code_challenge"],
            asked["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: OAuthClient) -> Code | None:
        found = CODES.get(code)
        return found if found is not None and found.client_id == client.client_id else None

    def delete_authorization_code(self, code: Code) -> None:
        del CODES[code.code]

    def authenticate_user(self, code: Code) -> str:
        return code.user


class Renewal(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, text: str) -> Token | None:
        found = token_with("refresh_token", text)
        return found if found is not None and not found.is_over else None

    def authenticate_user(self, token: Token) -> str:
        return token.user

    def revoke_old_credential(self, token: Token) -> None:
        token.is_over = True
        SEEN["refreshed"] += 1


class Registration(ClientRegistrationEndpoint):  # type: ignore[misc]
    def authenticate_token(self, _request: Any) -> bool:
        return True

    def get_server_metadata(self) -> dict[str, Any]:
        return metadata()

    def save_client(self, info: dict[str, Any], told: dict[str, Any], _request: Any) -> OAuthClient:
        CLIENTS[info["client_id"]] = made = OAuthClient(info["client_id"], info["client_secret"], told)
        return made


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS

    def query_token(self, text: str, hint: str | None) -> Token | None:
        return token_with(hint or "access_token", text)

    def revoke_token(self, token: Token, _request: Any) -> None:
        token.is_over = True
        SEEN["revoked"] += 1


class Issuer(IssuerParameter):  # type: ignore[misc]
    def get_issuer(self) -> str:
        return ORIGIN

    def add_issuer_parameter(self, authorization_server: Any, response: Any) -> None:
        super().add_issuer_parameter(authorization_server, response)
        if response.location:
            response.headers["location"] = response.location


def metadata() -> dict[str, Any]:
    """What it says of itself (RFC 8414)."""
    return {
        "issuer": ORIGIN,
        "authorization_endpoint": f"{ORIGIN}/authorize",
        "token_endpoint": f"{ORIGIN}/token",
        "registration_endpoint": f"{ORIGIN}/register",
        "revocation_endpoint": f"{ORIGIN}/revoke",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "scopes_supported": SCOPES.split(),
        "token_endpoint_auth_methods_supported": CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


oauth = Server(scopes_supported=SCOPES.split())
oauth.register_token_generator(
    "default",
    BearerTokenGenerator(
        lambda **_: f"access-{secrets.token_urlsafe(24)}",
        lambda **_: f"refresh-{secrets.token_urlsafe(24)}",
        lambda *_: HOW["life_s"],
    ),
)
oauth.register_grant(CodeGrant, [CodeChallenge(required=True)])
oauth.register_grant(Renewal)
oauth.register_endpoint(Registration)
oauth.register_endpoint(Revocation)
oauth.register_extension(Issuer())


def authorize(request: Request) -> Any:
    """The page where a person signs in and agrees or not, and what follows from it."""
    try:
        grant = oauth.get_consent_grant(request, end_user=request.state.form.get("name"))
    except OAuth2Error as error:
        return HTMLResponse(f"<h1>Refused</h1><p>{html.escape(str(error))}</p>", status_code=400)
    asked, who = grant.request.payload, request.state.form
    if request.method == "POST":
        SEEN["signed_in"].append([who["name"], asked.scope])
        return oauth.create_authorization_response(request, who["name"] if "agree" in who else None, grant)
    return HTMLResponse(
        f"<title>Sign in elsewhere</title><h1>Sign in elsewhere</h1><form method=post>"
        f"<p>{html.escape(grant.client.metadata.get('client_name', ''))} wants: {html.escape(asked.scope or '')}</p>"
        "<label>Your name <input name=name required></label>"
        "<button name=agree>Agree</button><button name=refuse>Refuse</button></form>"
    )


async def respond(request: Request) -> Any:
    """The response of everything but the MCP server."""
    body = await request.body()
    request.state.form = (
        dict(parse_qsl(body.decode(), keep_blank_values=True)) if request.url.path != "/register" else {}
    )
    match request.url.path:
        case "/authorize":
            return authorize(request)
        case "/token":
            return oauth.create_token_response(request)
        case "/register":
            request.state.json = json.loads(body)
            return oauth.create_endpoint_response("client_registration", request)
        case "/revoke":
            return oauth.create_endpoint_response("revocation", request)
        case "/control":
            HOW.update(json.loads(request.state.form["how"]))
            if HOW.pop("revokes_all", False):
                for token in TOKENS:
                    token.is_over = True
            return JSONResponse(SEEN)
        case "/.well-known/oauth-authorization-server":
            return JSONResponse(metadata())
        case path if path == METADATA:
            return JSONResponse({"resource": RESOURCE, "authorization_servers": [ORIGIN]})
    return JSONResponse({"error": "not_found"}, status_code=404)


INNER = mcp_server.streamable_http_app()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        await INNER(scope, receive, send)
        return
    request = Request(scope, receive)
    response = refused(request) if scope["path"] == "/mcp" else await respond(request)
    await (INNER if response is None else response)(scope, receive, send)


def refused(request: Request) -> Response | None:
    """Why a request to the MCP server is refused; None if it is not."""
    token = token_with("access_token", request.headers.get("authorization", "").removeprefix("Bearer "))
    where = f'Bearer resource_metadata="{ORIGIN}{METADATA}"'
    if token is None or not token.holds:
        challenge = f'{where}, error="invalid_token", scope="tools"'
        return JSONResponse({"error": "invalid_token"}, status_code=401, headers={"WWW-Authenticate": challenge})
    is_call = request.headers.get("mcp-method") == "tools/call"
    if is_call and not set(HOW["wants_scope"].split()) <= set(token.get_scope().split()):
        challenge = f'{where}, error="insufficient_scope", scope="{HOW["wants_scope"]}"'
        return JSONResponse({"error": "insufficient_scope"}, status_code=403, headers={"WWW-Authenticate": challenge})
    return None


if __name__ == "__main__":
    print(LISTENER.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[LISTENER])
