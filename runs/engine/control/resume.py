"""Resuming a run that was paused, or that failed."""

from typing import Any, Literal
from uuid import UUID

from runs.agent.all_settings import public_name
from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.ceilings import ceilings_after
from runs.engine.control.overrides import changed, overrides_after, with_rules_of_today
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of
from runs.engine.control.tree_lock import in_locked_tree
from runs.engine.control.tree_pauses import is_paused_after_decision, paused_together, resume_with
from runs.engine.control.unknown_outcomes import ask_for_outcome
from runs.engine.limits.child_limits import within_own
from runs.engine.limits.daily_budget import check_daily_limits
from runs.engine.notifications import run_changes
from runs.engine.queueing.dispatch import announce, dispatch
from runs.models import Run, Step, ToolCall
from runs.models.permissions import may_exceed, may_resume

LONGEST_SAID = 200
"""Characters of a value in a step's text; the payload has the whole value."""

ResumeOutcome = Literal["resumed", "waits_for_decision", "not_resumable", "not_paused", "still_pausing", "stop_asked"]


def resume(run_id: UUID, *, by: Any, overrides: JsonObject | None = None) -> ResumeOutcome:
    """Resume a paused run, or a failed one from its recorded steps, with `overrides` as of `launch`. The runs below it
    that the pause has stopped are resumed too, and those that have not come to it go on without it.

    "resumed": it is queued. "waits_for_decision": a person has to settle a call whose outcome is unknown first. All
    other outcomes change nothing: "not_resumable" (completed or cancelled: continue it or run it again; or a failed
    child run that nobody waits for any more), "not_paused" (it is running, or waits for an answer), "still_pausing"
    (its host has not reached the pause yet), "stop_asked".
    Tools and approval rules are those of its agent today; its other values stay. Raises `ValueError` for an invalid
    override, `OverrideRefused`, `DailyLimitReached`, `PermissionDenied`, and `Run.DoesNotExist`.
    """

    def go_on(run: Run, below: list[Run]) -> ResumeOutcome:
        check_may(may_resume, by, run)
        ceilings = ceilings_after(run, by=by)
        if run.is_child and not may_exceed(by):
            ceilings = within_own(ceilings, run.config)
        config = changed(with_rules_of_today(run, by=by), overrides, by=by, ceilings=ceilings, goes_on=True)
        if refusal := _why_not(run):
            return refusal
        paused_with = paused_together(run, below)
        check_daily_limits(run.user)
        for each in paused_with:
            resume_with(str(run.pk), each, name_of(by))
        return _resume(run, config, overrides, name_of(by))

    return in_locked_tree(run_id, go_on)


def _resume(run: Run, config: JsonObject, overrides: JsonObject | None, name: str) -> ResumeOutcome:
    told = {public_name(key): value for key, value in (overrides or {}).items()}
    words = _words(name, _changes(run, overrides or {}))
    has_failed = run.status == Run.Status.FAILED
    add_step(run, Step.Kind.NOTE, words, NotePayload(note="resumed", by=name, overrides=told or None))
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
    elif run.waiting_for not in Run.ASKING:
        run.status, run.waiting_for = Run.Status.IDLE, ""
        dispatch(run.pk)
    columns = ["status", "waiting_for", "config", "overrides", "crashes", "error", "severity", "ended_at"]
    run.save(update_fields=[*columns, "cancel_requested_at", "pause_requested_at", "next_sequence"])
    if unknown:
        run_changes.note(run)
    announce(run.pk, run.last_sequence)
    return "waits_for_decision" if unknown else "resumed"


def _why_not(run: Run) -> ResumeOutcome | None:
    if run.status in (Run.Status.COMPLETED, Run.Status.CANCELLED):
        return "not_resumable"
    if run.status == Run.Status.FAILED:
        return None if _is_wanted(run) else "not_resumable"
    if run.cancel_requested_at is not None:
        return "stop_asked"
    if run.waiting_for == Run.WaitingFor.RESUME or is_paused_after_decision(run):
        return None
    return "still_pausing" if run.pause_requested_at is not None else "not_paused"


def _is_wanted(run: Run) -> bool:
    """False for a child run whose call has its result already."""
    return run.parent_call is None or run.parent_call.state in ToolCall.OPEN


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
