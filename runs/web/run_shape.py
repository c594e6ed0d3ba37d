"""The shape of a run for its minimap: what happened in each stretch of its steps, and how long it took."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from runs.models import Run, Step
from runs.web.access import PageRequest, run_or_404, signed_in

MOST_BINS: Final = 400
HEIGHT: Final = 28
LOWEST: Final = 5
"""Height of a bar for a step that took no time."""
TONES: Final = ("", "run", "answer", "you", "error")
"""From the least to the most important: a stretch has the tone of its most important step."""
_TONE_OF: Final[dict[str, str]] = {
    Step.Kind.REASONING: "run",
    Step.Kind.TOOL_CALL: "run",
    Step.Kind.TOOL_RESULT: "run",
    Step.Kind.RACE: "run",
    Step.Kind.ANSWER: "answer",
    Step.Kind.APPROVAL: "you",
    Step.Kind.ERROR: "error",
}


@require_safe
@signed_in
def show_shape(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The shape as JSON: `last` sequence, steps per bin (`size`), and tone and height of each of at most 400 `bins`.

    Its ETag is the last sequence: 304 while there is nothing new.
    """
    run = run_or_404(request, run_id)
    etag = f'"{run.last_sequence}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return HttpResponseNotModified(headers={"ETag": etag})
    return JsonResponse(shape_of(run), headers={"ETag": etag})


def shape_of(run: Run) -> dict[str, Any]:
    """See `show_shape`. One query, of five columns."""
    last = run.last_sequence
    size = max(1, math.ceil(last / MOST_BINS))
    tones, longest_ms = [0] * math.ceil(last / size), [0.0] * math.ceil(last / size)
    columns = ("sequence", "kind", "severity", "started_at", "ended_at")
    for sequence, kind, severity, started_at, ended_at in _rows(run.steps.order_by("sequence").values_list(*columns)):
        at = (sequence - 1) // size
        if not 0 <= at < len(tones):
            continue
        tone = "error" if kind == Step.Kind.TOOL_RESULT and severity else _TONE_OF.get(kind, "")
        tones[at] = max(tones[at], TONES.index(tone))
        if started_at is not None and ended_at is not None:
            longest_ms[at] = max(longest_ms[at], (ended_at - started_at).total_seconds() * 1000)
    top = math.log1p(max(longest_ms, default=0.0)) or 1.0
    heights = [round(LOWEST + (HEIGHT - LOWEST) * math.log1p(each) / top) for each in longest_ms]
    return {
        "last": last,
        "size": size,
        "bins": [[TONES[tone], height] for tone, height in zip(tones, heights, strict=True)],
    }


def _rows(query: Any) -> Iterable[tuple[int, str, str, datetime | None, datetime | None]]:
    rows: Iterable[tuple[int, str, str, datetime | None, datetime | None]] = query
    return rows
