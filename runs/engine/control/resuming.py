"""Going on with a run that was paused, or that failed."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from runs.engine.control.overrides import changed, with_rules_of_today
from runs.engine.control.settling import ask_for_outcome
from runs.engine.control.steps import add_note, name_of
from runs.engine.dispatch import announce, dispatch
from runs.engine.spending import check_daily_limits
from runs.models import Run

LONGEST_SAID = 200
"""Characters of a value in the words of a step; its metadata has all of it."""

ResumeOutcome = Literal["resumed", "waits_for_decision", "not_resumable", "not_paused", "still_pausing", "stop_asked"]


@transaction.atomic
def resume(run_id: UUID, *, by: Any, overrides: dict[str, Any] | None = None) -> ResumeOutcome:
    """Let a paused run go on, or a failed one from what was recorded of it, with `overrides` as of `launch`.

    "resumed": it is queued. "waits_for_decision": first somebody has to say what became of a call. Everything else
    changes nothing: "not_resumable" (it was completed or cancelled: continue it, or run it again), "not_paused" (it
    goes on already, or waits for an answer), "still_pausing" (its host has not come to the pause), "stop_asked".
    What it may call and when a person is asked, its agent's rules of today say.
    Raises `ValueError` for an override that is none, `OverrideRefused`, `DailyLimitReached`, and `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    config = changed(with_rules_of_today(run), overrides, by=by)
    if refusal := _why_not(run):
        return refusal
    check_daily_limits(run.user)
    words = f"Resumed by {name_of(by)}{_with(run, overrides or {})}."
    has_failed = run.status == Run.Status.FAILED
    add_note(run, "resumed", words, by=name_of(by), **({"overrides": overrides} if overrides else {}))
    run.config = config
    # A person has looked at it: what it did to its hosts before counts no longer.
    run.crashes, run.error, run.severity, run.ended_at = 0, None, "", None
    run.cancel_requested_at = run.pause_requested_at = None
    unknown = list(run.calls.undecided()) if has_failed else []
    if unknown:
        for call in unknown:
            ask_for_outcome(
                run, call, f"before the run goes on, somebody has to say whether {call.tool_name} happened."
            )
        run.status, run.waiting_for = Run.Status.WAITING, Run.WaitingFor.DECISION
    else:
        run.status, run.waiting_for = Run.Status.IDLE, ""
        dispatch(run.pk)
    columns = ["status", "waiting_for", "config", "crashes", "error", "severity", "ended_at", "cancel_requested_at"]
    run.save(update_fields=[*columns, "pause_requested_at", "next_sequence"])
    announce(run.pk, run.last_sequence)
    return "waits_for_decision" if unknown else "resumed"


def _why_not(run: Run) -> ResumeOutcome | None:
    if run.status in (Run.Status.COMPLETED, Run.Status.CANCELLED):
        return "not_resumable"
    if run.status == Run.Status.FAILED:
        return None
    if run.cancel_requested_at is not None:
        return "stop_asked"
    if run.waiting_for == Run.WaitingFor.RESUME:
        return None
    return "still_pausing" if run.pause_requested_at is not None else "not_paused"


def _with(run: Run, overrides: dict[str, Any]) -> str:
    changes = [f"{name} {_said(run.config.get(name))} → {_said(value)}" for name, value in sorted(overrides.items())]
    return f" with {', '.join(changes)}" if changes else ""


def _said(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_SAID else f"{text[: LONGEST_SAID - 1]}…"
