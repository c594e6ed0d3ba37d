"""`manage.py notifications`."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from runs.models import NotificationDelivery
from tests.engine.notifications.conftest import mail_channel, rule_of

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("notifications", *arguments, stdout=out)
    return out.getvalue()


def test_rules_and_channels_are_listed_without_addresses(owner: User, other: User) -> None:
    rule, theirs = rule_of(owner, mail_channel(owner), name="Mine"), rule_of(other, name="Theirs")

    rules, of_one, channels = said("rules"), said("rules", "--user", "other"), said("channels")

    assert str(rule.pk) in rules and str(theirs.pk) in rules
    assert "Mine" not in of_one and "Theirs" in of_one
    assert "email  active  owner  Mail" in channels and "example.org" not in channels


def test_a_test_is_sent_listed_and_sent_again(owner: User) -> None:
    channel = mail_channel(owner)

    uid = said("test", str(channel.pk)).strip()
    NotificationDelivery.objects.update(state="failed", error="451", due_at=None)
    listed = said("deliveries", str(channel.pk))
    said("resend", uid)

    assert f"{uid}  failed  channel.test" in listed
    assert NotificationDelivery.objects.get().state == "pending"


@pytest.mark.parametrize(("arguments", "code"), [(("test", "x"), 2), (("resend", "0" * 32), 2)])
def test_what_is_not_there_is_said_so(owner: User, arguments: tuple[str, str], code: int) -> None:
    with pytest.raises(CommandError) as refused:
        said(*arguments)

    assert refused.value.returncode == code


def test_a_test_of_a_paused_channel_is_refused(owner: User) -> None:
    with pytest.raises(CommandError, match="not active"):
        said("test", str(mail_channel(owner, state="paused").pk))
