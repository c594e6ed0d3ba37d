"""`manage.py triggers`: lists triggers and their deliveries, pauses and resumes triggers, and replays deliveries."""

from argparse import ArgumentParser
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from runs.agent.text import counted
from runs.agent.visible_text import exact
from runs.agent.wording import read_parts
from runs.engine import control
from runs.management.commands.serve import prepare_database
from runs.models import Delivery, Trigger

BAD_ARGUMENTS: Final = 2
SHOWN: Final = 50
"""Deliveries that are listed without --limit."""


class Command(BaseCommand):
    """Beside a running server: what it launches, the server hosts."""

    help = (
        "List triggers and their deliveries, pause or resume a trigger, or replay a delivery. "
        "Exit code: 0 done, 1 not launched, 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all triggers, with their owners")
        log = actions.add_parser("deliveries", help="the deliveries to a trigger, newest first")
        log.add_argument("trigger", help="its name or id")
        log.add_argument("--limit", type=int, default=SHOWN, help=f"how many (default: {SHOWN})")
        for verb, words in (("pause", "launch nothing, and keep what comes"), ("resume", "launch again from now on")):
            actions.add_parser(verb, help=words).add_argument("trigger", help="its name or id")
        actions.add_parser("replay", help="a new delivery of an earlier one").add_argument("delivery", help="its id")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do it."""
        prepare_database()
        match action:
            case "list":
                self._list()
            case "deliveries":
                self._deliveries(_trigger(options["trigger"]), options["limit"])
            case "replay":
                self._replay(options["delivery"])
            case _:
                change = control.pause_trigger if action == "pause" else control.resume_trigger
                trigger = change(_trigger(options["trigger"]).pk, by=None)
                self.stdout.write(f"{exact(trigger.name)}: {'paused' if trigger.is_paused else 'active'}")

    def _list(self) -> None:
        found = Trigger.objects.select_related("user", "agent", "template").order_by("name", "pk")
        for each in found:
            agent = "(deleted)" if each.agent is None else exact(each.agent.name)
            state = "paused" if each.is_paused else "active"
            about = (str(each.pk), state, each.scheme, each.user.get_username(), agent, exact(each.name))
            self.stdout.write("\t".join(about))
        self.stderr.write(counted(len(found), "trigger"))

    def _deliveries(self, trigger: Trigger, limit: int) -> None:
        found = trigger.deliveries.defer("payload", "headers").order_by("-pk")[: max(limit, 0)]
        for each in found:
            self.stdout.write("\t".join((str(each.uid), each.received_at.isoformat(), _told(each))))

    def _replay(self, text: str) -> None:
        try:
            delivery = control.replay(UUID(text), by=None)
        except ValueError as error:  # no id, or a `ReplayRefused`
            raise CommandError(str(error), returncode=BAD_ARGUMENTS) from error
        except Delivery.DoesNotExist as error:
            raise CommandError(f"There is no delivery {text}.", returncode=BAD_ARGUMENTS) from error
        self.stdout.write(f"{delivery.uid}\t{_told(delivery)}")
        if delivery.state in Delivery.FAILED:
            raise CommandError("Nothing was launched.", returncode=1)


def _trigger(text: str) -> Trigger:
    try:
        found = list(Trigger.objects.filter(pk=UUID(text))[:2])
    except ValueError:
        found = list(Trigger.objects.filter(name=text)[:2])
    if len(found) != 1:
        words = "There is no trigger" if not found else "More than one trigger is called"
        raise CommandError(f"{words} {text!r}.", returncode=BAD_ARGUMENTS)
    return found[0]


def _told(delivery: Delivery) -> str:
    reason = exact(" ".join(each.words() for each in read_parts(delivery.reason)))
    run = "" if delivery.run_id is None else str(delivery.run_id)
    return "\t".join(filter(None, (delivery.state, run, exact(delivery.event), reason)))
