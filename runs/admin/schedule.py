"""Schedules and their history, read only."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.read_only import ReadOnlyAdmin
from runs.models import Schedule, ScheduleTick
from runs.models.permissions import may_see_all


class _OfRuns(ReadOnlyAdmin):
    """Whoever may see everybody's runs may see what launches them."""

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see_all(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_all(request.user)


@admin.register(Schedule)
class ScheduleAdmin(_OfRuns):
    """What is launched, and when."""

    kept_because = gettext_lazy("People make and change schedules on their own pages.")
    list_display = ("name", "user", "agent", "cron", "time_zone", "state", "next_tick_at", "runs_launched", "page_link")
    list_filter = ("state",)
    list_select_related = ("user", "agent")
    search_fields = ("name__mentions", "=id")
    ordering = ("name", "id")

    @admin.display(description=gettext_lazy("page"))
    def page_link(self, schedule: Schedule) -> SafeString:
        return format_html('<a href="{}">{}</a>', schedule.get_absolute_url(), str(schedule.pk)[:8])


@admin.register(ScheduleTick)
class ScheduleTickAdmin(_OfRuns):
    """What became of each due time."""

    kept_because = gettext_lazy("The history of a schedule is kept as it was.")
    list_display = ("due_at", "schedule", "state", "run", "reason")
    list_filter = ("state",)
    list_select_related = ("schedule", "run")
    search_fields = ("=schedule__id", "=run__id")
    ordering = ("-due_at", "-id")
