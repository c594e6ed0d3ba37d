"""The columns of the list of runs, as each person has chosen them."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from runs.models import PagePreferences
from runs.web.access import PageRequest, signed_in
from runs.web.run_bulk import list_of

COLUMNS: Final[dict[str, Promise]] = {
    "agent": gettext_lazy("Agent"),
    "version": gettext_lazy("Version"),
    "person": gettext_lazy("Person"),
    "model": gettext_lazy("Model"),
    "thread": gettext_lazy("Thread"),
    "steps": gettext_lazy("Steps"),
    "tokens": gettext_lazy("Tokens"),
    "cost": gettext_lazy("Cost, $"),
    "time": gettext_lazy("Time"),
    "started": gettext_lazy("Started"),
}
"""Those beside the status and the task, in the order of the table."""
USUAL: Final = frozenset(COLUMNS) - {"version", "person", "model", "thread"}


@require_POST
@signed_in
def choose_columns(request: PageRequest) -> HttpResponse:
    """Keep the chosen columns, or with `usual` forget the choice; then back to the list."""
    chosen = [name for name in COLUMNS if name in request.POST.getlist("column")]
    kept = None if "usual" in request.POST or set(chosen) == USUAL else chosen
    user: Any = request.user
    PagePreferences.objects.update_or_create(user=user, defaults={"run_columns": kept})
    return redirect(list_of(request))


def columns_of(user: Any) -> set[str]:
    """The names of the columns that a person sees."""
    kept = PagePreferences.objects.filter(user=user.pk).values_list("run_columns", flat=True).first()
    return set(USUAL) if kept is None else {str(name) for name in kept if name in COLUMNS}


def column_choices(shown: set[str], *, shows_owners: bool) -> list[tuple[str, str, bool]]:
    """Name, title, and whether it is shown, of each column that can be chosen."""
    names = [name for name in COLUMNS if name != "person" or shows_owners]
    return [(name, str(COLUMNS[name]), name in shown) for name in names]
