"""Permissions to change a run, checked by the engine itself, so that no page, endpoint or command can forget them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.exceptions import PermissionDenied

from runs.engine import control
from runs.engine.recording.canonical_json import arguments_hash
from runs.models import Run, Step, ToolCall

pytestmark = pytest.mark.django_db
HASH = arguments_hash({})


def person(name: str, *permissions: str) -> User:
    """A user with exactly these permissions."""
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user.user_permissions.count() == len(permissions)
    return user


def waiting(user: User, waiting_for: str, **columns: Any) -> Run:
    """A waiting run of the user."""
    return Run.objects.create(user=user, task="x", status="waiting", waiting_for=waiting_for, **columns)


def a_call(run: Run, state: str) -> ToolCall:
    """A call of the run that waits for a person."""
    about = {"tool_name": "calculator", "arguments": {}, "arguments_hash": HASH, "effect": "unsafe"}
    return ToolCall.objects.create(call_id=uuid4(), run=run, turn=1, index=0, epoch=1, state=state, **about)


def asking(owner: User) -> ToolCall:
    return a_call(waiting(owner, "approval"), "awaiting_approval")


def unknown(owner: User) -> ToolCall:
    return a_call(waiting(owner, "decision"), "unknown")


def between_attempts(owner: User) -> Run:
    return waiting(owner, "retry", owner="test:1:1:1")


Change = tuple[Callable[[User], Run | ToolCall], Callable[[Any, Any], Any]]
DECISIONS: dict[str, Change] = {
    "approve": (asking, lambda pk, by: control.approve(pk, by=by, arguments_hash=HASH)),
    "deny": (asking, lambda pk, by: control.deny(pk, by=by, arguments_hash=HASH)),
    "settle": (unknown, lambda pk, by: control.settle(pk, by=by, outcome="run_again")),
}
STOPS: dict[str, Change] = {
    "cancel": (lambda owner: waiting(owner, "resume"), lambda pk, by: control.cancel(pk, by=by)),
    "force": (lambda owner: waiting(owner, "resume"), lambda pk, by: control.force(pk, by=by)),
    "pause": (lambda owner: Run.objects.create(user=owner, task="x"), lambda pk, by: control.pause(pk, by=by)),
    "stop_retrying": (between_attempts, lambda pk, by: control.stop_retrying(pk, by=by)),
}
RESUMES: dict[str, Change] = {
    "resume": (lambda owner: waiting(owner, "resume"), lambda pk, by: control.resume(pk, by=by)),
    "try_now": (between_attempts, lambda pk, by: control.try_now(pk, by=by)),
}
NEEDS: dict[str, tuple[Change, tuple[str, ...]]] = {
    **{name: (change, ("decide_run",)) for name, change in DECISIONS.items()},
    **{name: (change, ("stop_run",)) for name, change in STOPS.items()},
    **{name: (change, ("stop_run", "launch_run")) for name, change in RESUMES.items()},
}
ALL = {"view_run", "decide_run", "stop_run", "launch_run"}


def told_of(owner: User) -> list[tuple[Any, ...]]:
    """All rows about this user's runs."""
    runs = Run.objects.filter(user=owner).values_list("status", "waiting_for", "next_sequence")
    return [*runs, *ToolCall.objects.values_list("state", "decided_by"), *Step.objects.values_list("content")]


@pytest.mark.parametrize("name", NEEDS)
def test_nobody_changes_somebody_elses_run_without_the_permission_for_it(name: str) -> None:
    (make, change), needed = NEEDS[name]
    owner = person("owner")
    row = make(owner)
    before = told_of(owner)
    strangers = [person("member"), AnonymousUser(), person("blind", *ALL - {"view_run"})]
    strangers += [person(f"without {each}", *ALL - {each}) for each in needed]
    strangers.append(person("auditor", "view_run"))

    for stranger in strangers:
        with pytest.raises(PermissionDenied):
            change(row.pk, stranger)

    assert told_of(owner) == before


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("who", ["owner", "permitted", "command line"])
def test_owners_and_those_who_were_given_the_permission_change_it(name: str, who: str) -> None:
    (make, change), needed = NEEDS[name]
    owner = person("owner")
    row = make(owner)
    before = told_of(owner)
    by = {"owner": owner, "command line": None}.get(who) if who != "permitted" else person(who, "view_run", *needed)

    change(row.pk, by)

    assert told_of(owner) != before


def test_a_refusal_names_the_permission_that_is_missing() -> None:
    auditor, row = person("auditor", "view_run"), asking(person("owner"))

    with pytest.raises(PermissionDenied, match="Can decide about everybody's tool calls"):
        control.deny(row.pk, by=auditor, arguments_hash=HASH)
    with pytest.raises(PermissionDenied, match="Can stop and pause everybody's runs"):
        control.cancel(row.run_id, by=auditor)
    with pytest.raises(PermissionDenied, match="Can launch runs"):
        control.resume(row.run_id, by=person("stopper", "view_run", "stop_run"))
