"""The calls of a run as rows, for pages that show runs as a whole."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models.functions import Left
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.agent.visible_text import exact
from runs.live.rendering.json_texts import argument_text
from runs.models import Run, Step, ToolCall
from runs.web.access import PageRequest, run_or_404, signed_in

MOST_CALLS: Final = 100
SHOWN_CHARS: Final = 240
"""Characters of the arguments and of the result that are read for a row."""
ICONS: Final = {
    ToolCall.State.PROPOSED: "clock",
    ToolCall.State.AWAITING_APPROVAL: "hand",
    ToolCall.State.AWAITING_ANSWER: "message-circle-question-mark",
    ToolCall.State.AWAITING_CHILD: "workflow",
    ToolCall.State.APPROVED: "clock",
    ToolCall.State.DENIED: "ban",
    ToolCall.State.STARTED: "loader",
    ToolCall.State.SUCCEEDED: "check",
    ToolCall.State.FAILED: "x",
    ToolCall.State.UNKNOWN: "circle-question-mark",
}
"""Names of lucide icons by state."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call on one line."""

    call: ToolCall
    icon: str
    arguments: str
    result: str
    """The beginning of its result; empty without one."""

    @property
    def took(self) -> timedelta | None:
        """From its start to its end; None before both."""
        if self.call.started_at is None or self.call.ended_at is None:
            return None
        return self.call.ended_at - self.call.started_at


@require_safe
@signed_in
def show_calls(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The first calls of a run, as a part of a page."""
    run = run_or_404(request, run_id)
    rows = _rows(run)
    context = {"run": run, "rows": rows[:MOST_CALLS], "has_more": len(rows) > MOST_CALLS}
    return render(request, "threads/partials/calls.html", context)


def _rows(run: Run) -> list[CallRow]:
    calls = list(run.calls.order_by("turn", "index", "position")[: MOST_CALLS + 1])
    steps = Step.objects.filter(run=run, kind=Step.Kind.TOOL_RESULT, call_id__in=[call.pk for call in calls])
    results = dict(steps.order_by("sequence").values_list("call_id", Left("content", SHOWN_CHARS)))
    return [
        CallRow(call, ICONS[ToolCall.State(call.state)], _arguments(call), results.get(call.pk, "")) for call in calls
    ]


def _arguments(call: ToolCall) -> str:
    """The values; with their names if there are several."""
    texts = [(name, argument_text(value)[:SHOWN_CHARS]) for name, value in call.arguments.items()]
    shown = [text for _name, text in texts] if len(texts) == 1 else [f"{name}: {text}" for name, text in texts]
    return exact(", ".join(shown)[:SHOWN_CHARS])
