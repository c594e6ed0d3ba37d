"""What this site's client says of itself, in a document that authorization servers read, or as it is registered."""

import hashlib
import hmac
from typing import Final

from django.conf import settings

from runs.agent.json_data.json_types import JsonObject

CLIENT_NAME: Final = "Agentsite"
GRANT_TYPES: Final = ("authorization_code", "refresh_token")


def client_key(source_id: int) -> str:
    """The name of a server in addresses that anybody may read: it tells nothing of the server.

    Each server has a redirect URI of its own, so that the response of one authorization server is never taken for that
    of another.
    """
    made = hmac.new(settings.SECRET_KEY.encode(), f"agentsite: oauth client {source_id}".encode(), hashlib.sha256)
    return made.hexdigest()[:24]


def client_metadata(redirect_uri: str) -> JsonObject:
    """What the client says of itself, as RFC 7591 names it."""
    return {
        "client_name": CLIENT_NAME,
        "redirect_uris": [redirect_uri],
        "grant_types": list(GRANT_TYPES),
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    }
