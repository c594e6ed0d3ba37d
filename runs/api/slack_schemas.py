"""Request and response schemas of Slack channels and the accounts that decide there."""

from typing import Annotated, Final

from django.urls import reverse
from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.notification_schemas import ChannelOut, ChannelState, DisabledBecause, channel_as_json
from runs.api.request_schemas import StrictSchema, Text
from runs.api.response_schemas import Sent
from runs.engine.control.slack_channels import MAX_BOT_TOKEN_CHARS, MAX_SIGNING_SECRET_CHARS
from runs.models import NotificationChannel, SlackAccount
from runs.models.as_json import as_utc
from runs.models.notification_rule import MAX_NOTIFICATION_NAME_CHARS
from runs.models.slack_account import MAX_SLACK_ID_CHARS

SLACK_CHANNEL_ID: Final = "2c4e6a80-1b3d-4f5a-8c7e-9d0b1a2c3e4f"
"""An id for the examples."""

_Name = Annotated[Text, Field(min_length=1, max_length=MAX_NOTIFICATION_NAME_CHARS)]
_Channel = Annotated[
    Text,
    Field(min_length=1, max_length=MAX_SLACK_ID_CHARS, description="Slack's id of it.", examples=["C0123456789"]),
]
_Token = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=MAX_BOT_TOKEN_CHARS,
        description="Of the app's bot. It is stored sealed, and not told again.",
        examples=["xoxb-1-example"],
    ),
]
_Secret = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=MAX_SIGNING_SECRET_CHARS,
        description="With which Slack signs the app's requests. It is stored sealed, and not told again.",
        examples=["8f742231b10e8888abcd99yyyzzz85a5"],
    ),
]
_Uuid = {"format": "uuid"}


class NewSlackChannel(StrictSchema):
    """A Slack app and a channel that it posts to."""

    name: _Name
    channel: _Channel
    token: _Token
    secret: _Secret


class SlackChannelChange(StrictSchema):
    """Changes of a Slack channel: only what is sent."""

    name: _Name | None = None
    channel: _Channel | None = None
    token: _Token | None = None
    secret: _Secret | None = None


class SlackAccountOut(Sent):
    """A Slack account, and whose decisions its presses are."""

    id: Annotated[int, Field(examples=[1])]
    slack_id: Annotated[str, Field(examples=["U2147483697"])]
    slack_name: str
    user: Annotated[str, Field(description="The name of its person here.")]
    created_at: AwareDatetime


class SlackChannelOut(Sent):
    """A Slack channel, without token and secret."""

    id: Annotated[str, Field(json_schema_extra=_Uuid, examples=[SLACK_CHANNEL_ID])]
    name: str
    channel: Annotated[str, Field(examples=["C0123456789"])]
    request_path: Annotated[
        str,
        Field(description="Where the app's interactivity has to send presses, from the root of the site."),
    ]
    state: ChannelState
    disabled_because: DisabledBecause
    last_error: Annotated[str, Field(description="Of the last attempt; empty if it succeeded.")]
    sent_at: AwareDatetime | None
    created_at: AwareDatetime
    accounts: Annotated[list[SlackAccountOut], Field(description="Those that decide there.")]


class SlackChannelList(Sent):
    """Your Slack channels, by name."""

    items: list[SlackChannelOut]


def slack_channel_as_json(channel: NotificationChannel) -> JsonObject:
    """The channel. Reads its accounts and their people."""
    told = channel_as_json(channel)
    kept = {name: told[name] for name in SlackChannelOut.model_fields if name in ChannelOut.model_fields}
    return kept | {
        "channel": channel.shown_address,
        "request_path": reverse("slack-hook", args=[channel.pk]),
        "accounts": [_account_as_json(each) for each in channel.slack_accounts.all()],
    }


def _account_as_json(account: SlackAccount) -> JsonObject:
    return {
        "id": account.pk,
        "slack_id": account.slack_id,
        "slack_name": account.slack_name,
        "user": account.user.get_username(),
        "created_at": as_utc(account.created_at),
    }
