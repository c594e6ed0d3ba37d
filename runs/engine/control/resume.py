"""Resuming a run that was paused, or that failed."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from runs.agent.all_settings import public_name
from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.ceilings import ceilings_after
from runs.engine.control.overrides import changed, overrides_after, with_rules_of_today
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of
from runs.engine.control.unknown_outcomes import ask_for_outcome
from runs.engine.limits.daily_budget import check_daily_limits
from runs.engine.queueing.dispatch import announce, dispatch
from runs.models import Run, Step
from runs.models.permissions import may_resume

LONGEST_SAID = 200
"""Characters of a value in a step's text; the payload has the whole value."""

ResumeOutcome = Literal["resumed", "waits_for_decision", "not_resumable", "not_paused", "still_pausing", "stop_asked"]


@transaction.atomic
def resume(run_id: UUID, *, by: Any, overrides: JsonObject | None = None) -> ResumeOutcome:
    """Resume a paused run, or a failed one from its recorded steps, with `overrides` as of `launch`.

    "resumed": it is queued. "waits_for_decision": a person has to settle a call whose outcome is unknown first. All
    other outcomes change nothing: "not_resumable" (completed or cancelled: continue it or run it again), "not_paused"
    (it is running, or waits for an answer), "still_pausing" (its host has not reached the pause yet), "stop_asked".
    Tools and approval rules are those of its agent today; its other values stay. Raises `ValueError` for an invalid
    override, `OverrideRefused`, `DailyLimitReached`, `PermissionDenied`, and `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    check_may(may_resume, by, run)
    ceilings = ceilings_after(run, by=by)
    config = changed(with_rules_of_today(run), overrides, by=by, ceilings=ceilings, goes_on=True)
    if refusal := _why_not(run):
        return refusal
    check_daily_limits(run.user)
    told = {public_name(name): value for name, value in (overrides or {}).items()}
    words = _words(name_of(by), _changes(run, overrides or {}))
    has_failed = run.status == Run.Status.FAILED
    add_step(run, Step.Kind.NOTE, words, NotePayload(note="resumed", by=name_of(by), overrides=told or None))
    run.config, run.overrides = config, overrides_after(run, overrides)
    # A person has looked at the run, so its earlier crashes no longer count.
    run.crashes, run.error, run.severity, run.ended_at = 0, None, "", None
    run.cancel_requested_at = run.pause_requested_at = None
    unknown = list(run.calls.undecided()) if has_failed else []
    if unknown:
        for call in unknown:
            ask_for_outcome(
                run, call, f"before the run goes on, a person has to say whether {call.tool_name} happened."
            )
        run.status, run.waiting_for = Run.Status.WAITING, Run.WaitingFor.DECISION
    else:
        run.status, run.waiting_for = Run.Status.IDLE, ""
        dispatch(run.pk)
    columns = ["status", "waiting_for", "config", "overrides", "crashes", "error", "severity", "ended_at"]
    run.save(update_fields=[*columns, "cancel_requested_at", "pause_requested_at", "next_sequence"])
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


def _words(name: str, changes: str) -> Wording:
    if changes:
        return Wording("Resumed by %(name)s with %(changes)s.", name=name, changes=changes)
    return Wording("Resumed by %(name)s.", name=name)


def _changes(run: Run, overrides: JsonObject) -> str:
    return ", ".join(
        f"{public_name(name)} {_said(run.config.get(name))} → {_said(value)}"
        for name, value in sorted(overrides.items())
    )


def _said(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_SAID else f"{text[: LONGEST_SAID - 1]}…"
