"""Versions of agents."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.list_columns import json_column
from runs.admin.read_only import ReadOnlyAdmin
from runs.models import AgentVersion
from runs.models.permissions import may_read_agents


@admin.register(AgentVersion)
class AgentVersionAdmin(ReadOnlyAdmin):
    """The versions that saving agents has made, for people who may read agents."""

    kept_because = gettext_lazy("A version is kept as it was saved. It is deleted with its agent.")
    list_display = ("agent", "number", "message", "author", "restored_from", "created_at")
    list_display_links = ("agent", "number")
    list_filter = (("agent", admin.RelatedOnlyFieldListFilter), ("author", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("agent", "author")
    search_fields = ("message__mentions", "agent__name__mentions")
    ordering = ("-pk",)
    fields = ("agent", "number", "message", "author", "restored_from", "created_at", "config_json")
    readonly_fields = ("config_json",)
    config_json = json_column("config", gettext_lazy("configuration"))

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentVersion]:
        versions: QuerySet[AgentVersion] = super().get_queryset(request)
        return versions.defer("config")

    @override
    def has_view_permission(self, request: HttpRequest, obj: AgentVersion | None = None) -> bool:
        return may_read_agents(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_read_agents(request.user)
