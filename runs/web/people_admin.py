"""Accounts and groups in the admin: no user grants, or takes over, more permissions than they have."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.live.rendering.formatting import counted_text
from runs.models import ApiToken, Run, ToolCall
from runs.models.permissions import OFFERED, may_act_as, may_launch, was_given_something

if TYPE_CHECKING:
    _AnyModelAdmin = admin.ModelAdmin[Any]
    _AnyUserAdmin = UserAdmin[Any]
    _PersonForm = UserChangeForm[User]
else:  # generic for the type checker only
    _AnyModelAdmin, _AnyUserAdmin, _PersonForm = admin.ModelAdmin, UserAdmin, UserChangeForm

Deletion = tuple[list[Any], dict[str, int], set[str], list[str]]
"""Objects Django's admin would delete, their counts, missing permissions, and protected objects."""
_GO_WITH_THEIR_OWNER: Final = ApiToken
_SAID_IN_WORDS: Final = (Run, ToolCall, _GO_WITH_THEIR_OWNER)
"""Models whose missing permission keeps no account. Django names them in the reader's language."""
SWITCH_OFF: Final = gettext_lazy("Switch the account off instead: take the tick from “Active”.")
MOST_NAMED: Final = 20
RIGHTS: Final = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")
"""Fields of an account that its own user cannot change."""
_OURS: Final = ("admin", "auth", "contenttypes", "runs", "sessions")
"""Applications of which only the permissions in `OFFERED` have an effect."""
NOTHING_LEFT: Final = gettext_lazy(
    "An account without permissions and groups may launch runs, and you may not: leave it a permission or a group."
)


def permissions_of(holders: Q) -> set[str]:
    """Permissions granted to an account or group; also to an inactive one, for which Django's own methods return
    none."""
    found = Permission.objects.filter(holders).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def may_manage(user: Any, person: User) -> bool:
    """True if `user` has all permissions of `person`: a user who changes an account can sign in as it."""
    if user.is_superuser:
        return True
    return not person.is_superuser and _has_all(user, permissions_of(Q(user=person) | Q(group__user=person)))


def may_manage_group(user: Any, group: Group) -> bool:
    """True if `user` has all permissions of the group."""
    return bool(user.is_superuser) or _has_all(user, permissions_of(Q(group=group)))


def may_delete_group(user: Any, group: Group) -> bool:
    """True if `user` may manage the group, and no member is left without permissions while `user` may not launch:
    an account without any permissions may launch runs."""
    if not may_manage_group(user, group):
        return False
    return may_launch(user) or not User.objects.filter(groups=group, user_permissions=None).exists()


def _has_all(user: Any, permissions: set[str]) -> bool:
    return permissions.issubset(user.get_all_permissions())


def _offered(user: Any, holders: Q) -> QuerySet[Permission]:
    """The permissions `user` may grant: their own, as far as they have an effect or the holders have them already."""
    every = Permission.objects.select_related("content_type")
    held = set(every.filter(holders).values_list("pk", flat=True))
    mine = None if user.is_superuser else user.get_all_permissions()
    names = {each.pk: f"{each.content_type.app_label}.{each.codename}" for each in every}
    useful = {pk for pk, name in names.items() if name in OFFERED or name.split(".")[0] not in _OURS}
    return every.filter(pk__in=[pk for pk in useful | held if mine is None or names[pk] in mine])


def _object_id(request: HttpRequest) -> int:
    """The id of the account or group of this page; 0 for none."""
    found = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    return int(found) if found.isdecimal() and len(found) < 19 else 0


def _groups_within(user: Any) -> QuerySet[Group]:
    """The groups without permissions that `user` lacks."""
    mine = user.get_all_permissions()
    every = Permission.objects.select_related("content_type")
    beyond = [each.pk for each in every if f"{each.content_type.app_label}.{each.codename}" not in mine]
    return Group.objects.exclude(permissions__in=beyond)


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


class DeletesWithReason(_AnyModelAdmin):
    """Explains in words why objects cannot be deleted, on their page and for a selection."""

    delete_confirmation_template = "admin/runs/delete.html"
    delete_selected_confirmation_template = "admin/runs/delete_selected.html"


class RankedPeople(DeletesWithReason, _AnyUserAdmin):
    """Accounts, editable only by users with at least the same permissions; no user edits their own rights."""

    form = PersonForm

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
            kwargs["queryset"] = _offered(request.user, Q(user=_object_id(request)))
        elif db_field.name == "groups" and not request.user.is_superuser:
            kwargs["queryset"] = _groups_within(request.user)
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
        return to_delete, counts, missing, list(_kept(objs)) if protected else []


class RankedGroups(DeletesWithReason):
    """Groups, editable only by users with at least the same permissions."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage_group(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_delete_group(request.user, obj))

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            kwargs["queryset"] = _offered(request.user, Q(group=_object_id(request)))
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


def _kept(people: Iterable[User]) -> Iterable[str]:
    """Reasons why these accounts are kept, one line for each of the first `MOST_NAMED`."""
    ids = [person.pk for person in people]
    found = User.objects.filter(pk__in=ids).order_by("username")
    counts = found.annotate(launched=Count("runs", distinct=True), decided=Count("toolcall", distinct=True)).filter(
        Q(launched__gt=0) | Q(decided__gt=0)
    )
    for person in counts[:MOST_NAMED]:
        runs = ngettext("%(n)s run of theirs", "%(n)s runs of theirs", person.launched)
        decisions = ngettext("%(n)s decision they took", "%(n)s decisions they took", person.decided)
        counted = ((runs, person.launched), (decisions, person.decided))
        reasons = [words % {"n": counted_text(number)} for words, number in counted if number]
        both = gettext("%(one)s and %(other)s") % {"one": reasons[0], "other": reasons[-1]}
        told = {"name": person.get_username(), "reasons": both if len(reasons) > 1 else reasons[0]}
        yield f"{gettext('%(name)s: %(reasons)s would lose their name, and are kept.') % told} {SWITCH_OFF}"
    if (more := counts.count() - MOST_NAMED) > 0:
        words = ngettext("The same holds for %(n)s more account.", "The same holds for %(n)s more accounts.", more)
        yield words % {"n": counted_text(more)}
