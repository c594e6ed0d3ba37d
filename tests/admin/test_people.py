"""Accounts, groups and others' passwords: people give and take only permissions they have."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client

from runs.models import Agent
from runs.models.permissions import OFFERED, may_launch
from tests.web.agent_page import AGENT_FORM
from tests.web.conftest import PASSWORD
from tests.web.identities import make_groups, permission_of

NEW = "another good long password"


def save(browser: Client, user: User, **changes: Any) -> Any:
    """Save an account's page with these changes."""
    sent = {"username": user.username, "email": user.email, "is_active": "on", "date_joined_0": "2026-01-01"}
    staff = {"is_staff": "on"} if user.is_staff else {}
    kept = {"user_permissions": [each.pk for each in user.user_permissions.all()]}
    return browser.post(
        f"/admin/auth/user/{user.pk}/change/", {**sent, "date_joined_1": "00:00:00", **staff, **kept, **changes}
    )


def test_who_may_change_accounts_makes_nobody_a_superuser(
    clerk: User, other: User, browser_of: Callable[[User | None], Client]
) -> None:
    for user in (clerk, other):
        assert save(browser_of(clerk), user, is_superuser="on", first_name="Changed").status_code == 302
        user.refresh_from_db()
        assert (user.first_name, user.is_superuser) == ("Changed", False)


def test_who_may_change_accounts_gives_only_what_they_have(
    clerk: User, other: User, browser_of: Callable[[User | None], Client]
) -> None:
    make_groups()
    user = other
    mine, not_mine = permission_of("auth.view_user"), permission_of("runs.change_agent")
    harmless = Group.objects.create(name="Harmless")

    refused = [
        save(browser_of(clerk), user, user_permissions=[not_mine.pk]),
        save(browser_of(clerk), user, groups=[Group.objects.get(name="Administrators").pk]),
    ]
    given = save(browser_of(clerk), user, user_permissions=[mine.pk], groups=[harmless.pk])

    assert [each.status_code for each in refused] == [200, 200]
    assert all("Select a valid choice" in each.content.decode() for each in refused)
    assert given.status_code == 302
    assert (list(user.user_permissions.all()), list(user.groups.all())) == ([mine], [harmless])


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_changes_their_own_rights(
    clerk: User, is_superuser: bool, browser_of: Callable[[User | None], Client]
) -> None:
    clerk.is_superuser = is_superuser
    clerk.save()
    had, harmless = set(clerk.user_permissions.all()), Group.objects.create(name="Harmless")
    rights = {"user_permissions": [], "groups": [harmless.pk], "is_staff": "", "is_active": "", "is_superuser": ""}

    answer = save(browser_of(clerk), clerk, first_name="Changed", **rights)

    clerk = User.objects.get(pk=clerk.pk)
    assert (answer.status_code, clerk.first_name) == (302, "Changed")
    assert (clerk.is_active, clerk.is_staff, clerk.is_superuser) == (True, True, is_superuser)
    assert (set(clerk.user_permissions.all()), clerk.groups.count()) == (had, 0)
    assert is_superuser or not may_launch(clerk)


@pytest.mark.parametrize("gave", ["permission", "group"])
def test_who_may_not_launch_brings_nobody_to_launch_by_taking_all_they_have(
    clerk: User, other: User, gave: str, browser_of: Callable[[User | None], Client]
) -> None:
    if gave == "permission":
        other.user_permissions.add(permission_of("auth.view_user"))
    else:
        other.groups.add(Group.objects.create(name="Readers"))
    browser = browser_of(clerk)

    page = save(browser, other, user_permissions=[], groups=[]).content.decode()

    assert "An account without permissions and groups may launch runs, and you may not" in page
    assert not may_launch(User.objects.get(pk=other.pk))
    clerk.user_permissions.add(permission_of("runs.launch_run"))
    assert save(browser, other, user_permissions=[], groups=[]).status_code == 302
    assert may_launch(User.objects.get(pk=other.pk))


def test_who_may_not_launch_brings_nobody_to_launch_by_deleting_their_groups(
    clerk: User, other: User, browser_of: Callable[[User | None], Client]
) -> None:
    clerk.user_permissions.add(permission_of("auth.delete_group"), permission_of("auth.view_group"))
    groups = [Group.objects.create(name=name) for name in ("Readers", "Writers")]
    other.groups.set(groups)
    browser, empty = browser_of(clerk), Group.objects.create(name="Empty")
    selected = {"action": "delete_selected", "_selected_action": [group.pk for group in groups], "post": "yes"}

    one = browser.post(f"/admin/auth/group/{groups[0].pk}/delete/", {"post": "yes"})
    browser.post("/admin/auth/group/", selected)
    browser.post(f"/admin/auth/group/{empty.pk}/delete/", {"post": "yes"})

    assert one.status_code == 403
    assert set(Group.objects.all()) >= set(groups) and not Group.objects.filter(name="Empty").exists()
    assert not may_launch(User.objects.get(pk=other.pk))


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("lacks", ["view_run", "stop_run", "decide_run", "launch_run"])
def test_a_members_password_is_set_only_by_who_may_do_what_the_member_may(
    clerk: User, other: User, lacks: str, is_active: bool, browser_of: Callable[[User | None], Client]
) -> None:
    other.is_active = is_active
    other.save()
    needed = {"view_run", "stop_run", "decide_run", "launch_run"}
    clerk.user_permissions.add(*(permission_of(f"runs.{each}") for each in needed - {lacks}))
    browser, page = browser_of(clerk), f"/admin/auth/user/{other.pk}/password/"
    form = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": "Set"}

    assert browser.post(page, form).status_code == 403
    assert not User.objects.get(pk=other.pk).check_password(NEW)
    clerk.user_permissions.add(permission_of(f"runs.{lacks}"))
    assert browser.post(page, form).status_code == 302
    assert User.objects.get(pk=other.pk).check_password(NEW)


def test_who_may_not_launch_makes_no_account_that_may(clerk: User, browser_of: Callable[..., Client]) -> None:
    clerk.user_permissions.add(permission_of("auth.add_user"))
    form = {"username": "puppet", "usable_password": "true", "password1": NEW, "password2": NEW}

    assert browser_of(clerk).post("/admin/auth/user/add/", form).status_code == 403
    clerk.user_permissions.add(permission_of("runs.launch_run"))
    assert browser_of(clerk).post("/admin/auth/user/add/", form).status_code == 302


def test_only_who_may_change_agents_makes_one_the_default(
    clerk: User, agent: Agent, browser_of: Callable[..., Client]
) -> None:
    default = Agent.objects.get(is_default=True)
    clerk.user_permissions.add(permission_of("runs.add_agent"))

    def default_after(name: str) -> Agent:
        assert browser_of(clerk).post("/admin/runs/agent/add/", AGENT_FORM | {"name": name}).status_code == 302
        assert Agent.objects.filter(name=name).exists()
        return Agent.objects.get(is_default=True)

    assert default_after("Stranger's") == default
    clerk.user_permissions.add(permission_of("runs.change_agent"))
    assert default_after("Chosen").name == "Chosen"


def test_the_pickers_offer_what_does_something_and_what_is_held(
    other: User, staff: User, browser_of: Callable[..., Client]
) -> None:
    held, group = permission_of("runs.add_run"), Group.objects.create(name="Theirs")
    other.user_permissions.add(held)

    offered = {
        page: offered_on(browser_of(staff), page, field)
        for page, field in (
            (f"/admin/auth/user/{other.pk}/change/", "user_permissions"),
            (f"/admin/auth/group/{group.pk}/change/", "permissions"),
            ("/admin/auth/group/add/", "permissions"),
        )
    }

    useful = {permission_of(each).pk for each in OFFERED}
    assert list(offered.values()) == [useful | {held.pk}, useful, useful]


def offered_on(browser: Client, page: str, field: str) -> set[int]:
    """The ids of the permissions offered by a page's picker."""
    return {each.pk for each in browser.get(page).context["adminform"].form.fields[field].queryset}


def _superuser() -> User:
    return User.objects.create_superuser("root", password=PASSWORD, email="root@example.org")


def _administrator() -> User:
    make_groups()
    user = User.objects.create_user("root", password=PASSWORD, email="root@example.org")
    user.groups.add(Group.objects.get(name="Administrators"))
    return user


def _switched_off() -> User:
    user = _administrator()
    user.is_active = False
    user.save()
    return user


@pytest.mark.parametrize("make", [_superuser, _administrator, _switched_off])
def test_an_account_that_may_do_more_is_not_changed_taken_over_or_deleted(
    clerk: User, make: Callable[[], User], browser_of: Callable[[User | None], Client]
) -> None:
    more, browser = make(), browser_of(clerk)
    page = f"/admin/auth/user/{more.pk}"

    answers = [
        save(browser, more, email="clerk@example.org"),
        browser.post(f"{page}/password/", {"usable_password": "true", "password1": NEW, "password2": NEW}),
        browser.post(f"{page}/delete/", {"post": "yes"}),
    ]
    selected = {"action": "delete_selected", "_selected_action": [more.pk]}
    listed = browser.post("/admin/auth/user/", selected)
    deleted = browser.post("/admin/auth/user/", selected | {"post": "yes"})

    after = User.objects.get(pk=more.pk)
    assert [answer.status_code for answer in [*answers, deleted]] == [403] * 4
    assert (after.email, after.check_password(PASSWORD)) == ("root@example.org", True)
    assert "root: the account may do more than yours." in listed.content.decode()
    assert browser.get(f"{page}/change/").status_code == 200, "they may be looked at"


def test_a_group_gets_no_more_than_who_changes_it_has(clerk: User, browser_of: Callable[[User | None], Client]) -> None:
    make_groups()
    theirs, browser = Group.objects.create(name="Theirs"), browser_of(clerk)
    clerk.groups.add(theirs)
    above = Group.objects.get(name="Administrators")
    not_mine, mine = permission_of("runs.change_agent"), permission_of("auth.view_user")

    beyond = browser.post(f"/admin/auth/group/{theirs.pk}/change/", {"name": "x", "permissions": [not_mine.pk]})
    within = browser.post(f"/admin/auth/group/{theirs.pk}/change/", {"name": "Theirs", "permissions": [mine.pk]})
    emptied = browser.post(f"/admin/auth/group/{above.pk}/change/", {"name": "x", "permissions": []})

    assert "Select a valid choice" in beyond.content.decode()
    assert (within.status_code, emptied.status_code) == (302, 403)
    assert list(theirs.permissions.all()) == [mine]


# The upgrade


def test_after_the_upgrade_everybody_may_do_what_they_could(owner: User, other: User) -> None:
    migration = import_module("runs.migrations.0009_groups_and_launch_ceilings")
    grace = User.objects.create_user("grace", is_staff=True)
    other.groups.add(Group.objects.create(name="Shop"))
    Group.objects.filter(name="Auditors").delete()
    mine = Group.objects.create(name="Auditors")

    migration.make_groups(apps)
    migration.keep_what_people_had(apps)

    grace, other, owner = (User.objects.get(pk=user.pk) for user in (grace, other, owner))
    seen = (
        "runs.view_run",
        "runs.stop_run",
        "runs.decide_run",
        "runs.launch_run",
        "runs.view_models",
        "runs.test_models",
    )
    assert grace.has_perms(seen) and not grace.has_perm("auth.change_user")
    assert other.get_all_permissions() == {"runs.launch_run"}
    assert not owner.get_all_permissions()
    assert not mine.permissions.exists(), "a group that is there is somebody's own"


def test_at_the_upgrade_nobody_is_put_into_a_group_that_holds_something_else(db: None) -> None:
    migration = import_module("runs.migrations.0009_groups_and_launch_ceilings")
    grace = User.objects.create_user("grace", is_staff=True)
    Group.objects.filter(name__in=migration.GROUPS).delete()
    theirs = [Group.objects.create(name=name) for name in ("Operators", "Agentsite Operators")]
    for group in theirs:
        group.permissions.add(permission_of("auth.change_user"))

    migration.make_groups(apps)
    migration.keep_what_people_had(apps)

    grace = User.objects.get(pk=grace.pk)
    assert grace.get_all_permissions() == set(migration.OPERATOR)
    assert [group.name for group in grace.groups.all()] == ["Agentsite Operators 2"]
    assert {each.codename for group in theirs for each in group.permissions.all()} == {"change_user"}
