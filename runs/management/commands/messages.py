"""`manage.py messages`: what is said to a run in progress."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from runs import markdown
from runs.api.serializers import message_as_json
from runs.engine import control
from runs.management.commands.serve import prepare_database
from runs.management.named_user import user_named
from runs.models import Run, RunMessage

REFUSED, BAD_ARGUMENTS = 1, 2
FROM_STANDARD_INPUT = "-"
_ABOUT_THE_TEXT = ("empty", "too_long")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no id.") from error


class Command(BaseCommand):
    """Works beside a running server, which sees a message within seconds."""

    help = (
        "Send messages to a run in progress, which reads them before its next reply; list, edit and withdraw them. "
        "Exit code: 0 done, 1 refused (the run has ended, the message was read …), 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the four actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="the messages to a run, in order, and where each stands")
        send = actions.add_parser("send", help="send a message to a run; prints its id")
        edit = actions.add_parser("edit", help="change a message that is not read yet")
        withdraw = actions.add_parser("withdraw", help="take back a message that is not read yet")
        for each in (listing, send):
            each.add_argument("run", type=_id, metavar="RUN", help="the id of the run")
        for each in (edit, withdraw):
            each.add_argument("message", type=_id, metavar="MESSAGE", help="the id of the message")
        for each in (send, edit):
            each.add_argument("text", metavar="TEXT", help="at most 32 KiB; - reads it from standard input, as UTF-8")
        send.add_argument("--interrupt", action="store_true", help="end the reply in progress for it")
        for each in (send, edit, withdraw):
            each.add_argument("--user", metavar="NAME", help="who does it (default: the command line)")
        listing.add_argument("--json", action="store_true", help="JSON Lines, as in the API")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do the action. Raises `CommandError`."""
        prepare_database()
        do: dict[str, Callable[..., None]] = {
            "list": self._list,
            "send": self._send,
            "edit": self._edit,
            "withdraw": self._withdraw,
        }
        try:
            do[action](options)
        except Run.DoesNotExist as missing:
            raise _unusable(f"There is no run {options['run']}.") from missing
        except RunMessage.DoesNotExist as missing:
            raise _unusable(f"There is no message {options['message']}.") from missing
        except PermissionDenied as denied:
            raise CommandError(str(denied), returncode=REFUSED) from denied
        except control.MessageRefused as refused:
            code = BAD_ARGUMENTS if refused.code in _ABOUT_THE_TEXT else REFUSED
            raise CommandError(str(refused), returncode=code) from refused

    def _list(self, options: dict[str, Any]) -> None:
        run = Run.objects.get(pk=options["run"])
        for message in run.messages.select_related("run", "user").order_by("position").iterator():
            told = message_as_json(message)
            self.stdout.write(json.dumps(told) if options["json"] else _as_line(message))

    def _send(self, options: dict[str, Any]) -> None:
        message, _is_new = control.send_message(
            options["run"],
            by=user_named(options["user"]),
            text=_text(options["text"]),
            interrupts=options["interrupt"],
        )
        self.stdout.write(str(message.pk))

    def _edit(self, options: dict[str, Any]) -> None:
        control.edit_message(options["message"], by=user_named(options["user"]), text=_text(options["text"]))

    def _withdraw(self, options: dict[str, Any]) -> None:
        control.withdraw_message(options["message"], by=user_named(options["user"]))


def _as_line(message: RunMessage) -> str:
    """`id [state] text`, further lines indented, without control characters for the terminal."""
    text = "\n  ".join(markdown.visible(message.text).splitlines())
    return f"{message.pk} [{_state(message)}] {text}"


def _state(message: RunMessage) -> str:
    if message.state == RunMessage.State.READ:
        return f"read before turn {message.read_before_turn}"
    return "not read" if message.is_left_unread else str(message.state)


def _text(argument: str) -> str:
    if argument != FROM_STANDARD_INPUT:
        return argument
    if sys.stdin is None:
        raise _unusable("Standard input is closed, so there is no message to read from it.")
    # One byte more than a message may have: endless input is not read to its end.
    content = sys.stdin.buffer.read(RunMessage.MAX_BYTES + len("\r\n") + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(content) > RunMessage.MAX_BYTES and error.end >= len(content) - 3:
            return content.decode(errors="replace")  # Cut inside a character: it is refused as too long.
        raise _unusable(f"Standard input is not UTF-8 at byte {error.start + 1:,}.") from error


def _unusable(words: str) -> CommandError:
    return CommandError(words, returncode=BAD_ARGUMENTS)
