"""What a stop did: who asked for it and when, what was running, what had finished, and what was booked after it.

The proof is the metadata of the step that ends a stopped run, made in the transaction that ends it.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.utils import timezone

from runs.agent.calling import REPEATABLE
from runs.agent.journal import CallChange, Entry
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.wording import counted
from runs.models import Run, Step, ToolCall

Outcome = Literal["not_started", "no_effect", "unknown"]
"""What a call that was stopped did to the world: it had not started, it changes nothing, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run has used, at one moment."""

    tokens: int | None
    cost: Decimal | None
    cost_is_partial: bool

    @classmethod
    def of(cls, run: Run) -> "Totals":
        """As its row says."""
        return cls(run.tokens_used, run.cost, run.cost_is_partial)

    def as_json(self) -> dict[str, Any]:
        """For a step's metadata."""
        cost = None if self.cost is None else str(self.cost)
        return {"tokens": self.tokens, "cost": cost, "cost_is_partial": self.cost_is_partial}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A call that has no result because its run was stopped."""

    call_id: str
    tool_name: str
    outcome: Outcome
    ran_s: float | None = None
    """How long it had run; None if it had not started, or nobody knows since when it ran."""

    def words(self) -> str:
        """For people."""
        ran = "" if self.ran_s is None else f" after {self.ran_s:.1f} s"
        match self.outcome:
            case "not_started":
                return f"{self.tool_name}, which had not started"
            case "no_effect":
                return f"{self.tool_name}{ran}, which changes nothing"
            case "unknown":
                return f"{self.tool_name}{ran}, which may or may not have happened"


@dataclass(frozen=True, slots=True)
class Finished:
    """A call of the last turn that had its result before the stop."""

    call_id: str
    tool_name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What was going on when the run stopped."""

    stopped: Sequence[Stopped] = ()
    finished: Sequence[Finished] = ()
    was_asking: bool = False
    """True if a model was being asked for a reply."""
    forced_by: str | None = None
    """Who did not wait for the host to stop it."""


class Doing:
    """What a run does at this moment, as its recorder is told. Belongs to the recorder's loop."""

    def __init__(self) -> None:
        self._status = AgentStatus.THINKING
        self._turn = 0
        self._since: dict[str, float] = {}
        self._finished: dict[str, CallChange] = {}
        self._goes_on = False
        self.is_replying = False
        """True once a piece of a reply has come that has not ended."""

    def goes_on(self, open_calls: Iterable[CallChange]) -> None:
        """The work begins, with the calls an earlier claim left open: those that can be are run again."""
        self._goes_on = True
        now = time.monotonic()
        self._since = {each.call.call_id: now for each in open_calls if each.state == "started"}

    def note(self, entry: Entry) -> None:
        """Something was recorded."""
        for change in entry.calls:
            if change.call.turn != self._turn:
                self._turn, self._finished = change.call.turn, {}
            if change.state == "started":
                self._since[change.call.call_id] = time.monotonic()
            elif change.state in ("succeeded", "failed"):
                self._finished[change.call.call_id] = change
        self._status = entry.status or self._status
        if any("card" in thought.metadata for thought in entry.thoughts):
            self.is_replying = False

    @property
    def is_waiting(self) -> bool:
        """True while the next attempt at a model is waited for."""
        return self._status is AgentStatus.WAITING

    def stop(self, running: Iterable[CallChange]) -> Stop:
        """What a stop at this moment stops, where `running` are the calls without a result."""
        now = time.monotonic()
        stopped = []
        for each in running:
            since = self._since.get(each.call.call_id)
            ran_s = None if since is None else round(now - since, 3)
            outcome = outcome_of(each.effect, has_started=each.state in ("started", "unknown"))
            stopped.append(Stopped(each.call.call_id, each.call.tool_name, outcome, ran_s))
        finished = [Finished(each.call.call_id, each.call.tool_name, each.state) for each in self._finished.values()]
        was_asking = self._goes_on and not stopped and self._status is AgentStatus.THINKING
        return Stop(stopped=stopped, finished=finished, was_asking=was_asking)


def outcome_of(effect: str, *, has_started: bool) -> Outcome:
    """What is known of a call without a result."""
    if not has_started:
        return "not_started"
    return "no_effect" if effect in REPEATABLE else "unknown"


def stop_of(run: Run, *, forced_by: str | None = None) -> Stop:
    """What a stop of `run` at this moment stops, by its rows. For runs no host lets go of itself."""
    calls = list(run.calls.order_by("turn", "index"))
    have_results = set(
        run.steps.filter(kind=Step.Kind.TOOL_RESULT, call_id__isnull=False).values_list("call_id", flat=True)
    )
    now = timezone.now()
    open_calls = [call for call in calls if call.call_id not in have_results]
    last_turn = calls[-1].turn if calls else 0
    done = [call for call in calls if call.turn == last_turn and call.call_id in have_results]
    return Stop(
        stopped=[_stopped_row(call, now) for call in open_calls],
        finished=[Finished(str(call.call_id), call.tool_name, call.state) for call in done],
        was_asking=run.owner is not None and run.status == Run.Status.THINKING and not open_calls,
        forced_by=forced_by,
    )


def _stopped_row(call: ToolCall, now: datetime) -> Stopped:
    has_started = call.state in (ToolCall.State.STARTED, ToolCall.State.UNKNOWN)
    ran_s = None
    if call.state == ToolCall.State.STARTED and call.started_at is not None:
        ran_s = round((now - call.started_at).total_seconds(), 3)
    return Stopped(str(call.call_id), call.tool_name, outcome_of(call.effect, has_started=has_started), ran_s)


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
    return {
        "reply": reply,
        "tokens_after": (totals.tokens or 0) - (before["tokens"] or 0),
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
    if stop.finished:
        said.append(f"Had finished: {', '.join(each.tool_name for each in stop.finished)}.")
    if proof["tokens_after"] is not None:
        cost = f"${proof['cost_after']}" if proof["cost_is_known"] else "at an unknown cost"
        said.append(f"Booked after that: {counted(proof['tokens_after'], 'token')}, {cost}.")
    return " ".join(said)
