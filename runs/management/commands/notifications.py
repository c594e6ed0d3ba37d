"""`manage.py notifications`: lists rules and channels, tries a channel, and sends deliveries again."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from runs.engine.control.notification_channels import NotificationRefused, resend_delivery, try_channel
from runs.management.commands.serve import prepare_database
from runs.models import NotificationChannel, NotificationDelivery, NotificationRule
from runs.models.as_json import as_utc

BAD_ARGUMENTS = 2
MOST_LISTED = 50


class Command(BaseCommand):
    """What an operator does with the notifications of everybody. The processes of the site send, not this one."""

    help = (
        "List rules, channels and deliveries, send a test, send deliveries again. The site's processes send within a "
        "second. Exit code: 0 done, 1 refused, 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        for name, words in (("rules", "all rules"), ("channels", "all channels, without their addresses")):
            listing = actions.add_parser(name, help=words)
            listing.add_argument("--user", metavar="NAME", default="", help="only this person's")
        deliveries = actions.add_parser("deliveries", help=f"the last deliveries of a channel, at most {MOST_LISTED}")
        deliveries.add_argument("id", metavar="CHANNEL", help="its id")
        actions.add_parser("test", help="send a test").add_argument("id", metavar="CHANNEL", help="its id")
        actions.add_parser("resend", help="send again").add_argument("id", metavar="DELIVERY", help="its id")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do the action."""
        prepare_database()
        match action:
            case "rules":
                self._list_rules(options["user"])
            case "channels":
                self._list_channels(options["user"])
            case "deliveries":
                self._list_deliveries(_uuid(options["id"]))
            case _:
                self._send(action, _uuid(options["id"]))

    def _list_rules(self, user: str) -> None:
        rules = NotificationRule.objects.select_related("user").order_by("user__username", "name", "pk")
        for each in rules.filter(user__username=user) if user else rules:
            state, scope = "on" if each.is_active else "off", "everybody" if each.is_for_all else "own"
            told = f"{each.pk}  {state}  {scope}  {','.join(each.events)}  {each.waits_over_s} s"
            self.stdout.write(f"{told}  {each.user.get_username()}  {_one_line(each.name)}")

    def _list_channels(self, user: str) -> None:
        channels = NotificationChannel.objects.select_related("user").order_by("user__username", "name", "pk")
        for each in channels.filter(user__username=user) if user else channels:
            state = f"{each.state} ({each.disabled_because})" if each.disabled_because else each.state
            told = f"{each.pk}  {each.kind}  {state}  {each.user.get_username()}  {_one_line(each.name)}"
            self.stdout.write(f"{told}  {each.last_error}".rstrip())

    def _list_deliveries(self, channel_id: UUID) -> None:
        found = NotificationDelivery.objects.filter(channel=channel_id).select_related("notification")
        for each in found.order_by("-pk")[:MOST_LISTED]:
            told = f"{each.attempts} attempts, {as_utc(each.notification.created_at)}"
            self.stdout.write(f"{each.uid}  {each.state}  {each.notification.event}  {told}  {each.error}".rstrip())

    def _send(self, action: str, named: UUID) -> None:
        try:
            sent = try_channel(named, by=None) if action == "test" else resend_delivery(named, by=None)
        except NotificationRefused as error:
            raise CommandError(str(error)) from error
        except (NotificationChannel.DoesNotExist, NotificationDelivery.DoesNotExist) as error:
            raise CommandError(f"There is no {named}.", returncode=BAD_ARGUMENTS) from error
        self.stdout.write(str(sent.uid))


def _uuid(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError as error:
        raise CommandError(f"{name!r} is not an id.", returncode=BAD_ARGUMENTS) from error


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
