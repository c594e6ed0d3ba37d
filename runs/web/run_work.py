"""The work of a run, or of a part of it, inside a conversation: replies, calls and their results, in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.live.feeds.frames import MAX_SEQUENCE
from runs.live.rendering.step_views import StepView
from runs.live.rendering.timeline_views import views_of
from runs.models import Run, Step
from runs.web.access import PageRequest, run_or_404, signed_in

MOST_STEPS: Final = 200
LEFT_OUT: Final = (Step.Kind.ANSWER, Step.Kind.APPROVAL, Step.Kind.MESSAGE)
"""The conversation shows them itself."""


@dataclass(slots=True)
class WorkRow:
    """A step on one line; a call together with its result."""

    step: Step
    card: StepView
    result: Step | None = None
    result_card: StepView | None = None


@require_safe
@signed_in
def show_work(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The steps after the sequence `after`, up to `until`, as a part of a page."""
    run = run_or_404(request, run_id)
    after, until = _number(request, "after", 0), _number(request, "until", MAX_SEQUENCE)
    steps = _steps(run, after, until)
    context = {"run": run, "rows": list(rows_of(steps[:MOST_STEPS])), "has_more": len(steps) > MOST_STEPS}
    return render(request, "threads/partials/work.html", context)


def rows_of(steps: Sequence[Step]) -> Iterator[WorkRow]:
    """The rows of consecutive steps."""
    calls: dict[UUID, WorkRow] = {}
    rows = []
    for step, card in zip(steps, views_of(steps), strict=True):
        call = calls.get(step.call_id) if step.call_id is not None else None
        if step.kind == Step.Kind.TOOL_RESULT and call is not None:
            call.result, call.result_card = step, card
        elif step.kind not in LEFT_OUT:
            rows.append(WorkRow(step, card))
            if step.kind == Step.Kind.TOOL_CALL and step.call_id is not None:
                calls[step.call_id] = rows[-1]
    yield from rows


def _steps(run: Run, after: int, until: int) -> list[Step]:
    steps = run.steps.filter(sequence__gt=after, sequence__lte=until).defer("replay")
    return list(steps.order_by("sequence")[: MOST_STEPS + 1])


def _number(request: PageRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    return min(int(text), MAX_SEQUENCE) if text.isascii() and text.isdecimal() and len(text) <= 9 else default
