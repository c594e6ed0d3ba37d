"""Labels of agents, and who has moved them."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.read_only import ReadOnlyAdmin
from runs.models import AgentLabel, LabelMove
from runs.models.permissions import may_read_agents


class _LabelAdmin(ReadOnlyAdmin):
    """A page for people who may read agents. Labels are moved on the pages of their agents."""

    kept_because = gettext_lazy("A label is removed on the page of its agent. What was done with it is kept.")
    search_fields = ("name__mentions", "agent__name__mentions")

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_read_agents(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_read_agents(request.user)


@admin.register(AgentLabel)
class AgentLabelAdmin(_LabelAdmin):
    """The labels as they are now."""

    list_display = ("name", "agent", "number")
    list_filter = ("name", ("agent", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("agent",)
    ordering = ("agent__name", "name")
    fields = ("agent", "name", "number")


@admin.register(LabelMove)
class LabelMoveAdmin(_LabelAdmin):
    """Everything that was done with labels, the latest first."""

    list_display = ("name", "agent", "number", "author", "created_at")
    list_filter = ("name", ("agent", admin.RelatedOnlyFieldListFilter), ("author", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("agent", "author")
    ordering = ("-pk",)
    fields = ("agent", "name", "number", "author", "created_at")
