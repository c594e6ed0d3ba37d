"""The place of runs in trees, for the admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from runs.admin.list_columns import EMPTY, ROW_TEXT, run_link
from runs.models import Run
from runs.templatetags.run_text import one_line

MOST_CHILDREN = 100
"""Child runs named on the page of a run."""


class ChildRunFilter(admin.SimpleListFilter):
    """Child runs, or all others."""

    title = gettext_lazy("child run")
    parameter_name = "child"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Promise]]:  # type: ignore[type-arg,override]  # noqa: ARG002
        return [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:  # noqa: ARG002
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(root__isnull=self.value() == "no")


def parent_of(run: Run) -> SafeString | str:
    """A link to the run that launched this one, and the call."""
    if run.parent_call is None:
        return EMPTY
    return format_html("{} ({})", run_link(run.parent_call.run_id), run.parent_call_id)


def root_of(run: Run) -> SafeString | str:
    """A link to the first run of the tree that a child run is in."""
    return EMPTY if run.root is None else run_link(run.root)


def children_of(run: Run) -> SafeString | str:
    """Links to the runs that this one has launched, with their states and tasks."""
    children = Run.objects.filter(parent_call__run=run).only("task", "status", "waiting_for", "could_not")
    rows = [
        (run_link(child.pk), child.stands, one_line(child.task, ROW_TEXT))
        for child in children.order_by("created_at", "pk")[:MOST_CHILDREN]
    ]
    return format_html_join(SafeString("<br>"), "{} {}: {}", rows) or EMPTY
