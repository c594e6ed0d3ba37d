"""Webhooks and the log of their events."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.list_columns import run_link
from runs.admin.read_only import ReadOnlyAdmin
from runs.models import Webhook, WebhookEvent
from runs.models.permissions import may_see_all


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    """Everybody's webhooks, for people who may see everybody's runs. Neither secrets nor whole addresses are shown:
    the end of an address may be a secret too."""

    list_display = ("name", "user", "origin", "state", "is_for_all", "failing_since", "created_at")
    list_filter = ("state", "is_for_all")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "=id")
    ordering = ("name", "pk")
    fields = (
        *("name", "user", "origin", "told", "is_for_all", "includes_answer", "state", "disabled_because"),
        *("failing_since", "created_at"),
    )
    readonly_fields = ("origin", "told")
    kept_because = gettext_lazy("Webhooks are changed and deleted by their owners; “manage.py webhooks” pauses one.")

    @admin.display(description=gettext_lazy("address"))
    def origin(self, webhook: Webhook) -> str:
        scheme, _, rest = webhook.url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/…"

    @admin.display(description=gettext_lazy("events"))
    def told(self, webhook: Webhook) -> str:
        return " · ".join(webhook.event_labels)

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see_all(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_all(request.user)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """The log of all webhooks, without what receivers answered."""

    kept_because = gettext_lazy(
        "Events are kept for thirty days, or as long as their run; “manage.py prune” deletes them."
    )
    list_display = ("type", "state", "webhook", "run_link", "attempts", "created_at", "ended_at")
    list_filter = ("state", "type")
    list_select_related = ("webhook",)
    linked_by = ("run__exact", "webhook__exact")
    search_fields = ("=uid", "=run__id", "webhook__name")
    ordering = ("-pk",)
    fields = (
        *("message_id", "type", "webhook", "run_link", "state", "attempts", "due_at", "created_at", "ended_at"),
        "body",
    )
    readonly_fields = ("message_id", "run_link")

    @admin.display(description=gettext_lazy("run"), ordering="run")
    def run_link(self, event: WebhookEvent) -> SafeString | str:
        return run_link(event.run_id) if event.run_id is not None else "–"

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see_all(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_all(request.user)
