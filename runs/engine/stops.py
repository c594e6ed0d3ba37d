"""What was going on when a run stopped: which calls ran, which had their result, whether a model was being asked.

A hosted run knows it by itself (`Doing`); of any other, its rows do.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils import timezone

from runs.agent.calling import REPEATABLE
from runs.agent.journal import CallChange, Entry
from runs.agent.state import AgentStatus
from runs.models import Run, Step, ToolCall

Outcome = Literal["not_started", "no_effect", "unknown"]
"""What a call that was stopped did to the world: it had not started, it changes nothing, or nobody can tell."""


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
    keeps_words: bool = False
    """True if what it had said by then is kept, in a step before the last."""
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

    def stop(self, running: Iterable[CallChange], *, keeps_words: bool = False) -> Stop:
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
        return Stop(stopped=stopped, finished=finished, was_asking=was_asking, keeps_words=keeps_words)


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
