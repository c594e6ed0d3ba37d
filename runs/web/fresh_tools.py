"""Pages that list tools look first whether another process has changed the stored ones."""

from functools import wraps
from typing import ParamSpec

from django.http import HttpResponse

from runs.engine.stored_tools.catalog import refresh_tools
from runs.web.access import PageRequest, PageView

P = ParamSpec("P")


def with_fresh_tools(view: PageView[P]) -> PageView[P]:
    """Bring the stored tools of this process up to date before the view. Costs one short query."""

    @wraps(view)
    def refreshed(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        refresh_tools()
        return view(request, *args, **kwargs)

    return refreshed
