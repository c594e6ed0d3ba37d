"""Tool calls."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from runs.admin.list_columns import json_column, run_link
from runs.admin.read_only import ReadOnlyAdmin
from runs.models import ToolCall


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """All tool calls, with their states and decisions."""

    list_display = ("tool_name", "state", "effect", "turn", "index", "position", "run_link", "started_at", "ended_at")
    list_filter = ("state", "effect", "tool_name")
    linked_by = ("run__exact",)
    search_fields = ("tool_name__mentions", "=call_id", "=run__id")
    ordering = ("-started_at",)
    fields = (
        *("run_link", "turn", "index", "position", "tool_name", "arguments_json", "proposed_json", "arguments_hash"),
        *("effect", "state", "epoch", "decided_by", "decided_at", "decision_reason", "expires_at"),
        *("started_at", "ended_at"),
    )
    readonly_fields = ("run_link", "arguments_json", "proposed_json")
    arguments_json = json_column("arguments", gettext_lazy("arguments"))
    proposed_json = json_column("proposed_arguments", gettext_lazy("proposed arguments"))

    @admin.display(description=gettext_lazy("run"), ordering="run")
    def run_link(self, call: ToolCall) -> SafeString:
        return run_link(call.run_id)
