"""Triggers: made, changed, paused, deleted by their owners, each in one transaction.

None as `by` is the command line, which may do everything. Another person's trigger is `Trigger.DoesNotExist`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from runs.agent.wording import Wording
from runs.engine.control.trigger_checks import SECRET_NEEDED, SECRET_UNFIT, TriggerRefused, TriggerSettings, checked
from runs.engine.sealed_text import SealUnreadable, is_readable, unseal
from runs.engine.triggers.credentials import new_secret, set_secret, set_token
from runs.engine.triggers.signatures import Scheme, is_usable_secret
from runs.models import Delivery, Trigger
from runs.models.signed_address import SECRETS_OVERLAP

MOST_TRIGGERS: Final = 100
"""Of one person."""
DELETED_AT_ONCE: Final = 500
"""Deliveries in one transaction."""


@dataclass(frozen=True, slots=True)
class TriggerCredentials:
    """What can be read only once, when it is made."""

    token: str = ""
    """In the address; empty if it has not changed."""
    secret: str = ""
    """Of signatures; empty if it was given by its owner, has not changed, or there is none."""


def create_trigger(said: TriggerSettings, *, user: Any) -> tuple[Trigger, TriggerCredentials]:
    """A new trigger of `user`, and its credentials. Raises `TriggerRefused` with all faults."""
    trigger = Trigger(user=user)
    faults = checked(trigger, said)
    secret = said.secret.strip()
    if not secret and said.scheme == Scheme.SLACK:
        faults["secret"] = SECRET_NEEDED
    made = "" if secret else new_secret(said.scheme)
    if secret and not is_usable_secret(said.scheme, secret):
        faults["secret"] = SECRET_UNFIT
    if faults:
        raise TriggerRefused(faults)
    set_secret(trigger, "" if said.scheme == Scheme.TOKEN else secret or made)
    token = set_token(trigger)
    with transaction.atomic():
        get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
        if Trigger.objects.filter(user=user).count() >= MOST_TRIGGERS:
            raise TriggerRefused(
                {"": Wording("You have %(most)s triggers, and that is the limit.", most=MOST_TRIGGERS)}
            )
        trigger.save(force_insert=True)
    return trigger, TriggerCredentials(token, made)


def change_trigger(trigger_id: UUID, said: TriggerSettings, *, by: Any) -> tuple[Trigger, TriggerCredentials]:
    """The trigger with these settings; its address and its log stay, and without a new secret the one it has, if the
    scheme can use it. Raises `TriggerRefused` with all faults."""
    trigger = _found(trigger_id, by)
    faults = checked(trigger, said)
    secret, made = said.secret.strip(), ""
    if secret and not is_usable_secret(said.scheme, secret):
        faults["secret"] = SECRET_UNFIT
    elif not secret and not is_usable_secret(said.scheme, _known_secret(trigger)):
        made = new_secret(said.scheme)
        if said.scheme == Scheme.SLACK:
            faults["secret"] = SECRET_NEEDED
    if faults:
        raise TriggerRefused(faults)
    with transaction.atomic():
        now = _locked(trigger_id, by)
        # Credentials and pause are changed by others meanwhile.
        for name in ("token_hash", "token_prefix", "secret", "old_secret", "old_secret_until", "paused_at"):
            setattr(trigger, name, getattr(now, name))
        if secret or made:
            set_secret(trigger, secret or made)
        elif not is_usable_secret(said.scheme, _known_secret(trigger)):
            raise TriggerRefused({"secret": SECRET_UNFIT})  # Another request has changed the scheme meanwhile.
        if said.scheme == Scheme.TOKEN:
            set_secret(trigger, "")
            trigger.old_secret, trigger.old_secret_until = "", None
        trigger.save()
    return trigger, TriggerCredentials(secret=made)


@transaction.atomic
def pause_trigger(trigger_id: UUID, *, by: Any) -> Trigger:
    """Launch nothing: deliveries are kept, and a person may replay them."""
    return _set_paused(trigger_id, timezone.now(), by)


@transaction.atomic
def resume_trigger(trigger_id: UUID, *, by: Any) -> Trigger:
    """Launch again from now on. What came meanwhile stays as it is."""
    return _set_paused(trigger_id, None, by)


@transaction.atomic
def rotate_trigger_token(trigger_id: UUID, *, by: Any) -> TriggerCredentials:
    """A new address. The old one is unknown from now on."""
    trigger = _locked(trigger_id, by)
    token = set_token(trigger)
    trigger.save(update_fields=["token_hash", "token_prefix", "updated_at"])
    return TriggerCredentials(token=token)


@transaction.atomic
def rotate_trigger_secret(trigger_id: UUID, *, secret: str = "", keeps_old: bool, by: Any) -> TriggerCredentials:
    """A new secret: the given one, or a random one. `keeps_old`: the one before is good for `SECRETS_OVERLAP` more,
    if it can be read.

    Raises `TriggerRefused` if there is none to rotate, or the given one does not fit.
    """
    trigger, secret = _locked(trigger_id, by), secret.strip()
    if trigger.scheme == Scheme.TOKEN:
        raise TriggerRefused({"secret": Wording("This trigger has no secret: its address proves its requests.")})
    if not secret and trigger.scheme == Scheme.SLACK:
        raise TriggerRefused({"secret": SECRET_NEEDED})
    if secret and not is_usable_secret(trigger.scheme, secret):
        raise TriggerRefused({"secret": SECRET_UNFIT})
    made = "" if secret else new_secret(trigger.scheme)
    keeps_old = keeps_old and is_readable(trigger.secret)
    trigger.old_secret = trigger.secret if keeps_old else ""
    trigger.old_secret_until = timezone.now() + SECRETS_OVERLAP if keeps_old else None
    set_secret(trigger, secret or made)
    trigger.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
    return TriggerCredentials(secret=made)


def delete_trigger(trigger_id: UUID, *, by: Any) -> None:
    """Delete the trigger with its log. Its runs stay."""
    # Nothing comes any more: nobody knows the new address.
    rotate_trigger_token(trigger_id, by=by)
    while _delete_deliveries(trigger_id):
        pass
    with transaction.atomic():
        _locked(trigger_id, by).delete()


def _set_paused(trigger_id: UUID, at: datetime | None, by: Any) -> Trigger:
    trigger = _locked(trigger_id, by)
    if trigger.is_paused != (at is not None):
        trigger.paused_at = at
        trigger.save(update_fields=["paused_at"])
    return trigger


def _known_secret(trigger: Trigger) -> str:
    try:
        return unseal(trigger.secret) if trigger.secret else ""
    except SealUnreadable:
        return ""


def _found(trigger_id: UUID, by: Any) -> Trigger:
    return Trigger.objects.get(pk=trigger_id) if by is None else Trigger.objects.get(pk=trigger_id, user=by)


def _locked(trigger_id: UUID, by: Any) -> Trigger:
    """The trigger, whose row is locked; its key stays free for new deliveries."""
    triggers = Trigger.objects.select_for_update(no_key=True)
    return triggers.get(pk=trigger_id) if by is None else triggers.get(pk=trigger_id, user=by)


@transaction.atomic
def _delete_deliveries(trigger_id: UUID) -> bool:
    """Delete some deliveries. False if none was left."""
    some = Delivery.objects.filter(trigger=trigger_id).order_by().values_list("pk", flat=True)[:DELETED_AT_ONCE]
    deleted, _per_model = Delivery.objects.filter(pk__in=list(some)).delete()
    return bool(deleted)
