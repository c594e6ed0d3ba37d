"""The identities of the route matrix: people, API clients, and staff with each single permission."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Group, Permission, User

from runs.models import ApiToken

EVERYTHING = "*"
SEEN = ("runs.view_run", "runs.view_step", "runs.view_toolcall", "runs.view_agent", "runs.view_models")
OPERATORS = (*SEEN, "runs.launch_run", "runs.stop_run", "runs.decide_run", "runs.test_models")
GROUPS = {
    "Operators": OPERATORS,
    "Auditors": (*SEEN, "runs.view_apitoken", "auth.view_user", "auth.view_group"),
    "Administrators": (
        *OPERATORS,
        *("runs.add_agent", "runs.change_agent", "runs.delete_agent", "runs.view_apitoken", "runs.change_apitoken"),
        *("auth.view_user", "auth.add_user", "auth.change_user", "auth.delete_user"),
        *("auth.view_group", "auth.add_group", "auth.change_group", "auth.delete_group"),
    ),
}
"""The permissions of a new installation's groups."""
ALL_VERBS = ("add", "change", "delete", "view")
SCOPES = ("read", "launch", "approve", "edit")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A person or an API client that requests something of the owner's run."""

    name: str
    signed_in: bool = True
    staff: bool = False
    owns: bool = False
    group: str = ""
    permissions: tuple[str, ...] = ()
    """Permissions beside those of the group; `*` for a superuser."""
    scopes: tuple[str, ...] | None = None
    """Scopes of a token; None for a browser."""
    facts: frozenset[str] = field(init=False)
    """Facts true of the identity, as the rules (`rules.py`) name them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", frozenset(self._facts()))

    def _facts(self) -> Iterator[str]:
        if not self.signed_in:
            return
        may = {*self.permissions, *GROUPS.get(self.group, ())}

        def has(permission: str) -> bool:
            return permission in may or EVERYTHING in may

        yield "caller"
        if self.scopes is None:
            yield "session"
            if self.staff:
                yield "staff"
        else:
            yield "token"
        yield from (f"scope {scope}" for scope in (SCOPES if self.scopes is None else self.scopes))
        if self.owns:
            yield "owns"
        if self.owns or has("runs.view_run"):
            yield "sees"
        if not may or has("runs.launch_run") or has("runs.change_agent"):
            yield "launches"
        if self.owns or has("runs.stop_run"):
            yield "stops"
        if self.owns or has("runs.decide_run"):
            yield "decides"
        yield from may

    def has(self, fact: str) -> bool:
        """True if the fact holds; a superuser has every permission."""
        return fact in self.facts or (EVERYTHING in self.facts and "." in fact)

    def user(self, owner: User) -> User | None:
        """A new account for the identity; the owner's own for the owner."""
        if not self.signed_in:
            return None
        if self.owns:
            return owner
        name = self.name.replace(" ", "-").replace(".", "-")[:150]
        user = User.objects.create(username=name, is_staff=self.staff, is_superuser=EVERYTHING in self.permissions)
        if self.group:
            user.groups.add(Group.objects.get(name=self.group))
        user.user_permissions.set(permission_of(each) for each in self.permissions if each != EVERYTHING)
        return user

    def credential(self, user: User | None, session_of: Callable[[User], str]) -> dict[str, Any]:
        """Credentials of a request: a cookie or a header."""
        if user is None:
            return {}
        if self.scopes is None:
            return {"session": session_of(user)}
        _token, text = ApiToken.issue(user, name="x", scopes=list(self.scopes))
        return {"headers": {"Authorization": f"Bearer {text}"}}


PEOPLE = (
    Identity(name="anonymous", signed_in=False),
    Identity(name="member"),
    Identity(name="owner", owns=True),
    Identity(name="operator", group="Operators"),
    Identity(name="auditor", group="Auditors", staff=True),
    Identity(name="administrator", group="Administrators", staff=True),
    Identity(name="staff", staff=True),
    Identity(name="superuser", permissions=(EVERYTHING,), staff=True),
    Identity(name="owner's read token", owns=True, scopes=("read",)),
    Identity(name="owner's launch token", owns=True, scopes=("launch",)),
    Identity(name="owner's approve token", owns=True, scopes=("approve",)),
    Identity(name="owner's edit token", owns=True, scopes=("edit",)),
    Identity(name="administrator's edit token", group="Administrators", scopes=("edit",)),
    Identity(name="member's token", scopes=SCOPES),
    Identity(name="auditor's token", group="Auditors", scopes=SCOPES),
)


def single(permission: str) -> Identity:
    """A member of staff with this permission only."""
    return Identity(name=f"staff with {permission}", staff=True, permissions=(permission,))


def every_permission() -> list[str]:
    """Names of all permissions: Django's four for each model, and those a model adds."""
    models = [model for app in ("auth", "runs") for model in apps.get_app_config(app).get_models()]
    fours = {f"{m._meta.app_label}.{get_permission_codename(v, m._meta)}" for m in models for v in ALL_VERBS}
    own = {f"{model._meta.app_label}.{codename}" for model in models for codename, _words in model._meta.permissions}
    return sorted(fours | own)


def permission_of(label: str) -> Permission:
    """The permission's row."""
    app, codename = label.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def make_groups() -> None:
    """The groups of a new installation, which a flushed test database has lost."""
    import_module("runs.migrations.0009_groups_and_launch_ceilings").make_groups(apps)


def give_groups() -> None:
    """The same groups, for tests that do not try how they are made, which looks up each permission by itself."""
    rows = Permission.objects.values_list("content_type__app_label", "codename", "pk")
    keys = {f"{app}.{codename}": key for app, codename, key in rows}
    for name, permissions in GROUPS.items():
        Group.objects.get_or_create(name=name)[0].permissions.set([keys[each] for each in permissions])
