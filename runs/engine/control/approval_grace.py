"""The grace of an approval: for some seconds an approved call does not run yet, and its approval can be taken back.

The grace is in the call's row (`undo_until`, by the database's clock). The run stays parked meanwhile, so that no host
can claim it; a sweep of any host queues it when the last grace of its turn is over. A process that dies in the grace
leaves nothing behind that another one needs.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from runs.agent.payloads.steps import DecisionPayload
from runs.agent.step_sentences import UNDONE
from runs.agent.wording import Wording
from runs.engine.control.decision_log import DecisionRefused, check_run, go_on_if_decided, locked, stands
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of, place_of
from runs.engine.db_clock import database_now
from runs.engine.recording.canonical_json import arguments_hash as hash_of
from runs.models import Run, Step, ToolCall
from runs.models.permissions import may_decide
from runs.models.tool_call import LONGEST_GRACE, is_in_grace

GRACE_S: Final = 5.0
"""The grace that pages give the approval of an unsafe call. A host learns of it by its sweep: a grace that is shorter
than the interval of the sweeps may end that much later."""
LEAST_TIME_LEFT: Final = timedelta(minutes=1)
"""A call that is asked about again after its approval was taken back has at least this long until its deadline."""
MAX_GRACES_A_SWEEP: Final = 500


@transaction.atomic
def undo_approval(call_id: UUID | str, *, by: Any) -> ToolCall:
    """Take an approval back in its grace: the call waits for a decision again, with the model's arguments.

    Only the person who approved it may. Returns the call. Raises `DecisionRefused`, `PermissionDenied` and
    `ToolCall.DoesNotExist`.
    """
    run, call = locked(call_id)
    check_may(may_decide, by, run)
    check_run(run, call)
    if call.state != ToolCall.State.APPROVED or call.decided_by_id != getattr(by, "pk", None):
        raise DecisionRefused("already_decided", stands(call), call)
    now = database_now()
    is_parked = run.owner is None and run.waiting_for in Run.ASKING
    if not is_parked or call.undo_until is None or _is_over(call.undo_until, now):
        too_late = Wording.paragraph(Wording("It is too late to undo this."), stands(call))
        raise DecisionRefused("too_late", too_late, call)
    _ask_again(call, now)
    words = UNDONE.made(name=name_of(by), tool=call.tool_name)
    undone = DecisionPayload(decision="undone", by=name_of(by), reason="")
    add_step(run, Step.Kind.APPROVAL, words, undone, tool_input=call.arguments, **place_of(call))
    go_on_if_decided(run)
    return call


def _ask_again(call: ToolCall, now: datetime) -> None:
    if call.proposed_arguments is not None:
        call.arguments, call.arguments_hash = call.proposed_arguments, hash_of(call.proposed_arguments)
    if call.expires_at is not None:
        call.expires_at = max(call.expires_at, now + LEAST_TIME_LEFT)
    call.state, call.proposed_arguments, call.undo_until = ToolCall.State.AWAITING_APPROVAL, None, None
    call.decided_by, call.decided_at, call.decision_reason, call.surface = None, None, "", ""
    call.save()


def end_graces() -> float | None:
    """Queue the runs whose last grace is over. Returns the seconds until the next grace ends; None if there is none."""
    graces = ToolCall.objects.filter(undo_until__isnull=False).order_by("undo_until")
    rows = list(graces.values_list("run_id", "undo_until")[:MAX_GRACES_A_SWEEP])
    if not rows:
        return None
    now = database_now()
    for run_id in dict.fromkeys(run_id for run_id, until in rows if until is not None and _is_over(until, now)):
        _end_graces_in(run_id)
    ends = (until for _, until in rows if until is not None and not _is_over(until, now))
    return next(((until - now).total_seconds() for until in ends), None)


def _is_over(until: datetime, now: datetime) -> bool:
    return until <= now or until > now + LONGEST_GRACE


@transaction.atomic
def _end_graces_in(run_id: UUID) -> None:
    # Every host sweeps at the end of a grace: those that come second have nothing to do.
    run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id).first()
    if run is None or not run.calls.filter(~is_in_grace(), undo_until__isnull=False).update(undo_until=None):
        return
    if run.waiting_for in Run.ASKING and run.cancel_requested_at is None:
        go_on_if_decided(run)
