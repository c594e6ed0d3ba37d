"""The page of one step, and the same as a part of the page of its run: the inspector."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from runs.live.feeds.frames import MAX_SEQUENCE
from runs.live.rendering.long_texts import Fold, fold_raw
from runs.live.rendering.step_lines import line_of, name_of
from runs.live.rendering.step_views import StepView, step_view
from runs.models import Run, Step
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.run_settings import Fact
from runs.web.step_facts import CallSteps, call_steps, facts_of_step

TABS: Final = {
    "summary": gettext_lazy("Summary"),
    "input": gettext_lazy("Input"),
    "output": gettext_lazy("Output"),
    "raw": gettext_lazy("Raw JSON"),
    "around": gettext_lazy("Around"),
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another step that this one is next to."""

    label: Any
    sequence: int
    name: str
    line: str


@dataclass(slots=True)
class StepDetails:
    """One step in full. Only what the chosen tab shows is read."""

    step: Step
    name: str
    tab: str
    card: StepView
    call: CallSteps
    previous: int
    next: int
    """The sequences beside it; 0 for none."""
    facts: list[Fact] = field(default_factory=list)
    asked: StepView | None = None
    """The view of the step with the call's arguments."""
    told: StepView | None = None
    """The view of the step that has the output."""
    raw: Fold | None = None
    around: list[Neighbour] = field(default_factory=list)

    @property
    def tabs(self) -> list[tuple[str, Any, bool]]:
        """Name, label, and whether it is the chosen one."""
        return [(name, label, name == self.tab) for name, label in TABS.items()]

    @property
    def output_step(self) -> Step | None:
        """The step whose text is the output; None for a call without a result."""
        return self.call.result if self.step.kind == Step.Kind.TOOL_CALL else self.step


@require_safe
@signed_in
def show_step(request: PageRequest, run_id: UUID, sequence: int) -> HttpResponse:
    """Show one step in full, on a page; to htmx as the inspector."""
    run = run_or_404(request, run_id)
    details = details_of(run, sequence, request.GET.get("tab", ""))
    template = "runs/partials/inspector.html" if request.htmx else "runs/step.html"
    return render(request, template, {"run": run, "details": details, "in_panel": bool(request.htmx)})


def details_of(run: Run, sequence: int, tab: str) -> StepDetails:
    """The step in full, as the tab shows it. Raises 404 for a step that the run does not have."""
    step = get_object_or_404(run.steps.defer("replay"), sequence=min(sequence, MAX_SEQUENCE))
    card, call = step_view(step), call_steps(run, step)
    if call.result is not None:
        card.badge = step_view(call.result).badge
    details = StepDetails(
        step,
        name_of(step),
        tab if tab in TABS else "summary",
        card,
        call,
        previous=step.sequence - 1,
        next=step.sequence + 1 if step.sequence < run.last_sequence else 0,
    )
    _add_tab(run, details)
    return details


def _add_tab(run: Run, details: StepDetails) -> None:
    step, call = details.step, details.call
    match details.tab:
        case "summary":
            details.facts = facts_of_step(run, step, details.card, call)
        case "input" if call.asked is not None:
            details.asked = StepView(icon="")
            details.asked.add_arguments(call.asked)
        case "output" if details.output_step is not None:
            details.told = step_view(details.output_step)
        case "raw":
            details.raw = fold_raw(step)
        case "around":
            details.around = _around(run, step, call)


def _around(run: Run, step: Step, call: CallSteps) -> list[Neighbour]:
    """The steps beside it, and the nearest ones of its tool or, if it is about none, of its kind."""
    rows = run.steps.defer("replay", "html")
    if call.asked is not None:
        alike, start = rows.filter(kind=Step.Kind.TOOL_CALL, tool_name=call.asked.tool_name), call.asked
        before, after = gettext_lazy("Previous call of this tool"), gettext_lazy("Next call of this tool")
    else:
        alike, start = rows.filter(kind=step.kind), step
        before, after = gettext_lazy("Previous of this kind"), gettext_lazy("Next of this kind")
    found = (
        (gettext_lazy("Previous step"), rows.filter(sequence=step.sequence - 1).first()),
        (gettext_lazy("Next step"), rows.filter(sequence=step.sequence + 1).first()),
        (before, alike.filter(sequence__lt=start.sequence).order_by("-sequence").first()),
        (after, alike.filter(sequence__gt=start.sequence).order_by("sequence").first()),
    )
    return [Neighbour(label, each.sequence, name_of(each), line_of(each)) for label, each in found if each is not None]
