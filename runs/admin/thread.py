"""Threads that people have named, starred or archived."""

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from typing_extensions import override

from runs.admin.read_only import ReadOnlyAdmin
from runs.models import Thread
from runs.models.permissions import may_see_all


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    """What is marked at threads. Whoever may see everybody's runs may see it."""

    kept_because = gettext_lazy("People name, star and archive threads on their own pages.")
    list_display = ("shown_title", "archived_at", "stars", "page_link")
    search_fields = ("title__mentions", "=id")
    ordering = ("-archived_at", "id")
    fields = ("id", "title", "archived_at", "stars", "page_link")
    readonly_fields = ("id", "stars", "page_link")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Thread]:
        threads: QuerySet[Thread] = super().get_queryset(request)
        return threads.annotate(star_count=Count("stars"))

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see_all(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_all(request.user)

    @admin.display(description=gettext_lazy("title"))
    def shown_title(self, thread: Thread) -> str:
        return str(thread)

    @admin.display(description=gettext_lazy("stars"))
    def stars(self, thread: Thread) -> int:
        count: int = thread.star_count  # type: ignore[attr-defined]  # of the queryset above
        return count

    @admin.display(description=gettext_lazy("page"))
    def page_link(self, thread: Thread) -> SafeString:
        return format_html('<a href="{}">{}</a>', thread.get_absolute_url(), str(thread.pk)[:8])
