"""Accounts and groups in the admin: no user grants, or takes over, more permissions than they have."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy

from runs.admin.deletion import DeletesWithReason, Deletion, reasons_kept
from runs.admin.list_lookups import CarefulAdmin
from runs.admin.people_permissions import groups_within, may_delete_group, may_manage, may_manage_group, offered
from runs.models import ApiToken, Question, Run, ToolCall
from runs.models.permissions import may_act_as, may_launch, was_given_something

if TYPE_CHECKING:
    _AnyUserAdmin = UserAdmin[Any]
    _PersonForm = UserChangeForm[User]
else:  # generic for the type checker only
    _AnyUserAdmin, _PersonForm = UserAdmin, UserChangeForm

_GO_WITH_THEIR_OWNER: Final = ApiToken
_SAID_IN_WORDS: Final = (Run, ToolCall, Question, _GO_WITH_THEIR_OWNER)
"""Models whose missing permission keeps no account. Django names them in the reader's language."""
RIGHTS: Final = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")
"""Fields of an account that its own user cannot change."""
NOTHING_LEFT: Final = gettext_lazy(
    "An account without permissions and groups may launch runs, and you may not: leave it a permission or a group."
)

admin.site.unregister([User, Group])


class PersonForm(_PersonForm):
    """An account form that does not remove the last permission if its editor may not launch (see `NOTHING_LEFT`)."""

    editor: Any = None
    """The user who edits the account."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        rights = [data[name] for name in ("groups", "user_permissions") if name in data]
        takes_all = len(rights) == 2 and not any(rights) and was_given_something(self.instance)
        if takes_all and not may_launch(self.editor):
            self.add_error("user_permissions", NOTHING_LEFT)
        return data


@admin.register(User)
class PersonAdmin(CarefulAdmin, DeletesWithReason, _AnyUserAdmin):
    """Accounts, editable only by users with at least the same permissions; no user edits their own rights."""

    form = PersonForm
    search_fields = tuple(f"{name}__mentions" for name in UserAdmin.search_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A new account may launch, and its creator knows the password.
        return super().has_add_permission(request) and may_launch(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_manage(request.user, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if obj is not None and obj.pk == request.user.pk:
            return (*fields, *RIGHTS)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  Django's
        form = super().get_form(request, obj, change=change, **kwargs)
        form.editor = request.user  # type: ignore[attr-defined]  # a class of this request alone
        return form

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """403 for a user with fewer permissions than the person: the password would let them sign in as that person."""
        person = self.get_object(request, unquote(id))
        if person is not None and not may_act_as(request.user, person):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user_permissions":
            kwargs["queryset"] = offered(request.user, Q(user=_object_id(request)))
        elif db_field.name == "groups" and not request.user.is_superuser:
            kwargs["queryset"] = groups_within(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deletion:
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        refused = {
            gettext("%(name)s: the account may do more than yours.") % {"name": each}
            for each in objs
            if not may_manage(request.user, each)
        }
        if refused:
            missing = (missing - {User._meta.verbose_name}) | refused
        missing -= {str(model._meta.verbose_name) for model in _SAID_IN_WORDS}
        return to_delete, counts, missing, list(reasons_kept(objs)) if protected else []


@admin.register(Group)
class PeopleGroupAdmin(DeletesWithReason, CarefulAdmin, GroupAdmin):
    """Groups, editable only by users with at least the same permissions."""

    search_fields = ("name__mentions",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage_group(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_delete_group(request.user, obj))

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            kwargs["queryset"] = offered(request.user, Q(group=_object_id(request)))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deletion:
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        beyond = {
            gettext("%(name)s: the group may do more than you, or one of its members has nothing else.")
            % {"name": each}
            for each in objs
            if not may_delete_group(request.user, each)
        }
        if beyond:
            missing = (missing - {Group._meta.verbose_name}) | beyond
        return to_delete, counts, missing, protected


def _object_id(request: HttpRequest) -> int:
    """The id of the account or group of this page; 0 for none."""
    found = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    return int(found) if found.isdecimal() and len(found) < 19 else 0
