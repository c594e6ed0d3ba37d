"""The secrets of this process."""

import logging

from django.conf import settings

from runs.agent.redaction.redactor import MIN_SECRET_CHARS, secrets_in
from runs.agent.redaction.secret_values import short_secrets_in

logger = logging.getLogger(__name__)


def known_secrets() -> set[str]:
    """The secrets in this process's environment, and those of the settings."""
    return secrets_in() | {settings.SECRET_KEY, settings.EMAIL_HOST_PASSWORD, settings.AGENTSITE_ALERT_WEBHOOK} - {""}


def warn_of_short_secrets() -> None:
    """Log at the start the names of secrets that are too short to be hidden."""
    if names := short_secrets_in():
        logger.warning(
            "Not hidden in what runs record and in logs, because shorter than %d characters: %s. Choose longer ones.",
            MIN_SECRET_CHARS,
            ", ".join(names),
        )
