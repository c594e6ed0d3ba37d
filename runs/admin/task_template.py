"""Templates of agents."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.list_columns import json_column
from runs.admin.read_only import ReadOnlyAdmin
from runs.models import TaskTemplate
from runs.models.permissions import may_read_agents


@admin.register(TaskTemplate)
class TaskTemplateAdmin(ReadOnlyAdmin):
    """The templates that are kept with agents, for people who may read agents. They are changed on the pages."""

    kept_because = gettext_lazy("A template is deleted on its page, and with its agent.")
    list_display = ("name", "agent", "description", "created_at", "updated_at")
    list_filter = (("agent", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("agent",)
    search_fields = ("name__mentions", "description__mentions", "agent__name__mentions")
    ordering = ("name", "pk")
    fields = ("agent", "name", "description", "task", "inputs_json", "created_at", "updated_at")
    readonly_fields = ("inputs_json",)
    inputs_json = json_column("inputs", gettext_lazy("inputs"))

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskTemplate]:
        templates: QuerySet[TaskTemplate] = super().get_queryset(request)
        return templates.defer("task", "inputs")

    @override
    def has_view_permission(self, request: HttpRequest, obj: TaskTemplate | None = None) -> bool:
        return may_read_agents(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_read_agents(request.user)
