"""Decisions by buttons in Slack: who pressed one, what it asks, and what becomes of it."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import PermissionDenied

from runs.agent.wording import Wording
from runs.engine.control.approval_grace import GRACE_S
from runs.engine.control.approvals import approve, deny
from runs.engine.control.decision_links import lifetime
from runs.engine.control.decision_log import DecisionRefused
from runs.engine.notifications.channels.slack_blocks import APPROVE, read_button
from runs.engine.notifications.slack_updates import refresh
from runs.models import NotificationChannel, SlackAccount, Surface, ToolCall

ACCOUNT_SALT: Final = "agentsite.slack-accounts"
LINK_LIFETIME_S: Final = 900
MAX_NAME_CHARS: Final = 80
NOT_LINKED: Final = Wording.paragraph(
    Wording("This Slack account is not linked to an account of Agentsite, so nothing was decided."),
    Wording("Link it here, or have your account of Agentsite given the e-mail address that you have in Slack."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A press of a button, as Slack tells it."""

    slack_id: str
    """Slack's id of who pressed."""
    slack_name: str
    slack_channel: str
    ts: str
    """The message."""
    value: str
    """Of the button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What became of a press."""

    told: Wording | None = None
    """What only who pressed is told; None if the message says it all."""
    link_token: str = ""
    """Signed, for the page where the person says whose account it is; empty if that is known."""


def press(channel: NotificationChannel, pressed: Press, *, email: str = "") -> Pressed:
    """Decide as the person whose account pressed: who has linked it, or who alone has its `email`. Nothing is decided
    for an account that is nobody's here."""
    found = _linked(channel, pressed) or _known_by_email(channel, pressed, email)
    if found is None or not found.may_decide_here:
        return Pressed(
            told=NOT_LINKED,
            link_token=signing.dumps(
                [str(channel.pk), pressed.slack_id, pressed.slack_name[:MAX_NAME_CHARS]], salt=ACCOUNT_SALT
            ),
        )
    try:
        call_id, shown, action = read_button(pressed.value, max_age=lifetime())
    except signing.SignatureExpired:
        return Pressed(told=Wording("This button has expired. The inbox of Agentsite has what still waits."))
    except (signing.BadSignature, ValueError):
        return Pressed(told=Wording("This button is not one of Agentsite."))
    try:
        return Pressed(told=_decide(UUID(hex=call_id), shown, action, by=found.user))
    finally:
        refresh(channel.pk, pressed.slack_channel, pressed.ts)


def _linked(channel: NotificationChannel, pressed: Press) -> SlackAccount | None:
    accounts = SlackAccount.objects.select_related("user", "channel__user")
    return accounts.filter(channel=channel, slack_id=pressed.slack_id).first()


def _known_by_email(channel: NotificationChannel, pressed: Press, email: str) -> SlackAccount | None:
    """The account of the one person who has the address; it is not stored, so it holds as long as the address does."""
    people = list(get_user_model().objects.filter(email__iexact=email, is_active=True)[:2]) if email else []
    if len(people) != 1:
        return None
    return SlackAccount(channel=channel, slack_id=pressed.slack_id, slack_name=pressed.slack_name, user=people[0])


def _decide(call_id: UUID, shown: str, action: str, *, by: Any) -> Wording | None:
    """None if it is decided; else why not, with who was first."""
    about: dict[str, Any] = {"by": by, "arguments_hash": shown, "surface": Surface.SLACK}
    try:
        if action == APPROVE:
            approve(call_id, **about, grace_s=GRACE_S)
        else:
            deny(call_id, **about)
    except ToolCall.DoesNotExist:
        return Wording("This call is gone.")
    except PermissionDenied:
        return Wording("Your account of Agentsite may not decide about this call.")
    except DecisionRefused as refused:
        told = refused.args[0]
        return told if isinstance(told, Wording) else Wording("It cannot be decided now.")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """An account of Slack that asks to be linked."""

    channel: NotificationChannel
    slack_id: str
    slack_name: str


def link_request(token: str) -> LinkRequest:
    """What the token asks. Raises `signing.BadSignature`, also for one that has expired, and
    `NotificationChannel.DoesNotExist`."""
    channel_id, slack_id, slack_name = signing.loads(token, salt=ACCOUNT_SALT, max_age=LINK_LIFETIME_S)
    channel = NotificationChannel.objects.select_related("user").get(pk=channel_id)
    return LinkRequest(channel=channel, slack_id=slack_id, slack_name=slack_name)


def link_account(asked: LinkRequest, *, user: Any) -> SlackAccount | None:
    """Link the account to the user. None if it is another person's already, or may not decide here."""
    account = SlackAccount(channel=asked.channel, slack_id=asked.slack_id, slack_name=asked.slack_name, user=user)
    if not account.may_decide_here:
        return None
    found, _ = SlackAccount.objects.get_or_create(
        channel=asked.channel, slack_id=asked.slack_id, defaults={"slack_name": asked.slack_name, "user": user}
    )
    return found if found.user_id == user.pk else None
