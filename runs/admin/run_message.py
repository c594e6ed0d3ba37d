"""Messages to runs."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.list_columns import run_link
from runs.admin.read_only import ReadOnlyAdmin
from runs.models import RunMessage


@admin.register(RunMessage)
class RunMessageAdmin(ReadOnlyAdmin):
    """All messages that people have sent to runs in progress, for people who may see steps: those are some of them."""

    list_display = ("short_text", "state", "user", "run_link", "position", "read_before_turn", "created_at", "read_at")
    list_filter = ("state", "interrupts")
    list_select_related = ("user",)
    linked_by = ("run__exact",)
    search_fields = ("text__mentions", "=id", "=run__id")
    ordering = ("-created_at",)
    fields = (
        *("run_link", "user", "position", "text", "state", "interrupts", "read_before_turn"),
        *("created_at", "edited_at", "read_at"),
    )
    readonly_fields = ("run_link",)

    @admin.display(description=gettext_lazy("text"))
    def short_text(self, message: RunMessage) -> str:
        return message.text[:80]

    @admin.display(description=gettext_lazy("run"), ordering="run")
    def run_link(self, message: RunMessage) -> SafeString:
        return run_link(message.run_id)

    @override
    def has_view_permission(self, request: HttpRequest, obj: RunMessage | None = None) -> bool:
        return any(request.user.has_perm(f"runs.{verb}_step") for verb in ("view", "change"))

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
