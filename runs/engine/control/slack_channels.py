"""Slack channels of people: the app that posts there, and the accounts that decide there."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction

from runs.agent.wording import Wording
from runs.engine.control.notification_channels import set_address
from runs.engine.notifications.addresses import CheckedAddress
from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.notifications.outbox import WAKE_UP
from runs.engine.sealed_text import SealUnreadable, seal, unseal
from runs.engine.triggers.signatures import Scheme, is_usable_secret
from runs.languages import page_language
from runs.models import NotificationChannel, SlackAccount
from runs.models.notification_rule import MAX_NOTIFICATION_NAME_CHARS
from runs.models.slack_account import MAX_SLACK_ID_CHARS

MOST_SLACK_CHANNELS: Final = 20
"""Of one person."""
MAX_BOT_TOKEN_CHARS: Final = 300
MAX_SIGNING_SECRET_CHARS: Final = 500


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettingsChange:
    """What a person types of a channel that exists. None: as it is."""

    name: str | None = None
    token: str | None = None
    secret: str | None = None
    channel: str | None = None

    @property
    def has_address(self) -> bool:
        """True if it says where, or as whom, is posted."""
        return not (self.token is self.secret is self.channel is None)


@transaction.atomic
def create_slack_channel(settings: SlackSettings, *, by: Any) -> NotificationChannel:
    """A new channel of the user. Raises `SlackChannelRefused`."""
    if faults := _faults(settings):
        raise SlackChannelRefused(faults)
    get_user_model().objects.select_for_update().get(pk=by.pk)
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


@transaction.atomic
def change_slack_channel(channel_id: UUID, change: SlackSettingsChange, *, by: Any) -> NotificationChannel:
    """The channel of the user with what the change says; its accounts stay. Another address activates a disabled one.
    Raises `SlackChannelRefused` and `NotificationChannel.DoesNotExist`."""
    own = NotificationChannel.objects.select_for_update(no_key=True).filter(user=by)
    channel = own.get(pk=channel_id, kind=NotificationChannel.Kind.SLACK)
    stored = _stored_address(channel)
    settings = SlackSettings(
        name=channel.name if change.name is None else change.name,
        token=stored.token if change.token is None else change.token,
        secret=stored.secret if change.secret is None else change.secret,
        channel=stored.channel if change.channel is None else change.channel,
    )
    faults = _faults(settings)
    if not change.has_address:
        # A name can be changed too while the address cannot be read.
        faults = {name: words for name, words in faults.items() if name == "name"}
    if faults:
        raise SlackChannelRefused(faults)
    channel.name = settings.name
    if change.has_address:
        address = SlackAddress(token=settings.token, secret=settings.secret, channel=settings.channel)
        set_address(channel, CheckedAddress(address.as_text(), settings.channel))
        WAKE_UP.after_commit()
    channel.save()
    return channel


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


def _stored_address(channel: NotificationChannel) -> SlackAddress:
    """What the channel keeps sealed; empty texts where that cannot be read."""
    try:
        return SlackAddress.of(unseal(channel.address))
    except (SealUnreadable, ValueError):
        return SlackAddress(token="", secret="", channel=channel.shown_address)


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
