"""The devices on which a person is told by web push."""

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from runs.agent.wording import Wording
from runs.engine.control.notification_channels import set_address
from runs.engine.notifications.addresses import CheckedAddress
from runs.engine.notifications.channels.web_push import PushSubscription, SubscriptionRefused
from runs.engine.sealed_text import SealUnreadable, unseal
from runs.languages import page_language
from runs.models import NotificationChannel, NotificationRule

MOST_DEVICES: Final = 20
"""Of one person."""
MAX_DEVICE_NAME_CHARS: Final = 80
RULE_EVENTS: Final = [NotificationRule.Event.NEEDS_PERSON.value]
"""Of what a person is told on their first device."""


class DeviceRefused(ValueError):
    """The device cannot be added. The message is a `Wording`."""


@transaction.atomic
def add_device(subscription: PushSubscription, *, name: str, rule_name: str, by: Any) -> NotificationChannel:
    """The channel of a device: the one that it has already, or a new one. A person's first device comes with a rule,
    called `rule_name`, that tells there what waits for them. Raises `DeviceRefused`."""
    try:
        subscription.check()
    except SubscriptionRefused as error:
        raise DeviceRefused(Wording("This browser's push service is not one that the site may send to.")) from error
    get_user_model().objects.select_for_update().get(pk=by.pk)
    own = list(NotificationChannel.objects.filter(user=by, kind=NotificationChannel.Kind.WEB_PUSH))
    known = next((each for each in own if _endpoint_of(each) == subscription.endpoint), None)
    if known is None and len(own) >= MOST_DEVICES:
        raise DeviceRefused(Wording("You have %(most)s devices. Remove one first.", most=MOST_DEVICES))
    channel = known or NotificationChannel(user=by, kind=NotificationChannel.Kind.WEB_PUSH)
    channel.name, channel.language = name[:MAX_DEVICE_NAME_CHARS], page_language()
    # Shown is whose push service it is; the rest of the endpoint is a secret.
    shown = urlsplit(subscription.endpoint).hostname or ""
    set_address(channel, CheckedAddress(subscription.as_text(), shown))
    channel.state = NotificationChannel.State.ACTIVE
    channel.save()
    rules = NotificationRule.objects.filter(user=by, channels__kind=NotificationChannel.Kind.WEB_PUSH)
    rule = rules.order_by("created_at", "pk").first() if own else None
    if rule is None and not own:
        rule = NotificationRule.objects.create(user=by, name=rule_name, events=RULE_EVENTS)
    if rule is not None:
        rule.channels.add(channel)
    return channel


def has_device(user: Any) -> bool:
    """True if the user is told on a device."""
    return NotificationChannel.objects.filter(user=user, kind=NotificationChannel.Kind.WEB_PUSH).exists()


def remove_device(channel_id: UUID, *, by: Any) -> None:
    """Remove a device. Raises `NotificationChannel.DoesNotExist`."""
    NotificationChannel.objects.get(pk=channel_id, user=by, kind=NotificationChannel.Kind.WEB_PUSH).delete()


def _endpoint_of(channel: NotificationChannel) -> str:
    try:
        return PushSubscription.of(unseal(channel.address)).endpoint
    except (SealUnreadable, ValueError):
        return ""
