"""What a person decides about tool calls: whether they may run, and what became of those whose outcome is unknown.

All of it locks the run's row first. Two people who decide the last two calls of a turn at the same instant would
otherwise each see the other's call undecided, and nobody would wake the run.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from runs.agent.approvals import outcome_question
from runs.agent.messages import ToolCall as Asked
from runs.agent.redaction import Redactor
from runs.agent.tools.toolbox import Toolbox
from runs.agent.tools.validation import validated
from runs.agent.wording import call_text
from runs.engine import crashpoints
from runs.engine.arguments import arguments_hash as hash_of
from runs.engine.arguments import changes
from runs.engine.control.steps import add_step, name_of
from runs.engine.dispatch import announce, dispatch
from runs.engine.secrets import known_secrets
from runs.engine.side_by_side import told_beside
from runs.models import Agent, Run, Step, ToolCall
from runs.storable import storable_json

if TYPE_CHECKING:
    from runs.agent.tools.protocol import Effect

Outcome = Literal["happened", "run_again"]
MAX_EXPIRED_A_SWEEP = 500
HAPPENED = "It happened: a person looked. What came out of it is not known."


class DecisionRefused(ValueError):
    """The decision could not be taken any more, and nothing was changed. `call` is the call as it truly stands."""

    def __init__(self, code: str, message: str, call: ToolCall) -> None:
        """`code`: not_waiting, already_decided, arguments_changed, expired, stop_asked."""
        super().__init__(message)
        self.code = code
        self.call = call


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


@transaction.atomic
def settle(call_id: UUID | str, *, by: Any, outcome: Outcome, reason: str = "") -> ToolCall:
    """Say what became of a call whose outcome is unknown; the call as decided.

    "happened": `reason` is what came out of it, and the model's result. "run_again": it did not happen, it may start
    once more. (To stop the run, `cancel` it.) Raises `DecisionRefused` and `ToolCall.DoesNotExist`.
    """
    run, call = _locked(call_id)
    _check_run(run, call)
    if not run.calls.undecided().filter(pk=call.pk).exists():
        raise DecisionRefused("already_decided", _stands(call), call)
    if run.waiting_for != Run.WaitingFor.DECISION:
        raise DecisionRefused("not_waiting", "The run does not wait for a decision.", call)
    reason = _without_secrets(reason)
    who = name_of(by)
    if outcome == "happened":
        call.state = ToolCall.State.SUCCEEDED
        _record(run, call, "happened", f"{who} says that {call.tool_name} happened.", by=who, user=by, reason=reason)
        _add_result(run, call, reason or HAPPENED, by=who, tool_output=reason or HAPPENED)
    else:
        call.state, call.started_at, call.ended_at = ToolCall.State.APPROVED, None, None
        words = f"{who} says that {call.tool_name} did not happen: it runs again."
        _record(run, call, "run_again", words, by=who, user=by, reason=reason)
    _go_on_if_decided(run)
    return call


def expire_approvals() -> int:
    """Decide, as each run's agent says, about the calls nobody decided about in time; how many there were."""
    late = ToolCall.objects.filter(state=ToolCall.State.AWAITING_APPROVAL, expires_at__lte=timezone.now())
    parked = late.filter(run__status=Run.Status.WAITING, run__waiting_for=Run.WaitingFor.APPROVAL)
    waiting = parked.filter(run__cancel_requested_at__isnull=True).order_by("expires_at")
    runs = dict.fromkeys(waiting.values_list("run_id", flat=True)[:MAX_EXPIRED_A_SWEEP])
    return sum(_expire_in(run_id) for run_id in runs)


@transaction.atomic
def _expire_in(run_id: UUID) -> int:
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.cancel_requested_at is not None or run.waiting_for != Run.WaitingFor.APPROVAL:
        return 0
    late = list(run.calls.filter(state=ToolCall.State.AWAITING_APPROVAL, expires_at__lte=timezone.now()))
    _expire(run, late)
    return len(late)


def _decide(call_id: UUID | str, shown_hash: str, decision: Any) -> ToolCall:
    """Take the decision, unless it comes too late; the call. What it comes too late for is decided all the same."""
    with transaction.atomic():
        run, call = _locked(call_id)
        _check_run(run, call)
        if call.state != ToolCall.State.AWAITING_APPROVAL:
            raise DecisionRefused("already_decided", _stands(call), call)
        if run.waiting_for != Run.WaitingFor.APPROVAL:
            raise DecisionRefused("not_waiting", "The run does not wait for an approval.", call)
        is_late = call.expires_at is not None and call.expires_at <= timezone.now()
        if is_late:
            _expire(run, [call])
        elif call.arguments_hash != shown_hash:
            raise DecisionRefused("arguments_changed", "The arguments are not those that were shown.", call)
        else:
            decision(run, call)
            _go_on_if_decided(run)
    if is_late:
        raise DecisionRefused("expired", f"It was too late. {_stands(call)}", call)
    return call


def _locked(call_id: UUID | str) -> tuple[Run, ToolCall]:
    run_id = ToolCall.objects.values_list("run_id", flat=True).get(pk=call_id)
    run = Run.objects.select_for_update().get(pk=run_id)
    return run, ToolCall.objects.get(pk=call_id)


def _check_run(run: Run, call: ToolCall) -> None:
    if run.is_finished:
        raise DecisionRefused("not_waiting", f"The run is {run.get_status_display().lower()}.", call)
    if run.cancel_requested_at is not None:
        raise DecisionRefused("stop_asked", "Somebody has asked to stop the run.", call)


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
    _record(run, call, "approved", words, by=name_of(by), user=by, reason=_without_secrets(reason), **about)


def _deny(run: Run, call: ToolCall, *, by: str | None, user: Any, reason: str) -> None:
    """Record the denial and the result the model reads. `by` None: nobody decided in time."""
    reason = _without_secrets(reason)
    call.state = ToolCall.State.DENIED
    words = f"{by} denied {call.tool_name}." if by else f"Nobody decided in time: {call.tool_name} is denied."
    _record(run, call, "denied", words, by=by, user=user, reason=reason)
    told = "A person denied this call, it was not run." if by else "Nobody approved this call in time, it was not run."
    told = f"{told} They said: {reason}" if reason else told
    action = "Approve it when the agent asks again, or word the task differently"
    failed = {"severity": "warning", "recoverable": False, "suggested_action": action}
    _add_result(run, call, told, by=by, code="denied", **failed)


def _expire(run: Run, calls: Iterable[ToolCall]) -> None:
    approves = run.config.get("on_approval_expiry") == Agent.OnExpiry.APPROVE
    for call in calls:
        if approves:
            call.state = ToolCall.State.APPROVED
            words = f"Nobody decided in time: {call.tool_name} is approved, as the agent's rules say."
            _record(run, call, "approved", words, by=None, user=None, reason="")
        else:
            _deny(run, call, by=None, user=None, reason="")
    _go_on_if_decided(run)


def _record(
    run: Run, call: ToolCall, decision: str, words: str, *, by: str | None, user: Any, reason: str, **about: Any
) -> None:
    """Store the decision, and add its step."""
    call.decided_by, call.decided_at, call.decision_reason = user, timezone.now(), reason
    call.save()
    metadata = {"decision": decision, "by": by, "reason": reason, **about}
    told = f"{words}\n{reason}" if reason else words
    add_step(run, Step.Kind.APPROVAL, told, tool_input=call.arguments, metadata=metadata, **_place(call))


def _add_result(run: Run, call: ToolCall, content: str, *, by: str | None, code: str = "", **columns: Any) -> None:
    metadata = {"by": by, "code": code} if code else {"by": by, "remark": "A person told this result."}
    metadata |= told_beside(run, call.turn)
    add_step(run, Step.Kind.TOOL_RESULT, content, metadata=metadata, **_place(call), **columns)


def _place(call: ToolCall) -> dict[str, Any]:
    return {"turn": call.turn, "tool_name": call.tool_name, "call_id": call.call_id}


def _go_on_if_decided(run: Run) -> None:
    """Save the run; queue it if no decision is missing any more."""
    if run.waiting_for == Run.WaitingFor.APPROVAL:
        is_decided = not run.calls.filter(state=ToolCall.State.AWAITING_APPROVAL).exists()
    else:
        is_decided = not run.calls.undecided().exists()
    if is_decided:
        run.status, run.waiting_for = Run.Status.IDLE, ""
    run.save(update_fields=["status", "waiting_for", "next_sequence"])
    crashpoints.at_commit("decision")
    if is_decided:
        dispatch(run.pk)
    announce(run.pk, run.last_sequence)


def ask_for_outcome(run: Run, call: ToolCall, why: str) -> None:
    """Ask, in a step of a locked run, what became of a call. The caller saves `next_sequence`."""
    asked = outcome_question(
        Asked(str(call.pk), call.tool_name, call.arguments, call.turn, call.index), cast("Effect", call.effect), why
    )
    columns = {name: asked.metadata[name] for name in ("tool_input", "severity")}
    metadata = {"asks": "outcome", "effect": call.effect}
    add_step(run, Step.Kind.APPROVAL, asked.content, metadata=metadata, **columns, **_place(call))


def _check_arguments(run: Run, call: ToolCall, arguments: dict[str, Any]) -> None:
    storable_json(arguments)
    if Redactor(known_secrets()).value(arguments) != arguments:
        raise ValueError("There is a secret in the arguments. Secrets are not stored, so the call could not run.")
    validated(Toolbox(run.config.get("tools")).get(call.tool_name), arguments)


def _without_secrets(text: str) -> str:
    return Redactor(known_secrets()).text(text.strip())


def _stands(call: ToolCall) -> str:
    """The true state of a call somebody else was faster with."""
    who = f" by {name_of(call.decided_by)}" if call.decided_by is not None else ""
    return f"This call is already {call.get_state_display().lower()}{who if call.decided_at else ''}."
