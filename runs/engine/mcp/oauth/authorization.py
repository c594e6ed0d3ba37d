"""One sign-in: the address that a person is sent to, and what comes back from there."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import readable
from runs.agent.wording import Wording
from runs.engine.mcp.oauth.clients import OAuthClient, SignInRefused
from runs.engine.mcp.oauth.discovery import AuthorizationServer
from runs.engine.mcp.oauth.grants import Grant, challenge_of, grant_for_code
from runs.engine.sealed_text import seal, unseal

LASTS_S: Final = 900.0
"""How long a person may take to sign in."""
MAX_CODE_CHARS: Final = 4_000


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that has begun. It is kept, sealed, in the session of the browser that began it."""

    state: str
    verifier: str
    """Of PKCE."""
    source_id: int
    user_id: int | None
    """Whose calls it is for; None for all runs."""
    run_id: str
    """The run to go back to; empty without one."""
    grant: Grant
    """Without its tokens."""
    names_itself: bool
    begun_at: float

    @classmethod
    def begin(
        cls, source_id: int, server: AuthorizationServer, client: OAuthClient, *, user_id: int | None, run_id: str
    ) -> Self:
        """A new one."""
        endpoints = server.token_endpoint, server.revocation_endpoint
        grant = Grant("", "", client, server.issuer, *endpoints, server.resource, server.scope)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        return cls(state, verifier, source_id, user_id, run_id, grant, server.names_itself, time.time())

    def address(self, server: AuthorizationServer) -> str:
        """Where the person signs in."""
        asked = {
            "response_type": "code",
            "client_id": self.grant.client.client_id,
            "redirect_uri": self.grant.client.redirect_uri,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": self.grant.resource,
        }
        if self.grant.scope:
            asked["scope"] = self.grant.scope
        if "offline_access" in self.grant.scope.split():
            asked["prompt"] = "consent"
        parts = urlsplit(server.authorization_endpoint)
        query = "&".join(each for each in (parts.query, urlencode(asked)) if each)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))

    def sealed(self) -> str:
        """All of it, encrypted."""
        return seal(json.dumps(asdict(self)))

    @classmethod
    def unsealed(cls, text: str) -> Self:
        """That of a sealed text. Raises `SealUnreadable`."""
        values: JsonObject = json.loads(unseal(text))
        grant = values["grant"]
        return cls(**{**values, "grant": Grant(**{**grant, "client": OAuthClient(**grant["client"])})})

    async def finish(self, response: Mapping[str, str]) -> Grant:
        """The grant that the response of the authorization server leads to. Raises `SignInRefused` and
        `ToolUnavailable`."""
        if time.time() - self.begun_at > LASTS_S:
            raise SignInRefused(Wording("The sign-in took too long. Begin it again."))
        self._check_issuer(response.get("iss"))
        if error := response.get("error"):
            said = readable(": ".join(each for each in (error, response.get("error_description", "")) if each))[:300]
            raise SignInRefused(Wording("The authorization server refused: %(said)s", said=said))
        code = response.get("code", "")
        if not 0 < len(code) <= MAX_CODE_CHARS:
            raise SignInRefused(Wording("The authorization server sent no code."))
        return await grant_for_code(self.grant, code=code, verifier=self.verifier)

    def _check_issuer(self, named: str | None) -> None:
        """Raise `SignInRefused` for the response of another server (RFC 9207), by comparison of the texts."""
        if (named is None and self.names_itself) or (named is not None and named != self.grant.issuer):
            raise SignInRefused(Wording("The response is not from the server that the sign-in began at."))
