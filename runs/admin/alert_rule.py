"""Alert rules and their history, read only."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from runs.admin.read_only import SeenWithRuns
from runs.models import AlertEvent, AlertRule


@admin.register(AlertRule)
class AlertRuleAdmin(SeenWithRuns):
    """What is watched, and its level."""

    kept_because = gettext_lazy("People make and change alert rules on their own pages.")
    list_display = (
        *("name", "user", "metric", "is_for_all", "agent", "label", "schedule"),
        *("level", "level_since", "is_active", "page_link"),
    )
    list_filter = ("level", "metric", "is_active")
    list_select_related = ("user", "agent", "schedule")
    search_fields = ("name__mentions", "=id")
    ordering = ("name", "id")

    @admin.display(description=gettext_lazy("page"))
    def page_link(self, rule: AlertRule) -> SafeString:
        return format_html('<a href="{}">{}</a>', rule.get_absolute_url(), str(rule.pk)[:8])


@admin.register(AlertEvent)
class AlertEventAdmin(SeenWithRuns):
    """Every change of a level."""

    kept_because = gettext_lazy("The history of an alert rule is kept as it was.")
    list_display = ("at", "rule", "from_level", "to_level", "reason", "was_muted", "acknowledged_by")
    list_filter = ("to_level",)
    list_select_related = ("rule", "acknowledged_by")
    search_fields = ("=rule__id",)
    ordering = ("-at", "-id")
