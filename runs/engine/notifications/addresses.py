"""Addresses of channels: what a person types, checked, and as pages show it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from runs.agent.json_data.json_values import check_storable_text
from runs.agent.wording import Wording
from runs.engine.notifications.channels.apprise_services import apprise_fault, shown_apprise
from runs.models import NotificationChannel
from runs.models.notification_rule import MAX_ADDRESS_CHARS

MAX_EMAIL_CHARS: Final = 254
_Kind: Final = NotificationChannel.Kind


class ChannelAddressRefused(ValueError):
    """No channel can have this address. The message, a `Wording`, is for the person."""


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """An address that a channel can have."""

    text: str
    shown: str
    """As pages show it, without secrets."""


def checked_address(kind: str, text: str) -> CheckedAddress:
    """The address that a person typed. Raises `ChannelAddressRefused`, also for a kind whose addresses nobody types."""
    check = _CHECKS.get(kind)
    if check is None:
        raise ChannelAddressRefused(Wording("Choose how to be told."))
    try:
        return check(check_storable_text(text.strip()))
    except ChannelAddressRefused:
        raise
    except ValueError as error:
        raise ChannelAddressRefused(Wording("It has a character that cannot be stored.")) from error


def _mailbox(text: str) -> CheckedAddress:
    fault = ChannelAddressRefused(Wording("Type an e-mail address such as ada@example.org."))
    if len(text) > MAX_EMAIL_CHARS:
        raise fault
    try:
        validate_email(text)
    except ValidationError as error:
        raise fault from error
    return CheckedAddress(text, text)


def _service(text: str) -> CheckedAddress:
    if len(text) > MAX_ADDRESS_CHARS:
        raise ChannelAddressRefused(Wording("At most %(most)s characters.", most=MAX_ADDRESS_CHARS))
    if (fault := apprise_fault(text)) is not None:
        raise ChannelAddressRefused(fault)
    return CheckedAddress(text, shown_apprise(text))


_CHECKS: Final[dict[str, Callable[[str], CheckedAddress]]] = {_Kind.EMAIL: _mailbox, _Kind.APPRISE: _service}
TYPED_KINDS: Final = tuple(_CHECKS)
"""Kinds whose addresses people type."""
