"""The channels by their kind."""

from typing import Final

from runs.engine.notifications.channels import Channel
from runs.engine.notifications.channels.apprise_services import AppriseChannel
from runs.engine.notifications.channels.email import EmailChannel
from runs.engine.notifications.channels.slack import SlackChannel
from runs.engine.notifications.channels.web_push import WebPushChannel
from runs.models import NotificationChannel

CHANNELS: Final[dict[str, Channel]] = {
    NotificationChannel.Kind.EMAIL: EmailChannel(),
    NotificationChannel.Kind.SLACK: SlackChannel(),
    NotificationChannel.Kind.APPRISE: AppriseChannel(),
    NotificationChannel.Kind.WEB_PUSH: WebPushChannel(),
}
"""Each sends to the addresses of its kind."""
