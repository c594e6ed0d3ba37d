"""The timeline of a run: a view of its page, and further rows while scrolling."""

import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from runs.live.rendering.time_axis import WIDTH, Cut, TimeAxis, TimeSpan, idle_spans
from runs.live.rendering.timeline_bars import TimelineRow, place
from runs.live.rendering.timeline_rows import rows_of
from runs.models import Run, Step, ToolCall
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.timeline_zoom import LEAST_S, Zoom, share_of, zoom_of, zooms

MOST_ROWS: Final = 300
"""Rows of one request; a turn is not divided."""
STEPS_AT_ONCE: Final = 1_500
"""Steps that are read for them: a call is two or three."""
ROOM_SHARE: Final = 0.15
"""How much of its axis a run that goes on has before it, so that open bars can grow."""
LABEL_CHARS: Final = 200
REASONS: Final = {
    Step.Kind.APPROVAL: gettext_lazy("%(span)s waiting for approval"),
    Step.Kind.RETRY: gettext_lazy("%(span)s waiting for the next attempt"),
    Step.Kind.NOTE: gettext_lazy("%(span)s not at work"),
}
"""How long and why nothing happened, by the kind of the step before it."""
IDLE: Final = gettext_lazy("%(span)s idle")
"""After a step of another kind."""
QUEUED: Final = gettext_lazy("%(span)s queued")
"""Before the first step."""


@require_safe
@signed_in
def show_timeline(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The timeline as a part of a page: from its beginning, or the rows after the step `after`."""
    run = run_or_404(request, run_id)
    template = "runs/partials/timeline_rows.html" if request.GET.get("after") else "runs/partials/timeline.html"
    return render(request, template, {"run": run, **timeline_context(request, run)})


def timeline_context(request: PageRequest, run: Run) -> dict[str, Any]:
    """The rows after the step `after`, over the part of the time from `from` to `to`."""
    moments = _moments(run)
    begun, whole_s = _begun(run), _whole_s(run, moments)
    zoom = zoom_of(request.GET.dict(), whole_s)
    axis = _axis(run, moments, zoom, whole_s)
    after = request.GET.get("after", "")
    rows, last = _rows(run, axis, int(after) if after.isascii() and after.isdecimal() and len(after) <= 9 else 0)
    return drawn(axis) | {
        "rows": rows,
        "last_cuts": [cut for cut in axis.cuts if cut.end >= begun + whole_s - 0.001] if not last else [],
        "more_after": last,
        "is_further": bool(after),
        "zoom": zoom.query,
        "zooms": zooms(zoom, whole_s),
    }


def drawn(axis: TimeAxis) -> dict[str, Any]:
    """What all rows share of the axis: ticks, the paths of their grid and of the cuts, and how fast open bars grow."""
    ticks = axis.ticks()
    return {
        "ticks": ticks,
        "grid": "".join(f"M{tick.x} 0v12" for tick in ticks),
        "cut_lines": "".join(_zigzag(axis.x(cut.start)) for cut in axis.cuts),
        "growth_ms": round(WIDTH / axis.scale * 1000),
    }


def part_chosen(request: PageRequest, run: Run) -> str:
    """The query of the part of the time that was chosen by dragging over the axis; empty for none."""
    share = share_of(request.GET.dict())
    if share is None:
        return ""
    moments = _moments(run)
    whole_s = _whole_s(run, moments)
    axis = _axis(run, moments, zoom_of(request.GET.dict(), whole_s), whole_s)
    start, end = (max(0.0, axis.moment(each * WIDTH) - _begun(run)) for each in share)
    return Zoom(start, end).query


def _begun(run: Run) -> float:
    return (run.started_at or run.created_at).timestamp()


def _whole_s(run: Run, moments: list[tuple[str, float, float]]) -> float:
    """The seconds from the start to the end of the run, or to now. The last step may be written after its end."""
    end = run.ended_at.timestamp() if run.ended_at else time.time()
    return max([end, *(over for _kind, _start, over in moments)]) - _begun(run)


def _moments(run: Run) -> list[tuple[str, float, float]]:
    """Kind, start and end of each step, in seconds since the epoch; a step without a start took no time."""
    rows = run.steps.order_by("sequence").values_list("kind", "started_at", "ended_at")
    timed = ((kind, start or end, end or start) for kind, start, end in rows)
    return [(kind, start.timestamp(), end.timestamp()) for kind, start, end in timed if start and end]


def _axis(run: Run, moments: list[tuple[str, float, float]], zoom: Zoom, whole_s: float) -> TimeAxis:
    begun = _begun(run)
    start, end = begun + zoom.start, begun + max(whole_s if zoom.end is None else zoom.end, LEAST_S)
    busy: list[TimeSpan] = [(begins, over) for _kind, begins, over in moments if over >= start and begins <= end]
    if run.owner is not None:
        # A hosted run is at work since its last step.
        busy.append((max((over for _start, over in busy), default=start), end))
    cuts = tuple(Cut(*idle, _reason(moments, idle[0])) for idle in idle_spans(busy, start, end))
    if not run.is_finished and zoom.end is None:
        end += max(ROOM_SHARE * (end - start - sum(cut.end - cut.start for cut in cuts)), 0.5)
    return TimeAxis(start, end, cuts, begun)


def _reason(moments: list[tuple[str, float, float]], idle_since: float) -> str:
    before = [kind for kind, _start, over in moments if over <= idle_since + 0.001]
    return str(REASONS.get(Step.Kind(before[-1]), IDLE) if before else QUEUED)


def _rows(run: Run, axis: TimeAxis, after: int) -> tuple[list[TimelineRow], int]:
    """The rows with their bars, and the step after which the next ones begin; 0 if these are the last."""
    steps = list(_steps_in(run, axis).filter(sequence__gt=after)[: STEPS_AT_ONCE + 1])
    shown = _first_turns(steps)
    has_more = len(shown) < len(steps)
    is_live = not run.is_finished and not has_more
    calls = run.calls.filter(state=ToolCall.State.STARTED) if is_live else ()
    is_thinking = is_live and run.status == Run.Status.THINKING
    for step in shown:
        step.content = step.beginning  # type: ignore[attr-defined]
    since = _since(run, shown)
    rows = rows_of(shown, since, calls, is_thinking=is_thinking)
    place(rows, axis, since=since, now=time.time())
    return rows, shown[-1].sequence if has_more else 0


def _steps_in(run: Run, axis: TimeAxis) -> QuerySet[Step]:
    """The steps in the time of the axis, without their texts."""
    start, end = (datetime.fromtimestamp(each, UTC) for each in (axis.start, axis.end))
    steps = run.steps.order_by("sequence").only(
        *("run", "sequence", "turn", "kind", "tool_name", "call_id", "severity", "started_at", "ended_at", "metadata")
    )
    steps = steps.annotate(beginning=Left("content", LABEL_CHARS)).exclude(turn=None)
    if axis.start > axis.origin:
        steps = steps.filter(Q(ended_at__gte=start), Q(started_at__lte=end) | Q(started_at=None, ended_at__lte=end))
    return steps


def _first_turns(steps: list[Step]) -> list[Step]:
    """The steps of the first turns that have no more rows than one request shows."""
    rows, seen, turn = 0, set[Any](), 0
    for at, step in enumerate(steps):
        if step.turn != turn and rows >= MOST_ROWS:
            return steps[:at]
        if step.turn != turn or (step.call_id is not None and step.call_id not in seen):
            rows += 1
        turn = step.turn or 0
        seen.add(step.call_id)
    return steps if len(steps) <= STEPS_AT_ONCE else [each for each in steps if each.turn != turn] or steps


def _since(run: Run, steps: list[Step]) -> float:
    """The end of what was before these steps."""
    first = steps[0].sequence if steps else 0
    before = run.steps.filter(sequence__lt=first, ended_at__isnull=False).order_by("-sequence")
    ended = before.values_list("ended_at", flat=True).first()
    return ended.timestamp() if ended else _begun(run)


def _zigzag(x: float) -> str:
    """The line across a row where time was cut out."""
    return f"M{x + 11:.1f} 0l6 3l-6 3l6 3l-6 3"
