"""The stage of a run's page: the one card that shows the most important thing now.

A face is made from the rows only, as a step's card is: one rendering serves every viewer. The faces of a result
(answer, error, report of a stop) and of a retry are made from one step, which brings them to open pages.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from django.utils.translation import gettext, ngettext

from runs.agent.payloads.steps import AnswerPayload, QuestionPayload, RetryPayload
from runs.live.rendering.call_lanes import MOST_CALLS, CallLane, calls_of_turn, lanes_of, running_lanes
from runs.live.rendering.child_lanes import children_of_turn, lane_of_child
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.race_views import Race, race_of_start
from runs.live.rendering.remedy_buttons import offers_for
from runs.live.rendering.step_views import StepView, step_view
from runs.models import Run, Step, ToolCall

Face = Literal[
    "", "stopping", "ask", "retry", "race", "tools", "children", "thinking", "queued", "paused", "failed", "stopped",
    "completed"
]  # fmt: skip

MOST_QUESTIONS: Final = 10
"""Questions that the stage asks at once; the inbox has the others."""
FINAL_KINDS: Final = {Run.Status.COMPLETED: Step.Kind.ANSWER, Run.Status.FAILED: Step.Kind.ERROR}
_LOOKS: Final[dict[Face, tuple[str, str]]] = {
    "stopping": ("", "octagon-x"),
    "ask": ("you", "hand"),
    "retry": ("run", "refresh-cw"),
    "race": ("run", "git-fork"),
    "tools": ("run", "wrench"),
    "children": ("run", "workflow"),
    "thinking": ("run", "brain"),
    "queued": ("", "circle-dashed"),
    "paused": ("", "pause"),
    "failed": ("error", "circle-x"),
    "stopped": ("", "circle-slash"),
    "completed": ("ok", "circle-check"),
}
"""By face: the tone and the icon."""


@dataclass(frozen=True, slots=True)
class Grace:
    """An approval that can still be taken back."""

    call_id: UUID
    tool_name: str
    by: str
    until: datetime


@dataclass(slots=True, kw_only=True)
class StageView:
    """One face of the stage."""

    face: Face = ""
    title: str = ""
    sub: str = ""
    since: datetime | None = None
    """Start of what the face shows, for a clock."""
    step: Step | None = None
    card: StepView | None = None
    """The step that the face shows, and its view."""
    questions: list[tuple[Step, StepView]] = field(default_factory=list)
    graces: list[Grace] = field(default_factory=list)
    lanes: list[CallLane] = field(default_factory=list)
    race: Race | None = None
    """The race that goes on, or was just decided."""
    more: int = 0
    """Further calls or questions."""
    could_not: bool = False
    """Of the face `completed`: the answer says that the task could not be done."""

    @property
    def tone(self) -> str:
        """Who has to act: `run`, `you`, `ok`, `error`; empty for nobody."""
        if self.could_not:
            return ""
        return _LOOKS[self.face][0] if self.face else ""

    @property
    def icon(self) -> str:
        """The name of its icon."""
        if self.could_not:
            return "circle-minus"
        return _LOOKS[self.face][1] if self.face else "info"


def face_of_step(step: Step, card: StepView) -> StageView | None:
    """The face that the step brings; None for a step that changes none."""
    match step.kind:
        case Step.Kind.ANSWER:
            could_not = isinstance(step.payload, AnswerPayload) and step.payload.could_not
            title = str(Run.COULD_NOT) if could_not else gettext("Answer")
            return StageView(face="completed", title=title, step=step, card=card, could_not=could_not)
        case Step.Kind.ERROR:
            return StageView(face="failed", title=card.cause or gettext("Error"), step=step, card=card)
        case Step.Kind.RETRY if step.call_id is None and isinstance(step.payload, RetryPayload) and card.next_at:
            return StageView(face="retry", title=_attempt_words(step, card), step=step, card=card)
        case Step.Kind.RACE if card.race is not None:
            return _race_face(step, card.race)
        case Step.Kind.NOTE if card.proof is not None:
            return StageView(
                face="stopped",
                title=gettext("Stopped by force") if card.proof.forced_by else gettext("Stopped"),
                step=step,
                card=card,
            )
        case _:
            return None


def face_of_run(run: Run) -> StageView:
    """The face of the stage as the rows are now."""
    if run.is_finished:
        return _final(run)
    if run.cancel_requested_at:
        return StageView(
            face="stopping", title=gettext("Stopping…"), since=run.cancel_requested_at, lanes=running_lanes(run)
        )
    if run.status == Run.Status.WAITING:
        return _waiting(run)
    if run.status == Run.Status.EXECUTING:
        return _tools(run)
    if run.status == Run.Status.THINKING:
        return _race(run) or StageView(face="thinking", title=_thinker(run), since=_last_moment(run) or run.started_at)
    return StageView(face="queued", title=gettext("Queued"))


def _waiting(run: Run) -> StageView:
    match run.waiting_for:
        case Run.WaitingFor.APPROVAL | Run.WaitingFor.DECISION | Run.WaitingFor.ANSWER:
            return _questions(run)
        case Run.WaitingFor.RETRY:
            return _retry(run)
        case Run.WaitingFor.CHILD:
            return _children(run)
        case _:
            sub = gettext("It goes on from here when you resume it.")
            return StageView(face="paused", title=gettext("Paused"), sub=sub)


def _final(run: Run) -> StageView:
    status = Run.Status(run.status)
    steps = run.steps.defer("replay").order_by("-sequence")
    found = steps.filter(kind=FINAL_KINDS[status]) if status in FINAL_KINDS else steps.notes("cancelled")
    step = found.first()
    face = face_of_step(step, step_view(step)) if step is not None else None
    if face is not None:
        return face
    match status:
        case Run.Status.FAILED:
            offers = offers_for(str((run.error or {}).get("code")))
            return StageView(face="failed", title=gettext("Failed"), card=StepView(icon="circle-x", offers=offers))
        case Run.Status.CANCELLED:
            return StageView(face="stopped", title=gettext("Stopped"))
        case _:
            return StageView()


def _race(run: Run) -> StageView | None:
    """The race of this claim that has begun and not ended; None without one."""
    if run.config.get("strategy") not in ("race", "hedge"):
        return None
    steps = run.steps.defer("replay")
    start = steps.filter(kind=Step.Kind.RACE).order_by("-sequence").first()
    if start is None or start.epoch != run.epoch:
        return None
    failed = steps.filter(kind=Step.Kind.RETRY, call_id=None, sequence__gt=start.sequence)
    race = race_of_start(start, list(failed))
    return None if race is None else _race_face(start, race)


def _race_face(step: Step, race: Race) -> StageView:
    count = len(race.lanes) + race.more
    is_over = all(lane.state != "asked" for lane in race.lanes)
    return StageView(
        face="race",
        title=ngettext("%(n)s model at once", "%(n)s models at once", count) % {"n": count},
        sub=gettext("round %(n)s") % {"n": step.attempt} if (step.attempt or 1) > 1 else "",
        since=None if is_over else step.started_at,
        race=race,
    )


def _retry(run: Run) -> StageView:
    step = run.steps.defer("replay").filter(kind=Step.Kind.RETRY, call_id=None).order_by("-sequence").first()
    face = face_of_step(step, step_view(step)) if step is not None else None
    return face or StageView(face="retry", title=gettext("Retrying"))


def _questions(run: Run) -> StageView:
    rows = (
        ToolCall.objects.asking()
        .filter(run=run)
        .order_by("turn", "index", "position")
        .values_list("call_id", "expires_at")
    )
    asking = dict(rows)
    shown = list(asking)[:MOST_QUESTIONS]
    steps = run.steps.defer("replay").filter(kind=Step.Kind.APPROVAL, call_id__in=shown).order_by("sequence")
    last = {step.call_id: step for step in steps if isinstance(step.payload, QuestionPayload)}
    questions = [_question(last[call_id], asking[call_id]) for call_id in shown if call_id in last]
    graces = _graces(run)
    if graces and not asking:
        return StageView(face="ask", title=gettext("Approved"), sub=gettext("It runs in a moment."), graces=graces)
    title = _title(run, len(asking))
    return StageView(face="ask", title=title, questions=questions, graces=graces, more=len(asking) - len(shown))


def _title(run: Run, count: int) -> str:
    titles: dict[str, tuple[str, str]] = {
        Run.WaitingFor.APPROVAL: (gettext("Needs your approval"), gettext("%(n)s calls need your approval")),
        Run.WaitingFor.ANSWER: (gettext("A question for you"), gettext("%(n)s questions for you")),
    }
    unknown = (gettext("Outcome unknown"), gettext("%(n)s calls need your answer"))
    one, several = titles.get(run.waiting_for, unknown)
    return several % {"n": counted_text(count)} if count > 1 else one


def _question(step: Step, expires_at: datetime | None) -> tuple[Step, StepView]:
    card = step_view(step)
    card.add_arguments(step)
    if card.question is not None and card.question.expires_at is not None and expires_at is not None:
        # An approval that was taken back has moved the deadline.
        expires_ms = round(expires_at.timestamp() * 1000)
        card.question = replace(card.question, expires_at=expires_at, expires_ms=expires_ms)
    return step, card


def _graces(run: Run) -> list[Grace]:
    calls = run.calls.filter(state=ToolCall.State.APPROVED, undo_until__isnull=False).order_by(
        "turn", "index", "position"
    )
    rows = calls.values_list("call_id", "tool_name", "decided_by__username", "undo_until")[:MOST_QUESTIONS]
    return [Grace(call_id, tool_name, by or "", until) for call_id, tool_name, by, until in rows if until is not None]


def _tools(run: Run) -> StageView:
    calls = calls_of_turn(run)
    done = sum(call.state not in ToolCall.OPEN for call in calls)
    title = (
        gettext("%(n)s tools at once") % {"n": len(calls)}
        if len(calls) > 1
        else f"{calls[0].tool_name}"
        if calls
        else gettext("Running tools")
    )
    # What still runs comes first: it is what somebody waits for.
    shown = sorted(calls, key=lambda call: call.state not in ToolCall.OPEN)[:MOST_CALLS]
    lanes = lanes_of(run, sorted(shown, key=lambda call: (call.index, call.position)))
    sub = gettext("%(done)s of %(n)s done") % {"done": done, "n": len(calls)} if len(calls) > 1 else ""
    return StageView(face="tools", title=title, sub=sub, lanes=lanes, more=len(calls) - len(shown))


def _children(run: Run) -> StageView:
    children = children_of_turn(run)
    left = [child for child in children if not child.is_finished]
    done = len(children) - len(left)
    words = ngettext("Waits for %(n)s child run", "Waits for %(n)s child runs", len(left)) % {"n": len(left)}
    sub = gettext("%(done)s of %(n)s done") % {"done": done, "n": len(children)} if len(children) > 1 else ""
    # Those that are waited for come first.
    shown = sorted(children, key=lambda child: child.is_finished)[:MOST_CALLS]
    lanes = [lane_of_child(child) for child in shown]
    return StageView(face="children", title=words, sub=sub, lanes=lanes, more=len(children) - len(shown))


def _thinker(run: Run) -> str:
    models = [str(name) for name in run.config.get("models") or ["offline"]]
    if len(models) > 1 and run.config.get("strategy") in ("race", "hedge"):
        return gettext("%(n)s models") % {"n": len(models)}
    return models[0]


def _last_moment(run: Run) -> datetime | None:
    last = run.steps.order_by("-sequence").values_list("ended_at", "started_at").first()
    return (last[0] or last[1]) if last is not None else None


def _attempt_words(step: Step, card: StepView) -> str:
    cause = card.cause + (f" ({card.http_status})" if card.http_status else "")
    of = {"n": step.attempt or 1, "most": step.max_attempts or "?", "cause": cause}
    match card.attempt:
        case "wait":
            return gettext("Waiting: rate limited")
        case "round":
            return gettext("Round %(n)s of %(most)s: no model replied") % of
        case _:
            return gettext("Attempt %(n)s of %(most)s failed: %(cause)s") % of
