"""Whose account of Slack it is, by the e-mail address that Slack has confirmed."""

from typing import Final

from runs.agent.json_data.json_types import JsonObject
from runs.engine.notifications.channels.slack import ask_slack

MAX_EMAIL_CHARS: Final = 254
_OTHERS: Final = ("deleted", "is_bot", "is_stranger")
"""Fields that are true of accounts that are no person's here: a stranger is one of another workspace."""


async def email_of(slack_id: str, token: str) -> str:
    """The confirmed e-mail address of an account; empty for none, and for one that is no person of the workspace.

    Takes the scopes `users:read` and `users:read.email`. Raises `ChannelFailed`, also without them.
    """
    answer = await ask_slack("users.info", token, {"user": slack_id}, is_form=True)
    user = _object_of(answer.get("user"))
    if user.get("id") != slack_id or user.get("is_email_confirmed") is not True or any(map(user.get, _OTHERS)):
        return ""
    email = _object_of(user.get("profile")).get("email")
    return email.strip() if isinstance(email, str) and len(email) <= MAX_EMAIL_CHARS and "\x00" not in email else ""


def _object_of(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}
