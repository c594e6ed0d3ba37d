"""`manage.py webhooks`: lists webhooks and their events, sends events again, pauses and resumes."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, Q, QuerySet

from runs.engine import control
from runs.engine.control import WebhookRefused
from runs.management.commands.serve import prepare_database
from runs.models import Webhook, WebhookEvent
from runs.models.as_json import as_utc

BAD_ARGUMENTS = 2
MOST_LISTED = 50


class Command(BaseCommand):
    """What an operator does with the webhooks of everybody. The processes of the site send, not this one."""

    help = (
        "List webhooks and their events, send events again, pause and resume. The site's processes send within a "
        "second. Exit code: 0 done, 1 refused, 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="all webhooks, or those of one person")
        listing.add_argument("--user", metavar="NAME", default="", help="only this person's")
        events = actions.add_parser("events", help=f"the last events of a webhook, at most {MOST_LISTED}")
        events.add_argument("webhook", metavar="WEBHOOK", help="its id")
        events.add_argument("--state", choices=WebhookEvent.State.values, default="", help="only those in this state")
        resend = actions.add_parser("resend", help="send events again, with their webhook-id")
        resend.add_argument("events", nargs="*", metavar="EVENT", help="ids, as `events` lists them")
        resend.add_argument("--failed", metavar="WEBHOOK", default="", help="all failed events of this webhook")
        for name, words in _ON_ONE.items():
            actions.add_parser(name, help=words).add_argument("webhook", metavar="WEBHOOK", help="its id")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do the action."""
        prepare_database()
        match action:
            case "list":
                self._list(options["user"])
            case "events":
                self._list_events(_webhook(options["webhook"]), options["state"])
            case "resend":
                self._resend(options["events"], options["failed"])
            case _:
                self._do(action, _webhook(options["webhook"]))

    def _list(self, user: str) -> None:
        webhooks = Webhook.objects.select_related("user").order_by("user__username", "name", "pk")
        if user:
            webhooks = webhooks.filter(user__username=user)
        counted = webhooks.annotate(
            waiting=Count("events", Q(events__state=WebhookEvent.State.PENDING)),
            failed=Count("events", Q(events__state=WebhookEvent.State.FAILED)),
        )
        for each in counted:
            waiting, failed = each.waiting, each.failed  # type: ignore[attr-defined]  # of the annotation above
            state = f"{each.state} ({each.disabled_because})" if each.disabled_because else each.state
            # Without the address's query, which may be a secret.
            where = each.url.partition("?")[0]
            self.stdout.write(
                f"{each.pk}  {state}  {waiting} waiting, {failed} failed  {each.user.get_username()}  "
                f"{_one_line(each.name)}  {where}"
            )

    def _list_events(self, webhook: Webhook, state: str) -> None:
        events = WebhookEvent.objects.filter(webhook=webhook).defer("body").order_by("-pk")
        if state:
            events = events.filter(state=state)
        for each in events[:MOST_LISTED]:
            told = f"{each.attempts} attempts, {as_utc(each.created_at)}"
            self.stdout.write(f"{each.uid}  {each.state}  {each.type}  {told}  {each.run_id or ''}".rstrip())

    def _resend(self, named: list[str], failed_of: str) -> None:
        if bool(named) == bool(failed_of):
            raise CommandError("Name events, or give --failed.", returncode=BAD_ARGUMENTS)
        refused = 0
        for uid in _uids(named) if named else _failed(_webhook(failed_of)):
            try:
                event = control.resend_event(uid, by=None)
            except WebhookRefused as error:
                refused += 1
                self.stderr.write(f"{uid}: {error}")
            except WebhookEvent.DoesNotExist as error:
                raise CommandError(f"There is no event {uid}.", returncode=BAD_ARGUMENTS) from error
            else:
                self.stdout.write(f"{uid}  {event.state}")
        if refused:
            raise CommandError(f"{refused} not sent again.")

    def _do(self, action: str, webhook: Webhook) -> None:
        try:
            match action:
                case "pause":
                    told = control.pause_webhook(webhook.pk, by=None).state
                case "resume":
                    told = control.resume_webhook(webhook.pk, by=None).state
                case _:
                    told = str(control.try_webhook(webhook.pk, by=None).uid)
        except WebhookRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(told)


_ON_ONE: Final = {
    "pause": "send nothing, and note nothing of what happens meanwhile",
    "resume": "activate a paused or disabled webhook",
    "test": "send a test; prints the id of its event",
}


def _failed(webhook: Webhook) -> "QuerySet[WebhookEvent, UUID]":
    failed = WebhookEvent.objects.filter(webhook=webhook, state=WebhookEvent.State.FAILED)
    return failed.order_by("pk").values_list("uid", flat=True)


def _uids(named: Iterable[str]) -> list[UUID]:
    return [_uuid(name.removeprefix("evt_"), "an event") for name in named]


def _webhook(name: str) -> Webhook:
    webhook = Webhook.objects.filter(pk=_uuid(name, "a webhook")).first()
    if webhook is None:
        raise CommandError(f"There is no webhook {name}.", returncode=BAD_ARGUMENTS)
    return webhook


def _uuid(name: str, what: str) -> UUID:
    try:
        return UUID(name)
    except ValueError as error:
        raise CommandError(f"{name!r} is not the id of {what}.", returncode=BAD_ARGUMENTS) from error


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
