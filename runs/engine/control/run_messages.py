"""Messages of people to a run in progress: it reads them before its next reply."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from runs.agent.json_data.json_values import as_storable_text
from runs.agent.wording import Wording
from runs.engine.control.decision_log import ENDED, without_secrets
from runs.engine.control.permission_checks import check_may
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import announce, tell
from runs.models import Run, RunMessage
from runs.models.permissions import may_steer


class MessageRefused(ValueError):
    """The message was not sent or changed. `message` is its current row, if it has one."""

    def __init__(self, code: str, words: Wording, message: RunMessage | None = None) -> None:
        """`code`: empty, too_long, too_many, key_reused, run_ended, stop_asked, already_read, withdrawn, changed."""
        super().__init__(words)
        self.code = code
        self.message = message


def send_message(
    run_id: UUID | str, *, by: Any, text: str, interrupts: bool = False, key: str | None = None
) -> tuple[RunMessage, bool]:
    """Queue a message, and return it with True; with the `key` of an earlier request of the same person, the message of
    that, and False. Its run reads it before its next reply, or after the decision or resume that it waits for; with
    `interrupts`, the reply in progress ends for it.

    Secrets in the text are hidden. `by` None means the command line. Raises `MessageRefused`, `PermissionDenied`, and
    `Run.DoesNotExist`.
    """
    try:
        with transaction.atomic():
            return _send(run_id, by, _checked(text), interrupts=interrupts, key=key)
    except IntegrityError:
        earlier = _sent_before(run_id, by, key)
        if earlier is None:
            raise
        return earlier, False


def _send(run_id: UUID | str, by: Any, text: str, *, interrupts: bool, key: str | None) -> tuple[RunMessage, bool]:
    run = Run.objects.select_for_update().get(pk=run_id)
    check_may(may_steer, by, run)
    if (earlier := _sent_before(run_id, by, key)) is not None:
        if (earlier.text, earlier.interrupts) != (text, interrupts) and earlier.edited_at is None:
            raise MessageRefused("key_reused", Wording("This key was sent before with something else."), earlier)
        return earlier, False
    _check_open(run)
    if run.queued_messages >= RunMessage.MAX_QUEUED:
        words = Wording(
            "%(count)s messages wait already. Withdraw one, or wait until they are read.", count=RunMessage.MAX_QUEUED
        )
        raise MessageRefused("too_many", words)
    last = run.messages.aggregate(last=Max("position"))["last"] or 0
    message = RunMessage.objects.create(run=run, user=by, position=last + 1, text=text, interrupts=interrupts, key=key)
    run.queued_messages += 1
    if interrupts:
        run.interrupt_requested_at = timezone.now()
    _save(run)
    if run.owner is not None:
        tell(run.owner, run.pk, "run.interrupt" if interrupts else "run.hear")
    return message, True


def edit_message(message_id: UUID | str, *, by: Any, text: str, instead_of: str | None = None) -> RunMessage:
    """Change the text of a message that is not read yet, and return it. With the `text_hash` of the text that it is to
    stand `instead_of`, another change in between is not lost: it is refused. Raises as `send_message`."""
    text = _checked(text)
    with transaction.atomic():
        run, message = _locked(message_id, by)
        _check_queued(message)
        if instead_of is not None and instead_of != text_hash(message.text) and message.text != text:
            raise MessageRefused("changed", Wording("Somebody has changed the message meanwhile."), message)
        if message.text != text:
            message.text, message.edited_at = text, timezone.now()
            message.save(update_fields=["text", "edited_at"])
            _save(run)
    return message


def withdraw_message(message_id: UUID | str, *, by: Any) -> RunMessage:
    """Take back a message that is not read yet, and return it. A second request changes nothing. Raises as
    `send_message`."""
    with transaction.atomic():
        run, message = _locked(message_id, by)
        if message.state == RunMessage.State.WITHDRAWN:
            return message
        _check_queued(message)
        message.state = RunMessage.State.WITHDRAWN
        message.save(update_fields=["state"])
        run.queued_messages -= 1
        if not run.messages.queued().filter(interrupts=True).exists():
            run.interrupt_requested_at = None
        _save(run)
    return message


def text_hash(text: str) -> str:
    """What stands for a text that a person has seen."""
    return sha256(text.encode()).hexdigest()


def stands_of_message(message: RunMessage) -> Wording:
    """A sentence on where the message stands."""
    match message.state:
        case RunMessage.State.READ:
            return Wording("It was read before turn %(n)s.", n=message.read_before_turn or 0)
        case RunMessage.State.WITHDRAWN:
            return Wording("It was withdrawn.")
        case _:
            return Wording("It waits to be read.")


def _checked(text: str) -> str:
    """The text as it is stored. Raises `MessageRefused` for one without a word or beyond the limit."""
    told = as_storable_text(text.replace("\r\n", "\n")).strip()
    if not told:
        raise MessageRefused("empty", Wording("The message has no text."))
    if len(told.encode()) > RunMessage.MAX_BYTES:
        raise MessageRefused(
            "too_long", Wording("A message has at most %(most)s KiB.", most=RunMessage.MAX_BYTES // 1024)
        )
    return without_secrets(told)


def _check_open(run: Run) -> None:
    if run.is_finished:
        raise MessageRefused("run_ended", ENDED[Run.Status(run.status)])
    if run.cancel_requested_at is not None:
        raise MessageRefused("stop_asked", Wording("The run has been asked to stop."))


def _check_queued(message: RunMessage) -> None:
    if message.state != RunMessage.State.QUEUED:
        code = "already_read" if message.state == RunMessage.State.READ else "withdrawn"
        raise MessageRefused(code, stands_of_message(message), message)


def _locked(message_id: UUID | str, by: Any) -> tuple[Run, RunMessage]:
    """The locked run of a message, and the message: whoever reads it locks the run, too."""
    run_id = RunMessage.objects.values_list("run_id", flat=True).get(pk=message_id)
    run = Run.objects.select_for_update().get(pk=run_id)
    check_may(may_steer, by, run)
    return run, RunMessage.objects.select_related("user").get(pk=message_id)


def _sent_before(run_id: UUID | str, by: Any, key: str | None) -> RunMessage | None:
    return None if key is None else RunMessage.objects.filter(run_id=run_id, user=by, key=key).first()


def _save(run: Run) -> None:
    run.messages_changed_at = timezone.now()
    run.save(update_fields=["queued_messages", "interrupt_requested_at", "messages_changed_at"])
    fault_points.at_commit("message")
    announce(run.pk, run.last_sequence)
