"""Tokens for the API."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from runs.admin.read_only import ReadOnlyAdmin
from runs.live.rendering.formatting import counted_text
from runs.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """The API tokens of all users, which can be revoked. Their hashes are not shown."""

    kept_because = gettext_lazy(
        "A token is revoked rather than deleted. It is deleted with its owner's account, or by “manage.py prune”."
    )

    list_display = ("name", "prefix", "user", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user",)
    search_fields = ("name__mentions", "prefix__mentions", "user__username__mentions")
    list_select_related = ("user",)
    exclude = ("token_hash",)
    actions = ("revoke_selected",)

    @admin.action(description=gettext_lazy("Revoke selected tokens"), permissions=["change_tokens"])
    def revoke_selected(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens:
            token.revoke()
        words = ngettext("%(n)s token is revoked.", "%(n)s tokens are revoked.", len(tokens))
        self.message_user(request, words % {"n": counted_text(len(tokens))})

    def has_change_tokens_permission(self, request: HttpRequest) -> bool:
        """True with the permission to change tokens; to revoke a token is the only change."""
        return request.user.has_perm("runs.change_apitoken")
