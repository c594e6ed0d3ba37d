"""The only place that renders steps, run states and list rows, for pages and sockets."""

import functools
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from runs.agent.json_data.json_types import JsonObject
from runs.live.rendering.child_links import add_child_runs
from runs.live.rendering.formatting import counted_text, dollars, duration_text, tokens_text
from runs.live.rendering.limit_use import limit_use
from runs.live.rendering.placement import Placed, TurnGroup, nested, slot_of, turn_slot_of
from runs.live.rendering.run_lines import attempt_of
from runs.live.rendering.stage_views import face_of_run, face_of_step
from runs.live.rendering.step_views import StepView, step_view
from runs.live.rendering.timeline_views import views_of
from runs.live.rendering.tree_views import TreeView, may_be_in_tree, tree_view
from runs.live.rendering.turn_folds import Beside, TurnFold, TurnOrStep, folded
from runs.models import Run, Step
from runs.models.concurrency_limits import limit_reached
from runs.models.run import FORCE_AFTER

NOTICED_S: Final = 1.0
"""A run that took longer than it was at work by more than this says both times."""


def step_html(step: Step) -> SafeString:
    """The card of a step. It depends on the row and the language only: one rendering serves all viewers of a language.

    A card that comes to an open page also brings the face of the stage that it changes.
    """
    view = step_view(step)
    return _step(step, view, {"stage": face_of_step(step, view), "run_id": step.run_id})


def timeline_html(steps: Iterable[Step], *, at: int = 0, beside: Beside | None = None) -> SafeString:
    """The cards of consecutive steps of one run, each in its turn and in the card of its call.

    Equal turns are folded, also if only some of them are here and the others are `beside` them; the fold with the step
    `at` is open.

    On a live page `placement.js` puts them there, and the card of a result updates the card of its call; a page without
    JavaScript needs it rendered in place.
    """
    steps = list(steps)
    cards = list(zip(steps, views_of(steps), strict=True))
    add_child_runs(card.child for _, card in cards if card.child is not None)
    is_start = bool(steps) and steps[0].sequence == 1
    return _joined(map(_part, folded(nested(cards), is_start=is_start, at=at, beside=beside)))


def _part(part: TurnOrStep | TurnFold) -> SafeString:
    if isinstance(part, TurnFold):
        numbers = {"first": counted_text(part.turns[0].number), "last": counted_text(part.turns[-1].number)}
        return _render("turn_fold", {"fold": part, "turns": _joined(map(_turn, part.turns)), **numbers})
    return _turn(part) if isinstance(part, TurnGroup) else _placed(part)


def _turn(turn: TurnGroup) -> SafeString:
    slots = {name: _joined(map(_placed, placed)) for name, placed in turn.slots.items()}
    return _render("turn", {"number": turn.number, "slots": slots})


def _placed(placed: Placed) -> SafeString:
    slots = {name: _joined(map(_placed, inner)) for name, inner in placed.slots.items()}
    return _step(placed.step, placed.view, {"slots": slots})


def _step(step: Step, view: StepView, more: JsonObject) -> SafeString:
    return _render("step", {"step": step, "card": view, "into": slot_of(step), "or_into": turn_slot_of(step)} | more)


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return mark_safe("\n".join(parts))  # noqa: S308  joined from rendered templates


def state_html(run: Run) -> SafeString:
    """What changes on a run's page beside its steps: the run bar, the stage, the messages that wait, and the tree that
    the run is in."""
    parts = [run_state_html(run), stage_html(run)]
    if run.messages_changed_at is not None:
        parts.append(messages_html(run))
    if may_be_in_tree(run):
        parts.append(tree_html(run))
    return _joined(parts)


def messages_html(run: Run) -> SafeString:
    """The messages that people have sent to the run and that it has not read; an empty place for them without any."""
    messages = run.messages.queued().select_related("user") if run.queued_messages else ()
    return _render("run_messages", {"run": run, "messages": messages, "waits": waits_with_messages(run)})


def waits_with_messages(run: Run) -> str:
    """When the run reads the messages that wait, as a sentence."""
    if run.is_finished:
        return gettext("The run has ended without reading this.")
    match run.waiting_for:
        case Run.WaitingFor.RESUME:
            return gettext("Read when the run is resumed.")
        case Run.WaitingFor.APPROVAL | Run.WaitingFor.DECISION:
            return gettext("Read after the decision that the run waits for. A message decides nothing.")
        case Run.WaitingFor.ANSWER:
            return gettext("Read after the answer that the run waits for. A message is no answer.")
        case Run.WaitingFor.CHILD:
            return gettext("Read when the child runs have ended.")
        case _:
            return gettext("Read before the next turn.")


def tree_html(run: Run) -> SafeString:
    """The tree that the run is in; an empty place for it for a run alone. Reads its runs."""
    return tree_place_html(run, tree_view(run))


def tree_place_html(run: Run, tree: TreeView | None) -> SafeString:
    """The same for a tree that was read."""
    return _render("run_tree", {"run_id": run.pk, "tree": tree})


def run_state_html(run: Run) -> SafeString:
    """The run bar: status, totals and actions. Reads the last attempt of a run that waits for the next one."""
    if run.waiting_for == Run.WaitingFor.RETRY:
        failed = run.steps.defer("replay").filter(kind=Step.Kind.RETRY).order_by("-sequence").first()
        run.attempt = attempt_of(failed) if failed is not None else ""  # type: ignore[attr-defined]
    shown = {"run": run, "totals": run_totals(run), "limit": limit_use(run), **_force_times(run)}
    return _render("run_state", shown)


def stage_html(run: Run) -> SafeString:
    """The face of the stage. Reads the steps and calls that it shows."""
    shown = {"run_id": run.pk, "stage": face_of_run(run), "queued_for": queued_for(run), **_force_times(run)}
    return _render("stage", shown)


def queued_for(run: Run) -> str:
    """The limit that a queued run waits for, as a sentence; empty otherwise."""
    limit = limit_reached(run)
    if limit is None:
        return ""
    if limit.of == "agent":
        words = ngettext(
            "Waits for a place: at most %(n)s run of the agent %(agent)s may be at work at once.",
            "Waits for a place: at most %(n)s runs of the agent %(agent)s may be at work at once.",
            limit.most,
        )
    else:
        words = ngettext(
            "Waits for a place: at most %(n)s run of one person may be at work at once.",
            "Waits for a place: at most %(n)s runs of one person may be at work at once.",
            limit.most,
        )
    return words % {"n": counted_text(limit.most), "agent": run.config.get("agent", "")}


def _force_times(run: Run) -> JsonObject:
    """When a requested stop can be forced, in milliseconds since the epoch, and whether that time has come.
    A live page shows the button by itself at that time."""
    if run.cancel_requested_at is None or run.owner is None:
        return {"force_ms": None}
    at = run.cancel_requested_at + FORCE_AFTER
    return {"force_ms": round(at.timestamp() * 1000), "can_force": timezone.now() >= at}


def run_list_item_html(run: Run, *, show_owner: bool = False) -> SafeString:
    """The run's row in a list. Reads `run.agent`, and `run.user` with `show_owner`: select them with the run. Its line
    (`add_lines`) is shown if it has one."""
    return _render("run_list_item", {"run": run, "show_owner": show_owner})


def counts_html(counts: Mapping[str, int]) -> SafeString:
    """The counts of a dashboard (`dashboard_queries.counts_for`)."""
    return _render("counts", {"counts": counts})


def _whole_time(run: Run) -> str:
    """From the start of a finished run to its end; empty where that is about the time it was at work."""
    if run.ended_at is None or run.started_at is None:
        return ""
    whole_s = (run.ended_at - run.started_at).total_seconds()
    return duration_text(whole_s) if run.active_ms and whole_s - run.active_ms / 1000 > NOTICED_S else ""


def run_totals(run: Run) -> dict[str, str]:
    """Model, agent, time in all, tokens and cost as texts. In every language tokens and cost are `none` for the
    offline planner, `unknown` if a finished run reported none, and empty as long as a reply may still report them."""
    models = run.config.get("models") or ["offline"]
    missing = "none" if models == ["offline"] else "unknown" if run.is_finished else ""
    tokens = run.tokens_used
    return {
        "model": ", ".join(map(str, models)),
        "agent": str(run.config.get("agent") or "Assistant"),  # not translated: the name of an agent
        "whole": _whole_time(run),
        "tokens": missing if tokens is None else tokens_text(tokens, is_estimated=run.usage_is_estimated),
        "cost": missing if run.cost is None else _cost(run.cost, is_partial=run.cost_is_partial),
    }


def _cost(cost: Decimal, *, is_partial: bool) -> str:
    return gettext("at least %(cost)s") % {"cost": dollars(cost)} if is_partial else dollars(cost)


@functools.cache
def _template(name: str) -> Any:
    return get_template(f"runs/partials/{name}.html")


def _render(name: str, context: JsonObject) -> SafeString:
    html: SafeString = _template(name).render(context)
    return html
