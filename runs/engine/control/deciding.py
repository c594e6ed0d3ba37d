"""Whether a tool call may run: what a person decides, or the agent's rules where nobody does in time."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.agent.redaction import Redactor
from runs.agent.tools.toolbox import Toolbox
from runs.agent.tools.validation import validated
from runs.agent.wording import call_text
from runs.engine.arguments import arguments_hash as hash_of
from runs.engine.arguments import changes
from runs.engine.control.decisions import (
    DecisionRefused,
    add_result,
    check_run,
    go_on_if_decided,
    locked,
    record,
    stands,
    without_secrets,
)
from runs.engine.control.steps import name_of
from runs.engine.hosts_seen import database_now
from runs.engine.secrets import known_secrets
from runs.models import Agent, Run, ToolCall
from runs.storable import storable_json

MAX_EXPIRED_A_SWEEP = 500


def approve(
    call_id: UUID | str, *, by: Any, arguments_hash: str, arguments: dict[str, Any] | None = None, reason: str = ""
) -> ToolCall:
    """Let a call run, with other `arguments` than the model asked for if they are given; the call as decided.

    `arguments_hash` is that of the arguments the person was shown. `by` None means the command line.
    Raises `DecisionRefused`, `InvalidArguments` or `UnknownTool` (both `ValueError`) if the new arguments do not fit
    the tool, and `ToolCall.DoesNotExist`.
    """
    return _decide(
        call_id, arguments_hash, lambda run, call: _approve(run, call, by=by, arguments=arguments, reason=reason)
    )


def deny(call_id: UUID | str, *, by: Any, arguments_hash: str, reason: str = "") -> ToolCall:
    """Do not let a call run; the call as decided. The model is told that, and the reason, and goes on.

    Parameters and errors as of `approve`.
    """
    return _decide(call_id, arguments_hash, lambda run, call: _deny(run, call, by=name_of(by), user=by, reason=reason))


def expire_approvals() -> int:
    """Decide, as each run's agent says, about the calls nobody decided about in time; how many there were."""
    late = ToolCall.objects.filter(state=ToolCall.State.AWAITING_APPROVAL, expires_at__lte=Now())
    parked = late.filter(run__status=Run.Status.WAITING, run__waiting_for=Run.WaitingFor.APPROVAL)
    waiting = parked.filter(run__cancel_requested_at__isnull=True).order_by("expires_at")
    runs = dict.fromkeys(waiting.values_list("run_id", flat=True)[:MAX_EXPIRED_A_SWEEP])
    return sum(_expire_in(run_id) for run_id in runs)


@transaction.atomic
def _expire_in(run_id: UUID) -> int:
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.cancel_requested_at is not None or run.waiting_for != Run.WaitingFor.APPROVAL:
        return 0
    late = list(run.calls.filter(state=ToolCall.State.AWAITING_APPROVAL, expires_at__lte=Now()))
    _expire(run, late)
    return len(late)


def _decide(call_id: UUID | str, shown_hash: str, decision: Any) -> ToolCall:
    """Take the decision, unless it comes too late; the call. What it comes too late for is decided all the same."""
    with transaction.atomic():
        run, call = locked(call_id)
        check_run(run, call)
        if call.state != ToolCall.State.AWAITING_APPROVAL:
            raise DecisionRefused("already_decided", stands(call), call)
        if run.waiting_for != Run.WaitingFor.APPROVAL:
            raise DecisionRefused("not_waiting", "The run does not wait for an approval.", call)
        is_late = call.expires_at is not None and call.expires_at <= database_now()
        if is_late:
            _expire(run, [call])
        elif call.arguments_hash != shown_hash:
            raise DecisionRefused("arguments_changed", "The arguments are not those that were shown.", call)
        else:
            decision(run, call)
            go_on_if_decided(run)
    if is_late:
        raise DecisionRefused("expired", f"It was too late. {stands(call)}", call)
    return call


def _approve(run: Run, call: ToolCall, *, by: Any, arguments: dict[str, Any] | None, reason: str) -> None:
    about: dict[str, Any] = {}
    if arguments is not None and hash_of(arguments) != call.arguments_hash:
        _check_arguments(run, call, arguments)
        about = {"changes": changes(call.arguments, arguments)}
        call.proposed_arguments = call.arguments
        call.arguments, call.arguments_hash = arguments, hash_of(arguments)
    call.state = ToolCall.State.APPROVED
    how = "approved, with other arguments," if about else "approved"
    words = f"{name_of(by)} {how} {call_text(call.tool_name, call.arguments)}"
    record(run, call, "approved", words, by=name_of(by), user=by, reason=without_secrets(reason), **about)


def _deny(run: Run, call: ToolCall, *, by: str | None, user: Any, reason: str) -> None:
    """Record the denial and the result the model reads. `by` None: nobody decided in time."""
    reason = without_secrets(reason)
    call.state = ToolCall.State.DENIED
    words = f"{by} denied {call.tool_name}." if by else f"Nobody decided in time: {call.tool_name} is denied."
    record(run, call, "denied", words, by=by, user=user, reason=reason)
    told = "A person denied this call, it was not run." if by else "Nobody approved this call in time, it was not run."
    told = f"{told} They said: {reason}" if reason else told
    action = "Approve it when the agent asks again, or word the task differently"
    failed = {"severity": "warning", "recoverable": False, "suggested_action": action}
    add_result(run, call, told, by=by, code="denied", **failed)


def _expire(run: Run, calls: Iterable[ToolCall]) -> None:
    approves = run.config.get("on_approval_expiry") == Agent.OnExpiry.APPROVE
    for call in calls:
        if approves:
            call.state = ToolCall.State.APPROVED
            words = f"Nobody decided in time: {call.tool_name} is approved, as the agent's rules say."
            record(run, call, "approved", words, by=None, user=None, reason="")
        else:
            _deny(run, call, by=None, user=None, reason="")
    go_on_if_decided(run)


def _check_arguments(run: Run, call: ToolCall, arguments: dict[str, Any]) -> None:
    storable_json(arguments)
    if Redactor(known_secrets()).value(arguments) != arguments:
        raise ValueError("There is a secret in the arguments. Secrets are not stored, so the call could not run.")
    validated(Toolbox(run.config.get("tools")).get(call.tool_name), arguments)
