"""The export of the list of runs: the selection or all matches of the filter, as CSV or JSONL, streamed."""

import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from runs.live.sockets.hub import read_slowly
from runs.markdown import visible
from runs.models import Run
from runs.models.as_json import run_as_json
from runs.web.access import PageRequest, id_in, signed_in
from runs.web.run_bulk import MOST_CHOSEN
from runs.web.run_filter import RunFilter
from runs.web.run_search import search
from runs.web.run_sorts import Cursor, places_of

MOST_EXPORTED: Final = 10_000
"""Runs of one file; of more the first ones of the list."""
RUNS_AT_ONCE: Final = 50
PARTS_AT_ONCE: Final = 2
"""Parts of an export that is sent at once: the head of the columns, and `RUNS_AT_ONCE` runs."""
COLUMNS: Final = (
    *("id", "created_at", "started_at", "ended_at", "status", "could_not", "waiting_for", "agent", "version", "draft"),
    *(
        "person",
        "steps",
        "tokens",
        "tokens_are_estimated",
        "cost_usd",
        "cost_is_partial",
        "active_s",
        "task",
        "answer",
        "error",
    ),
)
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for a formula at the beginning of a cell."""
_open: Counter[int] = Counter()
"""Exports that are sent now, by user."""


@require_safe
@signed_in  # type: ignore[arg-type]  # a stream is no `HttpResponse`, and is sent as one
def export_runs(request: PageRequest) -> HttpResponseBase:
    """`?format=csv` or `jsonl` of the runs `?run=…`, or of all that match the filters in the address."""
    if _open[_user_id(request)] >= settings.AGENTSITE_MAX_EXPORTS_PER_USER:
        words = gettext("You have too many exports open. Wait until one has ended.")
        return HttpResponse(words, status=429, content_type="text/plain", headers={"Retry-After": "10"})
    wanted = request.GET.get("format", "csv")
    if wanted not in ("csv", "jsonl"):
        words = gettext("Runs are exported as csv or jsonl, not as %(format)s.") % {"format": visible(wanted[:20])}
        return HttpResponse(words, status=400, content_type="text/plain")
    is_csv = wanted == "csv"
    pages = _chosen(request) if request.GET.getlist("run") else _matching(RunFilter(request.GET, user=request.user))
    parts = _csv(pages) if is_csv else _jsonl(pages)
    # A short export is built at once; of a long one each part is read when the client has taken the one before.
    beginning = list(islice(parts, PARTS_AT_ONCE + 1))
    response: HttpResponseBase
    if len(beginning) <= PARTS_AT_ONCE:
        response = HttpResponse("".join(beginning).encode(errors="replace"))
    else:
        response = StreamingHttpResponse(_sent(chain(beginning, parts), _user_id(request)))
    response["Content-Type"] = "text/csv; charset=utf-8" if is_csv else "application/jsonl"
    name = f"runs-{timezone.now():%Y-%m-%d-%H%M}.{'csv' if is_csv else 'jsonl'}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _user_id(request: PageRequest) -> int:
    return int(request.user.pk or 0)


async def _sent(parts: Iterator[str], user_id: int) -> AsyncIterator[bytes]:
    """The parts, each read when the client has taken the one before."""
    _open[user_id] += 1
    try:
        async for part in read_slowly(parts):
            yield part.encode(errors="replace")
    finally:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]


def _chosen(request: PageRequest) -> Iterator[list[Run]]:
    ids = [run_id for name in request.GET.getlist("run")[:MOST_CHOSEN] if (run_id := id_in(name))]
    seen = Run.objects.visible_to(request.user)
    yield list(seen.filter(pk__in=ids).select_related("user").order_by("-created_at", "-id"))


def _matching(wanted: RunFilter) -> Iterator[list[Run]]:
    """All matches in the order of the list, a few at a time, so that a long export holds no long read."""
    after, left = wanted.before, MOST_EXPORTED
    while left > 0:
        ids, after = _next_ids(wanted, after, min(left, RUNS_AT_ONCE))
        by_id = Run.objects.visible_to(wanted.user).select_related("user").in_bulk(ids)
        yield [by_id[run_id] for run_id in ids if run_id in by_id]
        left -= len(ids)
        if after is None:
            return


def _next_ids(wanted: RunFilter, after: Cursor | None, limit: int) -> tuple[list[UUID], Cursor | None]:
    runs = wanted.sort.apply(wanted.matching())
    if wanted.q:
        found = search(runs, wanted.q, sort=wanted.sort, before=after, limit=limit)
        return found.ids, found.cursor
    if after is not None:
        runs = wanted.sort.after(runs, after)
    rows = places_of(runs, limit=limit)
    return [run_id for run_id, _place in rows], Cursor(rows[-1][1], rows[-1][0]) if len(rows) == limit else None


def _csv(pages: Iterator[list[Run]]) -> Iterator[str]:
    # Excel reads UTF-8 only with this mark.
    yield "\ufeff" + _line(COLUMNS)
    for page in pages:
        yield "".join(_line([_cell(value) for value in _values(run)]) for run in page)


def _jsonl(pages: Iterator[list[Run]]) -> Iterator[str]:
    for page in pages:
        lines = (run_as_json(run) | {"person": _person(run), "active_s": run.active_ms / 1000} for run in page)
        yield "".join(f"{json.dumps(line)}\n" for line in lines)


def _values(run: Run) -> Iterator[Any]:
    told = run_as_json(run)
    yield from (told[name] for name in ("id", "created_at", "started_at", "ended_at", "status", "could_not"))
    yield from (told["waiting_for"], told["agent"], told["version"], run.draft_base)
    yield from (_person(run), run.steps_taken, run.tokens_used, run.usage_is_estimated)
    yield from (run.cost, run.cost_is_partial, run.active_ms / 1000)
    yield from (run.task, run.answer, (run.error or {}).get("message"))


def _person(run: Run) -> str | None:
    return run.user.get_username() if run.user else None


def _cell(value: Any) -> str:
    """A value as a cell that no spreadsheet takes for a formula; numbers are ours and stay as they are."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
