"""Deliveries: what a request to a trigger brought, and what came of it, in one transaction with the run it launches."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from runs.agent.task_templates.places import read_task
from runs.agent.task_templates.values import InputsRefused, checked_values
from runs.agent.wording import SAID, Wording, said_in
from runs.engine.control.agent_changes import AgentRefused
from runs.engine.control.ceilings import OverrideRefused
from runs.engine.control.launch import launch
from runs.engine.control.template_launch import filled_in_bounds, launch_template
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.engine.operations import fault_points
from runs.engine.triggers.launch_inputs import inputs_of_trigger
from runs.engine.triggers.mapping import FILTER, Mapped, MappingBusy, mapped
from runs.engine.triggers.payloads import Received
from runs.models import Delivery, Run, Trigger

MOST_PAYLOADS: Final = 200
"""Of one trigger, the newest: older deliveries stay in the log without their payloads."""
MOST_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
"""Of one trigger, together."""
MOST_DELIVERIES: Final = 10_000
"""Of one trigger. They are counted after one delivery in `LOOKED_EVERY`, by chance."""
LOOKED_EVERY: Final = 100
_REFUSALS: Final = (
    *(PermissionDenied, AgentRefused, OverrideRefused),
    *(DocumentRefused, DailyLimitReached, TooManyLaunches),
)


class ReplayRefused(ValueError):
    """The delivery is not replayed. The message is a `Wording`."""


class _NotLaunched(ValueError):
    """Why the trigger launches nothing. The message is a `Wording`."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a delivery."""

    state: Delivery.State
    reason: Wording | None = None
    run: Run | None = None


@transaction.atomic
def deliver(trigger_id: UUID, received: Received, made: Mapped | None) -> tuple[Delivery, bool]:
    """The delivery of a request, and True; or the one before that it repeats, and False.

    `made` is what the trigger's expressions make of it; None for a test of the sender, which launches nothing. Raises
    `Trigger.DoesNotExist`.
    """
    # The lock lets simultaneous requests find each other.
    trigger = Trigger.objects.select_for_update(no_key=True).get(pk=trigger_id)
    now = timezone.now()
    earlier = earlier_delivery(trigger, received, now)
    if earlier is not None:
        Delivery.objects.filter(pk=earlier.pk).update(repeats=F("repeats") + 1)
        return earlier, False
    if made is None:
        outcome = _Outcome(Delivery.State.ANSWERED)
    elif trigger.is_paused:
        outcome = _Outcome(Delivery.State.PAUSED)
    else:
        outcome = _outcome(trigger, made)
    delivery = _stored(trigger, outcome, received_at=now, key=received.key, **_columns_of(received))
    _forget_old(delivery)
    fault_points.at_commit("delivery")
    return delivery, True


@transaction.atomic
def repeated_delivery(trigger: Trigger, received: Received) -> Delivery | None:
    """The delivery that this request repeats, which counts it; None for a new one."""
    earlier = earlier_delivery(trigger, received, timezone.now())
    if earlier is not None:
        Delivery.objects.filter(pk=earlier.pk).update(repeats=F("repeats") + 1)
    return earlier


def replay(uid: UUID, *, by: Any) -> Delivery:
    """A new delivery with the payload of this one, with the trigger as it is now, also while it is paused. `by` None is
    the command line.

    Raises `Delivery.DoesNotExist`, also for another person's, and `ReplayRefused` if the payload is no longer kept or
    nothing could be evaluated.
    """
    seen = Delivery.objects.all() if by is None else Delivery.objects.visible_to(by)
    earlier = seen.select_related("trigger__template").get(uid=uid)
    if not earlier.payload:
        raise ReplayRefused(Wording("Its payload is no longer kept."))
    root = {"body": earlier.body, "headers": earlier.headers}
    try:
        made = async_to_sync(mapped_by)(earlier.trigger, root)
    except MappingBusy as error:
        raise ReplayRefused(Wording("Too much is going on here at once. Try it again in a moment.")) from error
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update(no_key=True).get(pk=earlier.trigger_id)
        columns = {
            name: getattr(earlier, name) for name in ("headers", "payload", "payload_bytes", "event", "body_hash")
        }
        columns |= {"replay_of": earlier, "replayed_by": by, "received_at": timezone.now()}
        delivery = _stored(trigger, _outcome(trigger, made), **columns)
        _forget_old(delivery)
        fault_points.at_commit("delivery")
    return delivery


async def mapped_by(trigger: Trigger, root: Any) -> Mapped:
    """What the trigger's expressions make of a payload and its headers. Its template has been read. Raises
    `MappingBusy`."""
    return await mapped(trigger.filter, trigger.inputs, inputs_of_trigger(trigger), root)


def earlier_delivery(trigger: Trigger, received: Received, now: datetime) -> Delivery | None:
    """The delivery that this request repeats: one of the same name; without a name, of the same body within the
    trigger's window."""
    found = Delivery.objects.filter(trigger=trigger)
    if received.key:
        return found.filter(key=received.key).first()
    since = now - timedelta(seconds=trigger.window_s)
    return found.filter(body_hash=received.body_hash, key="", replay_of=None, received_at__gt=since).first()


def filled_task(trigger: Trigger, values: Mapping[str, Any]) -> str:
    """The trigger's own task with these values in its places. Raises `InputsRefused`."""
    checked = checked_values(inputs_of_trigger(trigger), values, today=timezone.localdate())
    return filled_in_bounds(read_task(trigger.task), checked)


def told_faults(faults: Mapping[str, Wording]) -> Wording:
    """The faults of inputs and of the filter, each with its place."""
    parts: list[str | Wording] = []
    for name, words in faults.items():
        place = Wording("The filter:") if name == FILTER else Wording("The input %(name)s:", name=name)
        parts += [place, words]
    return Wording.paragraph(*parts)


def _outcome(trigger: Trigger, made: Mapped) -> _Outcome:
    if made.faults:
        return _Outcome(Delivery.State.UNMAPPED, told_faults(made.faults))
    if not made.is_wanted:
        return _Outcome(Delivery.State.FILTERED)
    try:
        with transaction.atomic():
            return _Outcome(Delivery.State.LAUNCHED, run=_launched(trigger, made.values))
    except InputsRefused as refused:
        return _Outcome(Delivery.State.UNMAPPED, told_faults(refused.errors))
    except (_NotLaunched, *_REFUSALS) as refused:
        words = refused.args[0] if refused.args else ""
        return _Outcome(Delivery.State.REFUSED, words if isinstance(words, Wording) else Wording.paragraph(str(words)))


def _launched(trigger: Trigger, values: Mapping[str, Any]) -> Run:
    if trigger.agent is None:
        raise _NotLaunched(Wording("Its agent was deleted."))
    about: dict[str, Any] = {"user": trigger.user, "version": trigger.version, "trigger": trigger}
    if trigger.template is not None:
        return launch_template(template=trigger.template, inputs=values, **about)
    if not trigger.task:
        raise _NotLaunched(Wording("Its template was deleted."))
    return launch(task=filled_task(trigger, values), agent=trigger.agent, **about)


def _columns_of(received: Received) -> dict[str, Any]:
    return {
        "body_hash": received.body_hash,
        "event": received.event,
        "headers": received.headers,
        "payload": json.dumps(received.body, ensure_ascii=False),
        "payload_bytes": received.size,
    }


def _stored(trigger: Trigger, outcome: _Outcome, **columns: Any) -> Delivery:
    reason = said_in(outcome.reason).get(SAID, []) if outcome.reason is not None else []
    return Delivery.objects.create(trigger=trigger, state=outcome.state, reason=reason, run=outcome.run, **columns)


def _forget_old(delivery: Delivery) -> None:
    """Keep the payloads of the newest deliveries of the trigger only, and not all deliveries."""
    newest = Delivery.objects.filter(trigger=delivery.trigger_id).order_by("-pk")
    size, dropped = 0, []
    for number, (pk, payload_bytes) in enumerate(newest.values_list("pk", "payload_bytes")[: MOST_PAYLOADS + 1]):
        size += payload_bytes
        if number >= MOST_PAYLOADS or (number and size > MOST_PAYLOAD_BYTES):
            dropped.append(pk)
    if dropped:
        Delivery.objects.filter(pk__in=dropped).exclude(payload="").update(payload="", headers={})
    # By its random id: the keys of a trigger's rows follow a pattern where several triggers take turns.
    if delivery.uid.int % LOOKED_EVERY == 0:
        old = newest.values_list("pk", flat=True)[MOST_DELIVERIES : MOST_DELIVERIES + 10 * LOOKED_EVERY]
        Delivery.objects.filter(pk__in=list(old)).delete()
