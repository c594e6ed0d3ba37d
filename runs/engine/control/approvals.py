"""Approvals: a person decides whether a tool call may run; after the deadline the agent's rules decide."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.agent import step_sentences
from runs.agent.errors import call_sentences as sentences
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import check_storable_json
from runs.agent.payloads.steps import ArgumentChange, DecisionPayload
from runs.agent.redaction.redactor import Redactor
from runs.agent.text import call_text
from runs.agent.tools.toolbox import Toolbox
from runs.agent.tools.validation import validated
from runs.agent.wording import Wording
from runs.engine.control.decision_log import (
    DecisionRefused,
    add_result,
    check_run,
    go_on_if_decided,
    locked,
    record,
    stands,
    without_secrets,
)
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import name_of
from runs.engine.db_clock import database_now
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.recording.canonical_json import arguments_hash as hash_of
from runs.engine.recording.canonical_json import changes
from runs.models import Agent, Run, Surface, ToolCall
from runs.models.permissions import may_decide

MAX_EXPIRED_A_SWEEP = 500


def approve(
    call_id: UUID | str,
    *,
    by: Any,
    arguments_hash: str,
    arguments: JsonObject | None = None,
    reason: str = "",
    grace_s: float = 0,
    surface: Surface | None = None,
) -> ToolCall:
    """Let a call run, with `arguments` instead of the model's if they are given. Returns the decided call.

    `arguments_hash` is that of the arguments the person was shown. `by` None means the command line. An unsafe call
    does not run before `grace_s`, at most 60, have passed, in which `undo_approval` takes the approval back.
    `surface` is where the person decided, for those who come second.
    Raises `DecisionRefused`; `InvalidArguments` or `UnknownTool` (both `ValueError`) if the new arguments do not fit
    the tool; `PermissionDenied` if `by` may not decide about calls of this run; and `ToolCall.DoesNotExist`.
    """
    return _decide(
        call_id,
        arguments_hash,
        by,
        lambda run, call: _approve(
            run, call, by=by, arguments=arguments, reason=reason, grace_s=grace_s, where=surface or ""
        ),
    )


def deny(
    call_id: UUID | str, *, by: Any, arguments_hash: str, reason: str = "", surface: Surface | None = None
) -> ToolCall:
    """Do not let a call run. Returns the decided call. The model reads the denial and the reason, and continues.

    Parameters and errors as of `approve`.
    """
    return _decide(
        call_id,
        arguments_hash,
        by,
        lambda run, call: _deny(run, call, by=name_of(by), user=by, reason=reason, where=surface or ""),
    )


def expire_approvals() -> int:
    """Decide the approvals whose deadline has passed, as each run's agent says. Returns their number."""
    late = ToolCall.objects.filter(state=ToolCall.State.AWAITING_APPROVAL, expires_at__lte=Now())
    parked = late.filter(run__status=Run.Status.WAITING, run__waiting_for__in=Run.ASKING)
    waiting = parked.filter(run__cancel_requested_at__isnull=True).order_by("expires_at")
    runs = dict.fromkeys(waiting.values_list("run_id", flat=True)[:MAX_EXPIRED_A_SWEEP])
    return sum(_expire_in(run_id) for run_id in runs)


@transaction.atomic
def _expire_in(run_id: UUID) -> int:
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.cancel_requested_at is not None or run.waiting_for not in Run.ASKING:
        return 0
    late = list(run.calls.filter(state=ToolCall.State.AWAITING_APPROVAL, expires_at__lte=Now()))
    _expire(run, late)
    return len(late)


def _decide(call_id: UUID | str, shown_hash: str, by: Any, decision: Any) -> ToolCall:
    """Apply `decision` to the call and return it. An expired call is decided by the agent's rules before the
    refusal."""
    with transaction.atomic():
        run, call = locked(call_id)
        check_may(may_decide, by, run)
        # Who was first is told also when the run has ended since.
        if call.state != ToolCall.State.AWAITING_APPROVAL and call.decided_by is not None:
            raise DecisionRefused("already_decided", stands(call), call)
        check_run(run, call)
        if call.state != ToolCall.State.AWAITING_APPROVAL:
            raise DecisionRefused("already_decided", stands(call), call)
        if run.waiting_for not in Run.ASKING:
            raise DecisionRefused("not_waiting", Wording("The run does not wait for an approval."), call)
        is_late = call.expires_at is not None and call.expires_at <= database_now()
        if is_late:
            _expire(run, [call])
        elif call.arguments_hash != shown_hash:
            words = Wording("The arguments are not those that were shown.")
            raise DecisionRefused("arguments_changed", words, call)
        else:
            decision(run, call)
            go_on_if_decided(run)
    if is_late:
        raise DecisionRefused("expired", Wording.paragraph(Wording("It was too late."), stands(call)), call)
    return call


def _approve(
    run: Run, call: ToolCall, *, by: Any, arguments: JsonObject | None, reason: str, grace_s: float, where: str
) -> None:
    changed: tuple[ArgumentChange, ...] = ()
    if arguments is not None and hash_of(arguments) != call.arguments_hash:
        _check_arguments(run, call, arguments)
        changed = tuple(ArgumentChange(**each) for each in changes(call.arguments, arguments))
        call.proposed_arguments = call.arguments
        call.arguments, call.arguments_hash = arguments, hash_of(arguments)
    call.state = ToolCall.State.APPROVED
    if grace_s > 0 and call.effect == ToolCall.Effect.UNSAFE:
        call.undo_until = database_now() + timedelta(seconds=grace_s)
    sentence = step_sentences.APPROVED_CHANGED if changed else step_sentences.APPROVED
    words = sentence.made(name=name_of(by), call=call_text(call.tool_name, call.arguments))
    reason = without_secrets(reason)
    decided = DecisionPayload(decision="approved", by=name_of(by), reason=reason, changes=changed, surface=where)
    record(run, call, words, decided, user=by)


def _deny(run: Run, call: ToolCall, *, by: str | None, user: Any, reason: str, where: str = "") -> None:
    """Record the denial and the result the model reads. `by` None: the deadline passed without a decision."""
    reason = without_secrets(reason)
    call.state = ToolCall.State.DENIED
    tool = {"tool": call.tool_name}
    words = step_sentences.DENIED.made(name=by, **tool) if by else step_sentences.DENIED_BY_RULE.made(**tool)
    record(run, call, words, DecisionPayload(decision="denied", by=by, reason=reason, surface=where), user=user)
    told = sentences.DENIED.made() if by else sentences.NOT_APPROVED.made()
    told = sentences.DENIED_BECAUSE.made(message=reason) if by and reason else told
    failed = {"severity": "warning", "recoverable": False, "suggested_action": sentences.APPROVE_LATER.made()}
    add_result(run, call, told, by=by, code="denied", **failed)


def _expire(run: Run, calls: Iterable[ToolCall]) -> None:
    approves = run.config.get("on_approval_expiry") == Agent.OnExpiry.APPROVE
    for call in calls:
        if approves:
            call.state = ToolCall.State.APPROVED
            words = step_sentences.APPROVED_BY_RULE.made(tool=call.tool_name)
            record(run, call, words, DecisionPayload(decision="approved", by=None, reason=""), user=None)
        else:
            _deny(run, call, by=None, user=None, reason="")
    go_on_if_decided(run)


def _check_arguments(run: Run, call: ToolCall, arguments: JsonObject) -> None:
    check_storable_json(arguments)
    if Redactor(known_secrets()).value(arguments) != arguments:
        raise ValueError(
            Wording("There is a secret in the arguments. Secrets are not stored, so the call could not run.")
        )
    validated(Toolbox.of_registered(run.config.get("tools")).get(call.tool_name), arguments)
