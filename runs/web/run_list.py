"""The list of runs: every run a user may see, filtered, sorted, paged by a cursor that new runs do not shift."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from runs.live.rendering.run_lines import add_lines, with_starts
from runs.models import Run, RunView
from runs.models.permissions import may_launch, may_share_views
from runs.web.access import PageRequest, id_in, signed_in
from runs.web.form_keys import new_key
from runs.web.launch import launch_run
from runs.web.run_bulk import MOST_CHOSEN
from runs.web.run_columns import column_choices, columns_of
from runs.web.run_filter import RunFilter
from runs.web.run_groups import groups_of
from runs.web.run_search import SearchResult, search
from runs.web.run_sorts import Cursor, places_of, text_of
from runs.web.run_totals import totals_of, view_tabs
from runs.web.run_views import views_for

PAGE_LENGTH: Final = 50
MOST_RENEWED: Final = 200
"""Rows that a live page asks for at once."""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def runs(request: PageRequest) -> HttpResponse:
    """GET shows the list, POST launches a run."""
    return launch_run(request) if request.method == "POST" else show_runs(request)


def show_runs(request: PageRequest) -> HttpResponse:
    """The whole page; to htmx only the part for its target: more rows, or the results of another filter. To a live
    page the rows it names."""
    wanted = RunFilter(request.GET, user=request.user)
    target = request.htmx.target if request.htmx and not request.htmx.history_restore_request else None
    context: dict[str, Any] = {"filter": wanted, "columns": columns_of(request.user)}
    match target:
        case "renewed":
            context |= {"runs": _renewed(wanted, request.GET.getlist("only"))}
            template = "runs/partials/run_table_rows.html"
        case "older":
            context |= _page(wanted)
            template = "runs/partials/run_table_rows.html"
        case "results":
            context |= _listed(wanted) | _around(request, wanted, context["columns"])
            template = "runs/partials/run_filtered.html"
        case _:
            context |= _listed(wanted) | _around(request, wanted, context["columns"])
            template = "runs/runs.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _listed(wanted: RunFilter) -> dict[str, Any]:
    """The first page of the runs, or their groups."""
    if not wanted.group or wanted.q:
        return _page(wanted)
    groups = groups_of(wanted)
    rows = {run.pk: run for run in _rows([run_id for group in groups for run_id in group.ids])}
    for group in groups:
        group.runs = [rows[run_id] for run_id in group.ids if run_id in rows]
    return {"groups": groups, "runs": list(rows.values()), "older": ""}


def _around(request: PageRequest, wanted: RunFilter, columns: set[str]) -> dict[str, Any]:
    # Counting what mentions some words would read every text there is.
    totals = None if wanted.q else totals_of(wanted.matching())
    return {
        "totals": totals,
        "tabs": view_tabs(wanted, totals),
        "most_chosen": MOST_CHOSEN,
        "column_choices": column_choices(columns, shows_owners=wanted.shows_owners),
        "own_view": next((view for view in views_for(request.user) if _is_own(view, wanted)), None),
        "may_share": may_share_views(request.user),
        "may_run_again": may_launch(request.user),
        "once": new_key(),
    }


def _is_own(view: RunView, wanted: RunFilter) -> bool:
    return str(view.pk) == wanted.saved and view.user_id == wanted.user.pk


def _page(wanted: RunFilter) -> dict[str, Any]:
    found = _found(wanted)
    older = "" if found.cursor is None else wanted.query(before=text_of(found.cursor.value, found.cursor.run_id))
    return {"runs": _rows(found.ids), "older": older, "found": found}


def _found(wanted: RunFilter) -> SearchResult:
    """The ids of one page: the order and the filters read few columns, and the rows are read by id."""
    runs = wanted.sort.apply(wanted.matching())
    if wanted.q:
        return search(runs, wanted.q, sort=wanted.sort, before=wanted.before, limit=PAGE_LENGTH)
    if wanted.before is not None:
        runs = wanted.sort.after(runs, wanted.before)
    rows = places_of(runs, limit=PAGE_LENGTH + 1)
    shown = rows[:PAGE_LENGTH]
    cursor = Cursor(shown[-1][1], shown[-1][0]) if len(rows) > PAGE_LENGTH else None
    return SearchResult([run_id for run_id, _place in shown], cursor)


def _rows(run_ids: list[Any]) -> list[Run]:
    by_id = with_starts(Run.objects.select_related("user", "agent")).in_bulk(run_ids)
    return add_lines([by_id[run_id] for run_id in run_ids if run_id in by_id])


def _renewed(wanted: RunFilter, names: list[str]) -> list[Run]:
    """The runs that a live page names, if the user may see them; a row stays when its run leaves the filter."""
    ids = [run_id for name in names[:MOST_RENEWED] if (run_id := id_in(name))]
    return _rows(list(Run.objects.visible_to(wanted.user).filter(pk__in=ids).values_list("pk", flat=True)))
