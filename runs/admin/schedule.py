"""Schedules and their history, read only."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from runs.admin.read_only import SeenWithRuns
from runs.models import Schedule, ScheduleTick


@admin.register(Schedule)
class ScheduleAdmin(SeenWithRuns):
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
class ScheduleTickAdmin(SeenWithRuns):
    """What became of each due time."""

    kept_because = gettext_lazy("The history of a schedule is kept as it was.")
    list_display = ("due_at", "schedule", "state", "run", "reason")
    list_filter = ("state",)
    list_select_related = ("schedule", "run")
    search_fields = ("=schedule__id", "=run__id")
    ordering = ("-due_at", "-id")
