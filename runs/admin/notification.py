"""Notifications: channels without their addresses, rules, and the log of deliveries."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.read_only import ReadOnlyAdmin
from runs.models import NotificationChannel, NotificationDelivery, NotificationRule
from runs.models.permissions import may_see_all

_KEPT = gettext_lazy("Rules and channels are changed and deleted by their owners.")


class _SeenByAll(ReadOnlyAdmin):
    """For people who may see everybody's runs."""

    kept_because = _KEPT

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see_all(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_all(request.user)


@admin.register(NotificationChannel)
class NotificationChannelAdmin(_SeenByAll):
    """Everybody's channels. Addresses are not shown."""

    list_display = ("name", "user", "kind", "state", "sent_at", "failing_since", "created_at")
    list_filter = ("kind", "state")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "=id")
    ordering = ("name", "pk")
    fields = (
        "name",
        "user",
        "kind",
        "state",
        "disabled_because",
        "last_error",
        "sent_at",
        "failing_since",
        "created_at",
    )


@admin.register(NotificationRule)
class NotificationRuleAdmin(_SeenByAll):
    """Everybody's rules."""

    list_display = ("name", "user", "told", "is_for_all", "agent", "is_active", "created_at")
    list_filter = ("is_for_all", "is_active")
    list_select_related = ("user", "agent")
    search_fields = ("name", "user__username", "=id")
    ordering = ("name", "pk")
    fields = ("name", "user", "told", "is_for_all", "agent", "waits_over_s", "in_page", "is_active", "created_at")
    readonly_fields = ("told",)

    @admin.display(description=gettext_lazy("events"))
    def told(self, rule: NotificationRule) -> str:
        return " · ".join(rule.event_labels)


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(_SeenByAll):
    """The log of all channels."""

    kept_because = gettext_lazy(
        "Notifications are kept for thirty days, or as long as their run; “manage.py prune” deletes them."
    )
    list_display = ("notification", "channel", "state", "attempts", "gathers", "ended_at", "error")
    list_filter = ("state",)
    list_select_related = ("notification", "channel")
    linked_by = ("channel__exact",)
    search_fields = ("=uid", "channel__name")
    ordering = ("-pk",)
    fields = ("uid", "notification", "channel", "state", "attempts", "gathers", "due_at", "ended_at", "error")
