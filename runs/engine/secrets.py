"""The secrets this process was given."""

from django.conf import settings

from runs.agent.redaction import secrets_in


def known_secrets() -> set[str]:
    """The secrets of this process: in its environment, and the site's own."""
    return secrets_in() | {settings.SECRET_KEY, settings.EMAIL_HOST_PASSWORD, settings.AGENTSITE_ALERT_WEBHOOK} - {""}
