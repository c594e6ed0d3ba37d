"""Grants: the tokens of an authorization server with what renews them, and the requests that get them."""

import base64
import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self
from urllib.parse import quote

from runs.agent.json_data.json_types import JsonObject
from runs.engine.mcp.named_hosts import sign_in_hosts
from runs.engine.mcp.oauth.clients import OAuthClient, SignInRefused, error_in, json_object
from runs.engine.mcp.oauth.oauth_http import OAuthAnswer, fetch
from runs.engine.sealed_text import seal, unseal

MAX_TOKEN_CHARS: Final = 16_000
LONGEST_LIFE_S: Final = 10 * 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What an authorization server has granted. Never shown, never logged."""

    access_token: str
    refresh_token: str
    """Empty without one."""
    client: OAuthClient
    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    resource: str
    scope: str
    expires_at: float = 0.0
    """Seconds since the epoch; 0 if the server did not say."""
    wanted_scope: str = ""
    """What the server wanted besides, for a call that it refused: the next sign-in asks for it too."""

    def __repr__(self) -> str:
        return f"<Grant of {self.issuer}>"

    def sealed(self) -> str:
        """The whole grant, encrypted."""
        return seal(json.dumps(asdict(self)))

    @classmethod
    def unsealed(cls, text: str) -> Self:
        """The grant of a sealed text. Raises `SealUnreadable`."""
        values: JsonObject = json.loads(unseal(text))
        return cls(**{**values, "client": OAuthClient(**values["client"])})

    @property
    def secrets(self) -> set[str]:
        """What nobody may see of it."""
        return {self.access_token, self.refresh_token, self.client.client_secret} - {""}


def scopes_together(*scopes: str) -> str:
    """All of the scopes, each once, in their order."""
    return " ".join(dict.fromkeys(" ".join(scopes).split()))


class GrantOver(SignInRefused):
    """The grant cannot be renewed: a person has to sign in again."""


def challenge_of(verifier: str) -> str:
    """The S256 challenge of PKCE."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def grant_for_code(empty: Grant, *, code: str, verifier: str) -> Grant:
    """The grant that the authorization code stands for. `empty` is it without its tokens. Raises `SignInRefused` and
    `ToolUnavailable`."""
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": empty.client.redirect_uri}
    answer = await _ask(empty, {**asked, "code_verifier": verifier})
    return _granted(empty, answer)


async def renewed(grant: Grant) -> Grant:
    """The grant with a new access token. Raises `GrantOver` if the server grants no more, and `ToolUnavailable` if it
    cannot be asked now."""
    if not grant.refresh_token:
        raise GrantOver("The token has ended, and the server gave nothing to renew it with.")
    answer = await _ask(grant, {"grant_type": "refresh_token", "refresh_token": grant.refresh_token})
    try:
        return _granted(grant, answer)
    except SignInRefused as refused:
        raise GrantOver(str(refused)) from refused


async def revoke(grant: Grant) -> None:
    """Tell the server that the tokens are of no more use (RFC 7009). Raises `ToolUnavailable`."""
    for kind in ("refresh_token", "access_token"):
        if grant.revocation_endpoint and (token := getattr(grant, kind)):
            await _ask(grant, {"token": token, "token_type_hint": kind}, endpoint=grant.revocation_endpoint)


async def _ask(grant: Grant, form: dict[str, str], *, endpoint: str = "") -> OAuthAnswer:
    """Ask as the grant's client."""
    client, headers = grant.client, {}
    asked = {**form, "client_id": client.client_id, "resource": grant.resource}
    if client.auth_method == "client_secret_post":
        asked["client_secret"] = client.client_secret
    elif client.auth_method == "client_secret_basic":
        pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    hosts = sign_in_hosts(grant.resource, grant.issuer)
    return await fetch("POST", endpoint or grant.token_endpoint, hosts=hosts, form=asked, headers=headers)


def _granted(grant: Grant, answer: OAuthAnswer) -> Grant:
    from runs.agent.errors.exceptions import ToolUnavailable

    if answer.status >= 500 or answer.status == 429:
        raise ToolUnavailable(f"The authorization server {grant.issuer} answered {answer.status}.")
    given = json_object(answer)
    token, again = given.get("access_token"), given.get("refresh_token") or grant.refresh_token
    if answer.status not in (200, 201):
        raise SignInRefused(f"The authorization server refused: {error_in(answer)}")
    if not _is_token(token) or (again and not _is_token(again)) or str(given.get("token_type")).lower() != "bearer":
        raise SignInRefused("The authorization server gave no token that could be used.")
    return replace(
        grant,
        access_token=str(token),
        refresh_token=str(again),
        scope=str(given.get("scope") or grant.scope)[:1000],
        expires_at=_end_of(given.get("expires_in")),
    )


def _end_of(life: Any) -> float:
    """When a token with this `expires_in` ends; 0 if it does not say. Raises `SignInRefused` for one without bounds."""
    try:
        life_s = float(life)
    except (TypeError, ValueError):
        return 0.0
    except OverflowError:  # an integer that no float holds
        life_s = math.inf
    if not math.isfinite(life_s):
        raise SignInRefused("The authorization server gave a token with a lifetime that is no number of seconds.")
    return time.time() + min(life_s, LONGEST_LIFE_S) if life_s > 0 else 0.0


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARS and value.isascii() and value.isprintable()
