"""Who may change which account or group, and which permissions they may grant: never more than they have."""

from typing import Any, Final

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet

from runs.models.permissions import OFFERED, may_launch

_OURS: Final = ("admin", "auth", "contenttypes", "runs", "sessions")
"""Applications of which only the permissions in `OFFERED` have an effect."""


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


def offered(user: Any, holders: Q) -> QuerySet[Permission]:
    """The permissions `user` may grant: their own, as far as they have an effect or the holders have them already."""
    every = Permission.objects.select_related("content_type")
    held = set(every.filter(holders).values_list("pk", flat=True))
    mine = None if user.is_superuser else user.get_all_permissions()
    names = {each.pk: f"{each.content_type.app_label}.{each.codename}" for each in every}
    useful = {pk for pk, name in names.items() if name in OFFERED or name.split(".")[0] not in _OURS}
    return every.filter(pk__in=[pk for pk in useful | held if mine is None or names[pk] in mine])


def groups_within(user: Any) -> QuerySet[Group]:
    """The groups without permissions that `user` lacks."""
    mine = user.get_all_permissions()
    every = Permission.objects.select_related("content_type")
    beyond = [each.pk for each in every if f"{each.content_type.app_label}.{each.codename}" not in mine]
    return Group.objects.exclude(permissions__in=beyond)
