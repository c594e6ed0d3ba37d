"""Secrets of webhooks, and the headers that they sign (Standard Webhooks)."""

import base64
import secrets
from datetime import datetime
from typing import Final

from standardwebhooks.webhooks import Webhook as Signer

from runs.engine.sealed_text import is_readable, seal, unseal
from runs.models import Webhook
from runs.models.signed_address import SECRETS_OVERLAP

SECRET_BYTES: Final = 32
"""Standard Webhooks wants 24 to 64."""


def new_secret() -> str:
    """A random secret as a receiver is given it: `whsec_…`."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def replace_secret(webhook: Webhook, now: datetime) -> str:
    """Give the webhook a new secret, beside which the one before signs for `SECRETS_OVERLAP`, unless it cannot be read.
    Returns the new one, which is kept sealed. The caller saves the three columns."""
    text = new_secret()
    keeps_old = is_readable(webhook.secret)
    webhook.old_secret = webhook.secret if keeps_old else ""
    webhook.old_secret_until = now + SECRETS_OVERLAP if keeps_old else None
    webhook.secret = seal(text)
    return text


def signing_secrets(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first. Raises `SealUnreadable`."""
    found = [unseal(webhook.secret)]
    if webhook.old_secret and webhook.old_secret_until is not None and now < webhook.old_secret_until:
        found.append(unseal(webhook.old_secret))
    return found


def signed_headers(message_id: str, body: str, signing: list[str], now: datetime) -> dict[str, str]:
    """The headers of a request that sends `body` now, with a signature by each of the secrets. `now` is in UTC."""
    signatures = [Signer(each).sign(message_id, now, body) for each in signing]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
