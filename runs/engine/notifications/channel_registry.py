"""The channels by their kind."""

from typing import Final

from runs.engine.notifications.channels import Channel
from runs.engine.notifications.channels.email import EmailChannel
from runs.models import NotificationChannel

CHANNELS: Final[dict[str, Channel]] = {
    NotificationChannel.Kind.EMAIL: EmailChannel(),
}
"""Each sends to the addresses of its kind."""
