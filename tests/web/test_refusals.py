"""What a person without a permission is told, and what their pages hide."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from runs.models import ApiToken, Run
from tests.web.conftest import HTMX
from tests.web.identities import make_groups, permission_of
from tests.web.permission_site import waiting_call


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize(
    ("method", "address", "permission"),
    [
        ("get", "/runs/new/", "Can launch runs"),
        ("post", "/runs/", "Can launch runs"),
        ("post", "/runs/{run}/rerun/", "Can launch runs"),
        ("post", "/runs/{run}/continue/", "Can launch runs"),
        ("post", "/runs/{run}/cancel/", "Can stop and pause everybody's runs"),
        ("post", "/runs/{run}/resume/", "Can stop and pause everybody's runs"),
        ("post", "/runs/{run}/calls/{call}/deny/", "Can decide about everybody's tool calls"),
    ],
)
def test_who_may_not_is_told_which_permission_it_takes_and_whom_to_ask(
    owner: User,
    other: User,
    make_run: Callable[..., Run],
    browser_of: Any,
    method: str,
    address: str,
    permission: str,
    headers: dict[str, str],
) -> None:
    other.user_permissions.add(permission_of("runs.view_run"))
    run = make_run(owner, status="waiting", waiting_for="approval")
    address = address.format(run=run.pk, call=waiting_call(run).pk)

    response = getattr(browser_of(other), method)(address, {"task": "x", "message": "x"}, headers=headers)

    told = unescape(response.content.decode())
    assert response.status_code == 403
    assert f"it lacks the permission “{permission}”. Ask a person who manages the accounts here." in told
    assert response["Content-Type"].startswith("text/plain" if headers else "text/html")
    assert headers or "Go to Home" in told


@pytest.mark.parametrize(
    ("address", "sent", "permission"),
    [
        ("runs", {"task": "x"}, "Can launch runs"),
        ("runs/{run}/rerun", {}, "Can launch runs"),
        ("runs/{run}/continue", {"message": "x"}, "Can launch runs"),
        ("runs/{run}/cancel", {}, "Can stop and pause everybody's runs"),
        ("calls/{call}/deny", {"arguments_hash": "x"}, "Can decide about everybody's tool calls"),
    ],
)
def test_the_api_names_the_missing_permission_too(
    owner: User,
    other: User,
    make_run: Callable[..., Run],
    client: Client,
    address: str,
    sent: dict[str, str],
    permission: str,
) -> None:
    other.user_permissions.add(permission_of("runs.view_run"))
    run = make_run(owner)
    _token, text = ApiToken.issue(other, name="x", scopes=["read", "launch", "approve"])
    address = f"/api/v1/{address.format(run=run.pk, call=waiting_call(run).pk)}"
    headers = {"Authorization": f"Bearer {text}"}

    answer = client.post(address, sent, content_type="application/json", headers=headers)

    assert answer.status_code == 403
    assert f"it lacks the permission “{permission}”" in answer.json()["error"]["message"]


def test_to_who_may_only_look_a_runs_page_hides_what_they_may_not_press(
    owner: User, make_run: Callable[..., Run], browser_of: Any
) -> None:
    make_groups()
    auditor = User.objects.create_user("auditor")
    auditor.groups.add(Group.objects.get(name="Auditors"))
    run = make_run(owner)

    theirs = browser_of(auditor).get(f"/runs/{run.pk}/").content.decode()
    owners = browser_of(owner).get(f"/runs/{run.pk}/").content.decode()

    assert "run-page may-not-stop may-not-resume may-not-decide may-not-launch" in theirs
    assert 'id="follow-up"' not in theirs and "New run" not in theirs
    assert set(re.findall(r"may-not-\w+", owners)) == {"may-not-template"} and 'id="follow-up"' in owners


def test_staff_without_any_permission_see_their_own_runs_only(
    owner: User, make_run: Callable[..., Run], browser_of: Any
) -> None:
    make_run(owner, task="a secret task")
    grace = User.objects.create_user("grace", is_staff=True)

    pages = [browser_of(grace).get(page).content.decode() for page in ("/", "/runs/", "/inbox/", "/runs/new/")]

    assert not [page for page in pages if "a secret task" in page or "Models</span>" in page]
    assert Permission.objects.filter(user=grace).count() == 0
