"""Channels of notifications: made, changed, paused, tried and deleted by their owners; each in one transaction.

None as `by` is the command line, which may do everything. Another person's channel is
`NotificationChannel.DoesNotExist`.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone, translation

from runs.agent.json_data.json_values import check_storable_text
from runs.agent.wording import Wording
from runs.engine.db_clock import database_now
from runs.engine.notifications.addresses import ChannelAddressRefused, CheckedAddress, checked_address
from runs.engine.notifications.outbox import WAKE_UP, note_test
from runs.engine.outbound.retry_schedule import TRIED_FOR
from runs.engine.sealed_text import seal
from runs.models import Notification, NotificationChannel, NotificationDelivery
from runs.models.notification_rule import MAX_NOTIFICATION_NAME_CHARS

MOST_CHANNELS: Final = 20
"""Of one person."""
MOST_TESTS: Final = 5
"""Tests of one channel that wait to be sent."""
MOST_TESTS_AN_HOUR: Final = 30
"""Of one person: anybody's mailbox can be typed as an address."""
MOST_ATTEMPTS: Final = 1000
"""Of one delivery, those by hand included."""
_State: Final = NotificationChannel.State


class NotificationRefused(ValueError):
    """Nothing is stored. `faults` has a `Wording` for each field, and those of none under the empty name."""

    def __init__(self, faults: dict[str, Wording]) -> None:
        super().__init__("\n".join(f"{name}: {words}" if name else words for name, words in faults.items()))
        self.faults = faults


@transaction.atomic
def create_channel(*, kind: str, name: str, address: str, user: Any) -> NotificationChannel:
    """A new channel of `user` to an address that they typed. Raises `NotificationRefused`."""
    try:
        checked = checked_address(kind, address)
    except ChannelAddressRefused as refused:
        raise NotificationRefused({"address": refused.args[0]}) from refused
    return add_channel(kind=kind, name=name or checked.shown, address=checked, user=user)


@transaction.atomic
def add_channel(*, kind: str, name: str, address: CheckedAddress, user: Any) -> NotificationChannel:
    """The same for an address that is checked already. It is told in the active language."""
    get_user_model().objects.select_for_update().get(pk=user.pk)
    if NotificationChannel.objects.filter(user=user).count() >= MOST_CHANNELS:
        words = Wording("You have %(most)s channels, and that is the limit.", most=MOST_CHANNELS)
        raise NotificationRefused({"": words})
    return NotificationChannel.objects.create(
        user=user,
        kind=kind,
        name=checked_name(name),
        address=seal(address.text),
        shown_address=address.shown[:320],
        language=translation.get_language() or "",
    )


@transaction.atomic
def change_channel(channel_id: UUID, *, name: str, address: str, by: Any) -> NotificationChannel:
    """The channel with this name, and with this address unless it is empty. Raises `NotificationRefused`."""
    channel = _locked(channel_id, by)
    channel.name = checked_name(name)
    if address.strip():
        try:
            checked = checked_address(channel.kind, address)
        except ChannelAddressRefused as refused:
            raise NotificationRefused({"address": refused.args[0]}) from refused
        set_address(channel, checked)
    channel.save()
    return channel


@transaction.atomic
def pause_channel(channel_id: UUID, *, by: Any) -> NotificationChannel:
    """Send nothing, and note nothing of what happens meanwhile; what waits is kept. No effect on one that is not
    active."""
    channel = _locked(channel_id, by)
    if channel.state == _State.ACTIVE:
        channel.state = _State.PAUSED
        channel.save(update_fields=["state"])
    return channel


@transaction.atomic
def resume_channel(channel_id: UUID, *, by: Any) -> NotificationChannel:
    """Let a paused or disabled channel be told again of what happens from now on, and send what waits."""
    channel = _locked(channel_id, by)
    _activate(channel)
    channel.save(update_fields=["state", "disabled_because", "failing_since", "last_error"])
    WAKE_UP.after_commit()
    return channel


@transaction.atomic
def delete_channel(channel_id: UUID, *, by: Any) -> None:
    """Delete the channel; rules that name it go on without it, and what waits is not sent."""
    _locked(channel_id, by).delete()


@transaction.atomic
def try_channel(channel_id: UUID, *, by: Any) -> NotificationDelivery:
    """Send a test, which is about no run. Raises `NotificationRefused` while the channel is not active or several
    wait."""
    channel = _locked(channel_id, by)
    _check_active(channel)
    tests = NotificationDelivery.objects.pending().filter(channel=channel, notification__event=Notification.TEST)
    if tests.count() >= MOST_TESTS:
        raise NotificationRefused({"": Wording("%(most)s tests wait to be sent already.", most=MOST_TESTS)})
    if by is not None:
        recent = Notification.objects.filter(user=channel.user_id, event=Notification.TEST)
        if recent.filter(created_at__gt=timezone.now() - timedelta(hours=1)).count() >= MOST_TESTS_AN_HOUR:
            words = Wording(
                "You have sent %(most)s tests within an hour, and that is the limit.", most=MOST_TESTS_AN_HOUR
            )
            raise NotificationRefused({"": words})
    return note_test(channel)


@transaction.atomic
def resend_delivery(uid: UUID, *, by: Any) -> NotificationDelivery:
    """Send a delivery again, now and for a day. Raises `NotificationRefused` while its channel is not active or it is
    being sent, and `NotificationDelivery.DoesNotExist`, also for one of a run that `by` may not see."""
    deliveries = NotificationDelivery.objects.all()
    seen = deliveries if by is None else deliveries.visible_to(by)
    channel = _locked(seen.values_list("channel_id", flat=True).get(uid=uid), by)
    _check_active(channel)
    delivery = deliveries.select_for_update().get(uid=uid)
    now = database_now()
    if delivery.claimed_until is not None and delivery.claimed_until >= now:
        raise NotificationRefused({"": Wording("It is being sent right now.")})
    if delivery.attempts >= MOST_ATTEMPTS:
        words = Wording("It was tried %(most)s times, and that is the limit.", most=MOST_ATTEMPTS)
        raise NotificationRefused({"": words})
    delivery.state, delivery.ended_at, delivery.claimed_until = NotificationDelivery.State.PENDING, None, None
    delivery.due_at, delivery.expires_at, delivery.attempts_before = now, now + TRIED_FOR, delivery.attempts
    delivery.gathered_into = None
    delivery.save()
    WAKE_UP.after_commit()
    return delivery


@transaction.atomic
def mark_seen(user: Any, ids: list[UUID] | None = None) -> int:
    """Note that a page has shown these notifications to the person, or all that are due. Returns their number."""
    due = Notification.objects.filter(user=user, seen_at=None, due_at__lte=timezone.now())
    if ids is not None:
        due = due.filter(pk__in=ids)
    return due.update(seen_at=timezone.now())


def checked_name(name: str) -> str:
    """The name, without spaces around it. Raises `NotificationRefused`."""
    name = name.strip()
    if not name:
        raise NotificationRefused({"name": Wording("Give it a name.")})
    if len(name) > MAX_NOTIFICATION_NAME_CHARS:
        most = MAX_NOTIFICATION_NAME_CHARS
        raise NotificationRefused({"name": Wording("At most %(most)s characters.", most=most)})
    try:
        return check_storable_text(name)
    except ValueError as error:
        raise NotificationRefused({"name": Wording("It has a character that cannot be stored.")}) from error


def set_address(channel: NotificationChannel, address: CheckedAddress) -> None:
    """Give the channel another address, about which nothing is known yet: if it was disabled it is active. The caller
    saves it."""
    channel.address, channel.shown_address = seal(address.text), address.shown[:320]
    channel.failing_since, channel.last_error = None, ""
    if channel.state == _State.DISABLED:
        _activate(channel)


def _activate(channel: NotificationChannel) -> None:
    channel.state, channel.disabled_because = _State.ACTIVE, ""
    channel.failing_since, channel.last_error = None, ""


def _locked(channel_id: UUID, by: Any) -> NotificationChannel:
    """The channel, whose row is locked; its key stays free for new deliveries."""
    channels = NotificationChannel.objects.select_for_update(no_key=True)
    return channels.get(pk=channel_id) if by is None else channels.get(pk=channel_id, user=by)


def _check_active(channel: NotificationChannel) -> None:
    if channel.state != _State.ACTIVE:
        raise NotificationRefused({"": Wording("The channel is not active: nothing is sent.")})
