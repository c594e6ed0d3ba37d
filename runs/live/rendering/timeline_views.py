"""Views of consecutive steps: earlier cards show what later steps say about their calls."""

from collections.abc import Sequence

from runs.live.rendering.step_views import StepView, step_view
from runs.models import Step

Cards = Sequence[tuple[Step, StepView]]


def views_of(steps: Sequence[Step]) -> list[StepView]:
    """The view of each step; `steps` follow each other in one run."""
    cards = [(step, step_view(step)) for step in steps]
    _show_last_states(cards)
    _show_answers(cards)
    _show_changed_arguments(cards)
    _show_last_pictures(cards)
    return [view for _, view in cards]


def _show_last_states(cards: Cards) -> None:
    """Give each call its last known state."""
    calls = {step.call_id: view for step, view in cards if step.kind == Step.Kind.TOOL_CALL}
    for step, view in cards:
        if step.kind == Step.Kind.TOOL_CALL or view.badge is None or step.call_id not in calls:
            continue
        call = calls[step.call_id]
        call.badge, call.is_open = view.badge, view.is_open


def _show_answers(cards: Cards) -> None:
    """Mark each question that a later step answers: the first one that removes its buttons."""
    for index, (step, view) in enumerate(cards):
        question = view.question
        if step.call_id is None or question is None or not question.asks:
            continue
        for later, answer in cards[index + 1 :]:
            places = answer.question.replaces if answer.question is not None else answer.undecided
            if later.call_id == step.call_id and question.element_id in places:
                view.is_decided, view.answer = True, answer.question
                break


def _show_changed_arguments(cards: Cards) -> None:
    """Give each call the arguments that it runs with, if a person changed them."""
    calls = {step.call_id: view for step, view in cards if step.kind == Step.Kind.TOOL_CALL}
    for step, view in cards:
        if view.question is not None and view.changed_short and step.call_id in calls:
            call = calls[step.call_id]
            call.short, call.changed_by = view.changed_short, view.question.by
            call.rows, call.output, call.arguments_of = view.rows, view.output, step


def _show_last_pictures(cards: Cards) -> None:
    """Put the summary of parallel calls on the last call of their turn, and the bars on their results, from the last
    result, which knows most."""
    results = {f"call-{step.call_id}": view for step, view in cards if step.kind == Step.Kind.TOOL_RESULT}
    pictured = {step.turn: view for step, view in cards if step.kind == Step.Kind.TOOL_CALL and view.picture}
    for step, view in cards:
        if step.kind != Step.Kind.TOOL_RESULT or view.picture is None:
            continue
        if step.turn in pictured:
            pictured[step.turn].picture = view.picture
        for bar in view.picture.bars:
            if bar.anchor in results:
                results[bar.anchor].bar = bar
