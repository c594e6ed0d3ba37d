"""The pages of rows that only the engine writes."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from typing_extensions import override

from runs.admin.list_lookups import CarefulAdmin
from runs.models.permissions import may_see_all


class ReadOnlyAdmin(CarefulAdmin):
    """The page of a model that only the engine writes."""

    show_full_result_count = False
    list_per_page = 50
    kept_because: str | Promise = gettext_lazy(
        "What a run did is kept as it was. “manage.py prune” deletes finished runs that are old, as a whole."
    )

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """403; to a user who may see the object, with the reason."""
        found = self.get_object(request, object_id)
        if found is None or not self.has_view_permission(request, found):
            raise PermissionDenied
        context = {
            "title": gettext("Cannot delete"),
            "opts": self.opts,
            "object": found,
            "reasons": [self.kept_because],
        }
        context = {**self.admin_site.each_context(request), **context}
        return TemplateResponse(request, "admin/runs/kept.html", context, status=403)


class SeenWithRuns(ReadOnlyAdmin):
    """Whoever may see everybody's runs may see what launches them."""

    @override
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see_all(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_all(request.user)
