"""Slack channels of people: the app that posts there, and the accounts that decide there."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied

from runs.agent.wording import Wording
from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.sealed_text import seal
from runs.engine.triggers.signatures import Scheme, is_usable_secret
from runs.languages import page_language
from runs.models import NotificationChannel, SlackAccount
from runs.models.notification_rule import MAX_NOTIFICATION_NAME_CHARS
from runs.models.slack_account import MAX_SLACK_ID_CHARS

MOST_SLACK_CHANNELS: Final = 20
"""Of one person."""
MAX_BOT_TOKEN_CHARS: Final = 300


class SlackChannelRefused(ValueError):
    """The channel cannot be made. `faults` has a `Wording` for each field; the empty name is the whole."""

    def __init__(self, faults: dict[str, Wording]) -> None:
        super().__init__("; ".join(map(str, faults.values())))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """What a person types."""

    name: str
    token: str
    secret: str
    channel: str


def create_slack_channel(settings: SlackSettings, *, by: Any) -> NotificationChannel:
    """A new channel of the user. Raises `SlackChannelRefused`."""
    if faults := _faults(settings):
        raise SlackChannelRefused(faults)
    own = NotificationChannel.objects.filter(user=by, kind=NotificationChannel.Kind.SLACK)
    if own.count() >= MOST_SLACK_CHANNELS:
        raise SlackChannelRefused({"": Wording("You have %(most)s Slack channels.", most=MOST_SLACK_CHANNELS)})
    address = SlackAddress(token=settings.token, secret=settings.secret, channel=settings.channel)
    return NotificationChannel.objects.create(
        user=by,
        kind=NotificationChannel.Kind.SLACK,
        name=settings.name,
        address=seal(address.as_text()),
        shown_address=settings.channel,
        language=page_language(),
    )


def delete_slack_channel(channel_id: UUID, *, by: Any) -> None:
    """Delete a channel of the user. Raises `NotificationChannel.DoesNotExist`."""
    NotificationChannel.objects.get(pk=channel_id, user=by, kind=NotificationChannel.Kind.SLACK).delete()


def unlink_slack_account(account_id: int, *, by: Any) -> None:
    """Take an account off: its person's own, or one of the user's channel. Raises `SlackAccount.DoesNotExist` and
    `PermissionDenied`."""
    account = SlackAccount.objects.select_related("channel").get(pk=account_id)
    if by.pk not in (account.user_id, account.channel.user_id):
        raise PermissionDenied(Wording("There is no such account, or it is not yours."))
    account.delete()


def _faults(settings: SlackSettings) -> dict[str, Wording]:
    faults = {}
    if not settings.name.strip() or len(settings.name) > MAX_NOTIFICATION_NAME_CHARS:
        faults["name"] = Wording("Give it a name.")
    if not settings.token.startswith("xoxb-") or not _is_word(settings.token, MAX_BOT_TOKEN_CHARS):
        faults["token"] = Wording("The token of a bot begins with xoxb-.")
    if not is_usable_secret(Scheme.SLACK, settings.secret):
        faults["secret"] = Wording("This is no signing secret of a Slack app.")
    if not _is_word(settings.channel, MAX_SLACK_ID_CHARS) or settings.channel[:1] not in ("C", "D", "G"):
        faults["channel"] = Wording("The id of a channel begins with C, such as C0123456789.")
    return faults


def _is_word(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isascii() and text.replace("-", "").replace("_", "").isalnum()
