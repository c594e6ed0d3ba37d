"""The one place that renders a step, a run's state and a row of a list: for pages and for sockets alike."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from runs.agent.wording import counted
from runs.live.amounts import dollars, duration_text, tokens_text
from runs.live.cards import card_of
from runs.live.offers import resume_for
from runs.live.pictures import calls_of
from runs.models import Run, Step
from runs.models.at_once import limit_reached
from runs.models.run import FORCE_AFTER


def step_html(step: Step) -> SafeString:
    """The card of a step. It depends on the row only, so one rendering serves every viewer."""
    return _render("step", {"step": step, "card": card_of(step)})


def timeline_html(steps: Iterable[Step]) -> SafeString:
    """The cards of consecutive steps of one run, each call already saying how it ended.

    In a live page the card of a result brings the new state of its call along; a page read without JavaScript
    needs it put in its place.
    """
    steps = list(steps)
    cards = {step.sequence: step_html(step) for step in steps}
    calls = {step.call_id: step for step in steps if step.kind == Step.Kind.TOOL_CALL}
    last = {step.call_id: step for step in steps if step.kind in (Step.Kind.TOOL_RESULT, Step.Kind.APPROVAL)}
    for call_id, call in calls.items():
        if (told := last.get(call_id)) is not None:
            before, after = _call_state_html(call), _call_state_html(told)
            cards[call.sequence] = mark_safe(cards[call.sequence].replace(before, after, 1))  # noqa: S308  both are ours
    for question, answer in _answered(steps):
        before, after = _decide_html(question), _decided_html(question, answer)
        cards[question.sequence] = mark_safe(cards[question.sequence].replace(before, after, 1))  # noqa: S308  both are ours
    for call, result in _side_by_side(steps):
        before, after = _picture_html(call), _picture_html(result)
        cards[call.sequence] = mark_safe(cards[call.sequence].replace(before, after, 1))  # noqa: S308  both are ours
    return mark_safe("\n".join(cards.values()))  # noqa: S308  joined from rendered templates


def _side_by_side(steps: list[Step]) -> list[tuple[Step, Step]]:
    """The call whose card pictures the calls of its turn, and the last result that tells of them, per turn."""
    pictured = {step.turn: step for step in steps if step.kind == Step.Kind.TOOL_CALL and calls_of(step)}
    told = {step.turn: step for step in steps if step.kind == Step.Kind.TOOL_RESULT and calls_of(step)}
    return [(pictured[turn], result) for turn, result in told.items() if turn in pictured]


def _answered(steps: list[Step]) -> Iterator[tuple[Step, Step]]:
    """Each question about a call with the step that answers it, or that says it is not answered any more."""
    cards = {step.sequence: card_of(step) for step in steps if step.call_id is not None}
    for question in steps:
        asked = cards[question.sequence].question if question.sequence in cards else None
        if asked is None or not asked.asks:
            continue
        for later in steps:
            if later.sequence > question.sequence and later.call_id == question.call_id:
                answer = cards[later.sequence]
                places = answer.question.replaces if answer.question is not None else answer.undecided
                if asked.element_id in places:
                    yield question, later
                    break


def _decide_html(step: Step) -> str:
    return _render("decide", {"step": step, "question": card_of(step).question}).strip()


def _decided_html(question: Step, answer: Step) -> str:
    asked = card_of(question).question
    place = asked.element_id if asked is not None else ""
    return _render("decided", {"place": place, "question": card_of(answer).question}).strip()


def _picture_html(step: Step) -> str:
    return _render("picture", {"picture": calls_of(step)}).strip()


def _call_state_html(step: Step) -> str:
    return _render("call_state", {"step": step, "card": card_of(step)}).strip()


def run_state_html(run: Run) -> SafeString:
    """The run's status, totals and actions: what changes at the top of its page."""
    resume = resume_for(str((run.error or {}).get("code"))) if run.status == Run.Status.FAILED else None
    shown = {
        "run": run,
        "totals": run_totals(run),
        "resume": resume,
        "queued_for": queued_for(run),
        **_force_times(run),
    }
    return _render("run_state", shown)


def queued_for(run: Run) -> str:
    """Why a run that is queued has to wait, if a limit says so; empty otherwise."""
    limit = limit_reached(run)
    if limit is None:
        return ""
    whose = f"of the agent {run.config.get('agent', '')}" if limit.of == "agent" else "of one person"
    return f"Waits for a place: at most {counted(limit.most, 'run')} {whose} may be at work at once."


def _force_times(run: Run) -> dict[str, Any]:
    """From when on a stop that was asked for can be forced, in milliseconds since the epoch, and whether that is past.

    A page that is live brings the button out itself when it is time."""
    if run.cancel_requested_at is None or run.owner is None:
        return {"force_ms": None}
    at = run.cancel_requested_at + FORCE_AFTER
    return {"force_ms": round(at.timestamp() * 1000), "can_force": timezone.now() >= at}


def run_row_html(run: Run, *, show_owner: bool = False) -> SafeString:
    """The run's row in a list. Reads `run.agent`, and `run.user` for `show_owner`: select them with the run."""
    return _render("run_row", {"run": run, "show_owner": show_owner})


def counts_html(counts: Mapping[str, int]) -> SafeString:
    """The counts of a dashboard (`board.counts_for`)."""
    return _render("counts", {"counts": counts})


def run_totals(run: Run) -> dict[str, str]:
    """Elapsed time, tokens and cost in words: "none" where there are none to count, "unknown" where nobody told us."""
    models = run.config.get("models") or ["offline"]
    missing = "none" if models == ["offline"] else "unknown"
    tokens = run.tokens_used
    ended = run.ended_at and run.ended_at - (run.started_at or run.created_at)
    return {
        "model": ", ".join(map(str, models)),
        "agent": str(run.config.get("agent") or "Assistant"),
        "elapsed": duration_text(ended.total_seconds()) if ended else "",
        "tokens": missing if tokens is None else tokens_text(tokens, is_estimated=run.usage_is_estimated),
        "cost": missing if run.cost is None else f"{'at least ' if run.cost_is_partial else ''}{dollars(run.cost)}",
    }


@functools.cache
def _template(name: str) -> Any:
    return get_template(f"runs/partials/{name}.html")


def _render(name: str, context: dict[str, Any]) -> SafeString:
    html: SafeString = _template(name).render(context)
    return html
