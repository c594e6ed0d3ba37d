"""Triggers and their deliveries, read only: secrets and payloads are not shown."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.list_columns import run_link
from runs.admin.read_only import ReadOnlyAdmin
from runs.agent.wording import read_parts
from runs.live.rendering.stored_words import wording_words
from runs.models import Delivery, Trigger


class OfRuns(ReadOnlyAdmin):
    """For people who may see everybody's runs: these rows say what launched some of them."""

    kept_because = gettext_lazy("Its owner changes and deletes a trigger on its page.")

    @override
    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return any(request.user.has_perm(f"runs.{verb}_run") for verb in ("view", "change"))

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(Trigger)
class TriggerAdmin(OfRuns):
    """All triggers."""

    list_display = ("name", "user", "agent", "scheme", "paused_at", "created_at")
    list_filter = ("scheme",)
    list_select_related = ("user", "agent")
    search_fields = ("name__mentions", "=id")
    ordering = ("-created_at",)
    fields = (
        *("name", "user", "agent", "version", "template", "task", "inputs", "filter", "scheme", "window_s"),
        *("token_prefix", "paused_at", "created_at", "updated_at"),
    )


@admin.register(Delivery)
class DeliveryAdmin(OfRuns):
    """All deliveries, without their payloads, which belong to the owners of the triggers."""

    list_display = ("uid", "trigger", "state", "event", "run_link", "repeats", "received_at")
    list_filter = ("state",)
    list_select_related = ("trigger",)
    linked_by = ("trigger__exact",)
    search_fields = ("=uid", "=run__id", "=key")
    ordering = ("-received_at",)
    fields = (
        *("trigger", "state", "reason_text", "run_link", "event", "key", "payload_bytes", "repeats"),
        *("replay_of", "replayed_by", "received_at"),
    )
    readonly_fields = ("run_link", "reason_text")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer("payload", "headers")

    @admin.display(description=gettext_lazy("run"), ordering="run")
    def run_link(self, delivery: Delivery) -> SafeString | str:
        return "" if delivery.run_id is None else run_link(delivery.run_id)

    @admin.display(description=gettext_lazy("reason"))
    def reason_text(self, delivery: Delivery) -> str:
        return wording_words(read_parts(delivery.reason))
