"""Steps."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from runs.admin.list_columns import ROW_TEXT, json_column, run_link
from runs.admin.read_only import ReadOnlyAdmin
from runs.models import Step


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """All recorded steps, without the private field `replay`."""

    list_display = ("sequence", "kind", "content_start", "tool_name", "severity", "run_link", "ended_at")
    list_filter = ("kind", "severity")
    linked_by = ("run__exact",)
    search_fields = ("content__mentions", "tool_name__mentions", "=run__id")
    ordering = ("-pk",)
    fields = (
        *("run_link", "sequence", "epoch", "turn", "kind", "content", "tool_name", "call_id", "input_json"),
        *("output_json", "attempt", "max_attempts", "severity", "recoverable", "suggested_action", "provider"),
        *("model", "lane", "tokens", "cost", "started_at", "ended_at", "metadata_json"),
    )
    readonly_fields = ("run_link", "input_json", "output_json", "metadata_json")
    input_json, output_json, metadata_json = (
        json_column("tool_input", gettext_lazy("tool input")),
        json_column("tool_output", gettext_lazy("tool output")),
        json_column("metadata", gettext_lazy("metadata")),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        steps: QuerySet[Step] = super().get_queryset(request)
        return steps.defer("replay", "html", "content").annotate(start=Left("content", ROW_TEXT))

    @admin.display(description=gettext_lazy("content"))
    def content_start(self, step: Any) -> str:
        return (
            str(step.start)
            if step.unfinished_why is None
            else gettext("Unfinished reply (%(why)s): %(text)s") % {"why": step.unfinished_why, "text": step.start}
        )

    @admin.display(description=gettext_lazy("run"), ordering="run")
    def run_link(self, step: Step) -> SafeString:
        return run_link(step.run_id)
