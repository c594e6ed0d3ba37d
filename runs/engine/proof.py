"""What a stop did: who asked for it and when, what was running, what had finished, and what was booked after it.

The proof is the metadata of the step that ends a stopped run, made in the transaction that ends it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.wording import counted
from runs.engine.stops import Stop, stop_of
from runs.models import Run, Step


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run has used, at one moment."""

    tokens: int | None
    cost: Decimal | None
    cost_is_partial: bool
    usage_is_estimated: bool = False

    @classmethod
    def of(cls, run: Run) -> "Totals":
        """As its row says."""
        return cls(run.tokens_used, run.cost, run.cost_is_partial, run.usage_is_estimated)

    def as_json(self) -> dict[str, Any]:
        """For a step's metadata."""
        cost = None if self.cost is None else str(self.cost)
        return {"tokens": self.tokens, "cost": cost, "cost_is_partial": self.cost_is_partial}


def asked_metadata(run: Run, stop: Stop) -> dict[str, Any]:
    """What the step that says a stop was asked for keeps: what runs, and what was used up to then."""
    running = [{"call_id": each.call_id, "tool_name": each.tool_name, "ran_s": each.ran_s} for each in stop.stopped]
    return {"running": running, "asks_a_model": stop.was_asking, "used": Totals.of(run).as_json()}


def running_words(stop: Stop) -> str:
    """What runs now, for people."""
    running = [f"{each.tool_name}{_for(each.ran_s)}" for each in stop.stopped if each.outcome != "not_started"]
    if running:
        return f"Running now: {', '.join(running)}."
    return "A model is being asked now." if stop.was_asking else "No tool is running."


def _for(ran_s: float | None) -> str:
    return "" if ran_s is None else f" for {ran_s:.1f} s"


def proof_thought(run_id: UUID, stop: Stop, totals: Totals) -> AgentThought:
    """The step that ends a stopped run. Reads who asked; call it in the transaction that writes it."""
    asked = (
        Step.objects.filter(run_id=run_id, kind=Step.Kind.NOTE, metadata__note="cancel_asked")
        .only("ended_at", "metadata")
        .order_by("-sequence")
        .first()
    )
    proof = _proof(stop, totals, asked)
    by = proof["asked_by"]
    metadata = {"note": "cancelled", "proof": proof} | ({"by": by} if by else {})
    return AgentThought(ThoughtType.NOTE, _words(stop, proof), metadata)


def proof_at_once(run: Run, by: str) -> tuple[str, dict[str, Any]]:
    """The words and the metadata for a run that nobody hosts and that `by` stops in this moment."""
    stop, now = stop_of(run), timezone.now()
    asked = Step(ended_at=now, metadata={"by": by, "used": Totals.of(run).as_json()})
    proof = _proof(stop, Totals.of(run), asked)
    return _words(stop, proof), {"note": "cancelled", "by": by, "proof": proof}


def _proof(stop: Stop, totals: Totals, asked: Step | None) -> dict[str, Any]:
    now = timezone.now()
    asked_at = asked.ended_at if asked is not None else None
    return {
        "asked_by": asked.metadata.get("by") if asked is not None else None,
        "asked_at": None if asked_at is None else asked_at.isoformat(),
        "stopped_at": now.isoformat(),
        "took_s": None if asked_at is None else round(max(0.0, (now - asked_at).total_seconds()), 3),
        "forced_by": stop.forced_by,
        "keeps_words": stop.keeps_words,
        "stopped": [
            {"call_id": each.call_id, "tool_name": each.tool_name, "outcome": each.outcome, "ran_s": each.ran_s}
            for each in stop.stopped
        ],
        "finished": [
            {"call_id": each.call_id, "tool_name": each.tool_name, "state": each.state} for each in stop.finished
        ],
        **_used_after(stop, totals, asked.metadata.get("used") if asked is not None else None),
    }


def _used_after(stop: Stop, totals: Totals, before: dict[str, Any] | None) -> dict[str, Any]:
    """What was booked after the click, and whether a reply was cut off that cost nobody knows what."""
    if before is None:
        return {"reply": "unknown", "tokens_after": None, "cost_after": None, "cost_is_known": False}
    began_to_cost = totals.cost_is_partial and not before["cost_is_partial"]
    # Of a run whose cost was partial before, nobody can tell whether the last reply added to that.
    doubtful = stop.forced_by is not None or began_to_cost or totals.cost_is_partial
    is_known = not began_to_cost and not (stop.was_asking and doubtful)
    reply = "none"
    if stop.was_asking:
        reply = "unknown" if stop.forced_by is not None else "not_begun" if is_known else "cut_off"
    cost = (totals.cost or Decimal(0)) - Decimal(before["cost"] or 0)
    tokens_after = (totals.tokens or 0) - (before["tokens"] or 0)
    return {
        "reply": reply,
        "tokens_after": tokens_after,
        # Of a run whose tokens were counted here before, nobody can tell whether the last ones were.
        "tokens_are_estimated": totals.usage_is_estimated and tokens_after > 0,
        "cost_after": format(cost.normalize(), "f") if is_known else None,
        "cost_is_known": is_known,
    }


def _words(stop: Stop, proof: dict[str, Any]) -> str:
    by = f" by {proof['asked_by']}" if proof["asked_by"] else ""
    took = f" {proof['took_s']:.1f} s after it was asked for" if proof["took_s"] else ""
    said = [f"Stopped{by}{took}."]
    if stop.forced_by is not None:
        said.append(f"{stop.forced_by} did not wait for its host, so what that still does is not known.")
    said.append(f"Stopped with it: {'; '.join(each.words() for each in stop.stopped)}." if stop.stopped else "")
    if not stop.stopped:
        said[-1] = "A model was being asked." if stop.was_asking else "No tool was running."
    if stop.keeps_words:
        said.append("What it had said is kept.")
    if stop.finished:
        said.append(f"Had finished: {', '.join(each.tool_name for each in stop.finished)}.")
    if proof["tokens_after"] is not None:
        cost = f"${proof['cost_after']}" if proof["cost_is_known"] else "at an unknown cost"
        about = "≈" if proof["tokens_are_estimated"] else ""
        said.append(f"Booked after that: {about}{counted(proof['tokens_after'], 'token')}, {cost}.")
    return " ".join(said)
