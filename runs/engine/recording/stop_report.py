"""Stop reports: who requested a stop and when, what was running or finished, and what was booked after the request.

The report is the payload of the step that ends a stopped run, made in the transaction that ends it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from runs.agent.marked_words import words
from runs.agent.payloads.notes import (
    CancelAskedPayload,
    CancelledAtOncePayload,
    CancelledPayload,
    ReplyOutcome,
    RunningCall,
    StoppedCall,
    StopProof,
    UsedSoFar,
)
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tool_calls.call_states import STOP_CLAUSES
from runs.agent.wording import Wording
from runs.engine.recording.run_activity import StopReport, stop_report_of
from runs.engine.writing.writes import Totals
from runs.models import Run, Step


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A stop request: requester, time, and usage until then, as far as known."""

    by: str | None = None
    at: datetime | None = None
    used: UsedSoFar | None = None


def asked_payload(run: Run, stop: StopReport, by: str) -> CancelAskedPayload:
    """The payload of the step of a stop request: running calls, and usage until then."""
    running = tuple(
        RunningCall(call_id=each.call_id, tool_name=each.tool_name, ran_s=each.ran_s) for each in stop.stopped
    )
    return CancelAskedPayload(by=by, running=running, asks_a_model=stop.was_asking, used=Totals.of(run).as_used())


def running_words(stop: StopReport) -> Wording:
    """The running calls, as a sentence for people."""
    running = [f"{each.tool_name}{_for(each.ran_s)}" for each in stop.stopped if each.outcome != "not_started"]
    if running:
        return Wording("Running now: %(calls)s.", calls=", ".join(running))
    return Wording("A model is being asked now.") if stop.was_asking else Wording("No tool is running.")


def _for(ran_s: float | None) -> str:
    return "" if ran_s is None else f" for {ran_s:.1f} s"


def stop_report_thought(run_id: UUID, stop: StopReport, totals: Totals) -> AgentThought:
    """The step that ends a stopped run. Queries the stop request; call it in the transaction that writes the step."""
    asked = (
        Step.objects.filter(run_id=run_id)
        .notes("cancel_asked")
        .only("kind", "ended_at", "metadata")
        .order_by("-sequence")
        .first()
    )
    report = _report(stop, totals, _request_in(asked))
    payload = CancelledPayload(proof=report, by=report.asked_by or None)
    return AgentThought(ThoughtType.NOTE, _words(stop, report), payload=payload)


def _request_in(step: Step | None) -> StopRequest:
    if step is None or not isinstance(step.payload, CancelAskedPayload):
        return StopRequest()
    return StopRequest(step.payload.by or None, step.ended_at, step.payload.used)


def stop_report_at_once(run: Run, by: str) -> tuple[Wording, CancelledAtOncePayload]:
    """Text and payload of the last step of a run without a host that `by` stops now."""
    stop, now = stop_report_of(run), timezone.now()
    report = _report(stop, Totals.of(run), StopRequest(by, now, Totals.of(run).as_used()))
    return _words(stop, report), CancelledAtOncePayload(by=by, proof=report)


def _report(stop: StopReport, totals: Totals, asked: StopRequest) -> StopProof:
    now = timezone.now()
    after = _used_after(stop, totals, asked.used)
    return StopProof(
        asked_by=asked.by,
        asked_at=None if asked.at is None else asked.at.isoformat(),
        stopped_at=now.isoformat(),
        took_s=None if asked.at is None else round(max(0.0, (now - asked.at).total_seconds()), 3),
        forced_by=stop.forced_by,
        keeps_words=stop.keeps_words,
        stopped=tuple(stop.stopped),
        finished=tuple(stop.finished),
        reply=after.reply,
        tokens_after=after.tokens,
        tokens_are_estimated=after.tokens_are_estimated,
        cost_after=after.cost,
        cost_is_known=after.cost_is_known,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedAfter:
    """Usage booked after the stop request, and the outcome of the reply: as of `StopProof`."""

    reply: ReplyOutcome
    tokens: int | None = None
    tokens_are_estimated: bool | None = None
    cost: str | None = None
    cost_is_known: bool = False


def _used_after(stop: StopReport, totals: Totals, before: UsedSoFar | None) -> UsedAfter:
    """The usage booked after the stop request, and whether a reply of unknown cost was cut off."""
    if before is None:
        return UsedAfter(reply="unknown")
    began_to_cost = totals.cost_is_partial and not before.cost_is_partial
    # If the cost was partial before, it is unknown whether the last reply added to that.
    doubtful = stop.forced_by is not None or began_to_cost or totals.cost_is_partial
    is_known = not began_to_cost and not (stop.was_asking and doubtful)
    reply: ReplyOutcome = "none"
    if stop.was_asking:
        reply = "unknown" if stop.forced_by is not None else "not_begun" if is_known else "cut_off"
    cost = (totals.cost or Decimal(0)) - Decimal(before.cost or 0)
    tokens_after = (totals.tokens or 0) - (before.tokens or 0)
    return UsedAfter(
        reply=reply,
        tokens=tokens_after,
        # If tokens were estimated before, it is unknown whether the last ones were.
        tokens_are_estimated=totals.usage_is_estimated and tokens_after > 0,
        cost=format(cost.normalize(), "f") if is_known else None,
        cost_is_known=is_known,
    )


def _words(stop: StopReport, report: StopProof) -> Wording:
    said: list[str] = [_stopped_by_words(report.asked_by or "", report.took_s)]
    if stop.forced_by is not None:
        forced = words("%(name)s forced it. Later output is ignored; outside effects may still happen.")
        said.append(Wording(forced, name=stop.forced_by))
    if stop.stopped:
        said.append(Wording("Stopped: %(calls)s.", calls="; ".join(map(_stopped_call, stop.stopped))))
    else:
        said.append(Wording("A model was being asked.") if stop.was_asking else Wording("No tool was running."))
    if stop.keeps_words:
        said.append(Wording("What it had said is kept."))
    if stop.finished:
        said.append(Wording("Finished before: %(calls)s.", calls=", ".join(each.tool_name for each in stop.finished)))
    if any(each.outcome == "awaited_child" for each in stop.stopped):
        said.append(Wording("Its child runs are stopped with it, and say themselves what they have spent."))
    if report.tokens_after is not None:
        said.append(_booked_words(report, report.tokens_after))
    return Wording.paragraph(*said)


def _stopped_by_words(name: str, took_s: float | None) -> Wording:
    took = f"{took_s:.1f}" if took_s else ""
    if name and took:
        return Wording("Stopped by %(name)s %(n)s s after it was asked for.", name=name, n=took)
    if took:
        return Wording("Stopped %(n)s s after it was asked for.", n=took)
    return Wording("Stopped by %(name)s.", name=name) if name else Wording("Stopped.")


def _booked_words(report: StopProof, count: int) -> Wording:
    about = "≈" if report.tokens_are_estimated else ""
    if not report.cost_is_known:
        return Wording(
            "Spent after the stop was asked for: %(about)s%(count)s token, at an unknown cost.",
            plural="Spent after the stop was asked for: %(about)s%(count)s tokens, at an unknown cost.",
            count=count,
            about=about,
        )
    return Wording(
        "Spent after the stop was asked for: %(about)s%(count)s token, $%(cost)s.",
        plural="Spent after the stop was asked for: %(about)s%(count)s tokens, $%(cost)s.",
        count=count,
        about=about,
        cost=str(report.cost_after),
    )


def _stopped_call(call: StoppedCall) -> str:
    ran = "" if call.ran_s is None else f" after {call.ran_s:.1f} s"
    return f"{call.tool_name}{ran}, {STOP_CLAUSES[call.outcome]}"
