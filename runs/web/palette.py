"""The palette: one field for pages, actions, runs and agents, which also takes a task.

`/palette/` answers with the rows for the dialog of every page, `/search/` with a page of the same rows.
"""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from runs.models.permissions import may_launch
from runs.web.access import PageRequest, signed_in
from runs.web.palette_rows import PaletteGroup, groups_for
from runs.web.palette_used import used_rows

MOST_TYPED: Final = 500
"""Characters that are read of what was typed."""


@require_safe
@signed_in
def show_palette(request: PageRequest) -> HttpResponse:
    """The rows for what is typed into the dialog."""
    return render(request, "partials/palette_results.html", _found(request, in_dialog=True))


@require_safe
@signed_in
def show_search(request: PageRequest) -> HttpResponse:
    """The same rows as a page: for browsers without JavaScript, and to be linked."""
    return render(request, "runs/search.html", _found(request, in_dialog=False))


def _found(request: PageRequest, *, in_dialog: bool) -> dict[str, Any]:
    typed = request.GET.get("q", "").replace("\x00", "").strip()[:MOST_TYPED]
    launches = may_launch(request.user)
    groups = groups_for(request.user, typed, launches=launches, in_dialog=in_dialog)
    if in_dialog and not typed and (used := used_rows(request.user, launches=launches)):
        groups.insert(1, PaletteGroup("used", gettext("Used last"), used))
    return {
        "typed": typed,
        "groups": groups,
        "in_dialog": in_dialog,
        "has_match": any(group.name != "task" for group in groups),
        "launches": launches,
    }
