"""The control room: everything a person, the API or a schedule may do to a run.

Each function is one transaction that first locks the run row. Web, API and admin change runs only through here.
"""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from runs.agent.limits import TIME_LIMITS
from runs.engine.dispatch import announce, dispatch, tell
from runs.engine.spending import check_daily_limits
from runs.models import Agent, Run, Step, ToolCall

OVERRIDES = frozenset(
    {"models", "strategy", "max_turns", "max_seconds", "max_tokens", "max_cost_usd", "tools"} | TIME_LIMITS
)
"""What a launch may change of its agent's configuration."""

CancelOutcome = Literal["cancelled", "asked", "already_ended"]
WaitOutcome = Literal["asked", "not_waiting"]


def launch(
    *,
    user: Any,
    task: str,
    agent: Agent | None = None,
    overrides: dict[str, Any] | None = None,
    rerun_of: Run | None = None,
) -> Run:
    """A new run of `task`, queued and dispatched in one transaction. `agent` None means the default agent.

    `overrides` replaces keys of the agent's snapshot, those of `OVERRIDES`; an amount of money is a decimal string.
    Raises `ValueError` for an empty task or an unknown key, `DailyLimitReached` (a `ValueError`) if the person's runs
    have used what they may in a day, `Agent.DoesNotExist` if there is no default agent.
    """
    overrides = _checked(overrides)
    if not task.strip():
        raise ValueError("A run needs a task.")
    if agent is None:
        agent = Agent.objects.get(is_default=True)
    return _create(user=user, task=task, agent=agent, config=agent.snapshot() | overrides, rerun_of=rerun_of)


def run_again(run_id: UUID, *, by: Any, overrides: dict[str, Any] | None = None) -> Run:
    """A new run of the same task, launched by `by`, with the same configuration but for `overrides` (as of `launch`).

    Raises `ValueError` for an unknown key, `DailyLimitReached`, and `Run.DoesNotExist`.
    """
    overrides = _checked(overrides)
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    config = earlier.config | overrides
    return _create(user=by, task=earlier.task, agent=earlier.agent, config=config, rerun_of=earlier)


@transaction.atomic
def cancel(run_id: UUID, *, by: Any) -> CancelOutcome:
    """Stop a run. "cancelled": it was not hosted and is cancelled. "asked": its host has been told.

    "already_ended": nothing was changed. Asking twice is the same as asking once. Raises `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.is_finished:
        return "already_ended"
    first_time = run.cancel_requested_at is None
    now = timezone.now()
    if run.owner is None:
        _end_open_calls(run)
        _add_note(run, "cancelled", f"Stopped by {_name(by)} while nothing was running.", by=_name(by))
        run.status, run.waiting_for = Run.Status.CANCELLED, ""
        run.cancel_requested_at = run.ended_at = now
        run.save(update_fields=["status", "waiting_for", "cancel_requested_at", "ended_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
        return "cancelled"
    if first_time:
        _add_note(run, "cancel_asked", f"{_name(by)} asked to stop the run.", by=_name(by))
        run.cancel_requested_at = now
        run.save(update_fields=["cancel_requested_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, "run.cancel")
    return "asked"


@transaction.atomic
def try_now(run_id: UUID, *, by: Any) -> WaitOutcome:
    """Have a run that waits for its next attempt make it now. Raises `Run.DoesNotExist`.

    "asked": its host has been told. "not_waiting": it does not wait for an attempt, and nothing was changed.
    """
    return _cut_wait_short(run_id, "run.try_now", "try_now", f"{_name(by)} asked to try again now.", by=by)


@transaction.atomic
def stop_retrying(run_id: UUID, *, by: Any) -> WaitOutcome:
    """Have a run that waits for its next attempt at a model make no further one. Outcomes as of `try_now`."""
    return _cut_wait_short(run_id, "run.stop_retrying", "stop_retrying", f"{_name(by)} stopped the retries.", by=by)


def _cut_wait_short(run_id: UUID, message_type: str, note: str, words: str, *, by: Any) -> WaitOutcome:
    run = Run.objects.select_for_update().get(pk=run_id)
    waits = run.status == Run.Status.WAITING and run.waiting_for == Run.WaitingFor.RETRY
    if run.owner is None or not waits or run.cancel_requested_at is not None:
        return "not_waiting"
    _add_note(run, note, words, by=_name(by))
    run.save(update_fields=["next_sequence"])
    announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, message_type)
    return "asked"


def _checked(overrides: dict[str, Any] | None) -> dict[str, Any]:
    if unknown := sorted((overrides or {}).keys() - OVERRIDES):
        raise ValueError(f"A launch cannot change {', '.join(unknown)}; it can change {', '.join(sorted(OVERRIDES))}.")
    return overrides or {}


@transaction.atomic
def _create(*, user: Any, task: str, agent: Agent | None, config: dict[str, Any], rerun_of: Run | None) -> Run:
    check_daily_limits(user)
    run = Run.objects.create(user=user, task=task, agent=agent, config=config, rerun_of=rerun_of)
    dispatch(run.pk)
    announce(run.pk, 0)
    return run


def _add_note(run: Run, note: str, content: str, **metadata: Any) -> None:
    _add_step(run, Step.Kind.NOTE, content, metadata={"note": note, **metadata})


def _end_open_calls(run: Run) -> None:
    """Give the calls that have no result one: nobody will run them again, or decide about them."""
    have_results = run.steps.filter(kind=Step.Kind.TOOL_RESULT, call_id__isnull=False).values("call_id")
    states = [ToolCall.State.PROPOSED, ToolCall.State.STARTED, ToolCall.State.UNKNOWN]
    for call in run.calls.filter(state__in=states).exclude(call_id__in=have_results):
        about = {"turn": call.turn, "tool_name": call.tool_name, "call_id": call.call_id, "recoverable": False}
        if call.state == ToolCall.State.UNKNOWN:
            words, severity, code = "Stopped undecided: it may or may not have happened.", "error", "outcome_unknown"
        else:
            words, severity, code = "Stopped before it gave a result.", "warning", "stopped"
            call.state, call.ended_at = ToolCall.State.FAILED, timezone.now()
            call.save(update_fields=["state", "ended_at"])
        _add_step(run, Step.Kind.TOOL_RESULT, words, severity=severity, metadata={"code": code}, **about)


def _add_step(run: Run, kind: Step.Kind, content: str, **columns: Any) -> None:
    """Append a step of our own to a locked run. The caller saves `next_sequence`."""
    about = {"run": run, "sequence": run.next_sequence, "epoch": run.epoch, "ended_at": timezone.now()}
    Step.objects.create(kind=kind, content=content, **about, **columns)
    run.next_sequence += 1


def _name(user: Any) -> str:
    return user.get_username() if user is not None else "The command line"
