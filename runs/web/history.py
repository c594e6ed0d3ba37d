"""The history: every run a person may see, filtered, in pages that stay right while new runs arrive."""

from typing import Any
from urllib.parse import urlencode

from django.db.models.functions import Left
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from runs.models import Run
from runs.web.access import PageRequest, signed_in
from runs.web.history_filter import HistoryFilter
from runs.web.launch import launch_run

PAGE_LENGTH = 50
TASK_START = 240
"""Characters of a task that are read for a row."""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def runs(request: PageRequest) -> HttpResponse:
    """GET shows the history, POST launches a run."""
    return launch_run(request) if request.method == "POST" else show_history(request)


def show_history(request: PageRequest) -> HttpResponse:
    """The whole page; to htmx only what its target needs: more rows, or the results of another filter."""
    wanted = HistoryFilter(request.GET, user=request.user)
    context = {"filter": wanted, **_page(wanted)}
    match request.htmx.target if request.htmx and not request.htmx.history_restore_request else None:
        case "older":
            template = "runs/partials/history_rows.html"
        case "results":
            template = "runs/partials/history_results.html"
        case _:
            template = "runs/history.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _page(wanted: HistoryFilter) -> dict[str, Any]:
    # A task may be 256 KiB long; a row shows its start.
    runs = wanted.runs().select_related("user", "agent").defer("task", "answer", "output", "error")
    runs = runs.annotate(task_start=Left("task", TASK_START))
    page: list[Run] = list(runs[: PAGE_LENGTH + 1])
    shown, more = page[:PAGE_LENGTH], len(page) > PAGE_LENGTH
    older = urlencode(wanted.chosen() | {"before": wanted.cursor_after(shown[-1])}) if more else ""
    return {"runs": shown, "older": older}
