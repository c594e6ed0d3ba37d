"""The page of API tokens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import ApiToken

BrowserOf = Callable[[User | None], Client]
TOKENS = "/settings/tokens/"


def test_a_token_is_shown_once_and_works(owner: User, browser_of: BrowserOf) -> None:
    made = browser_of(owner).post(TOKENS, {"name": "Report", "scopes": ["read"], "lifetime": "30"})

    token = ApiToken.objects.get()
    text = made.context["text"]
    assert text in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert text not in browser_of(owner).get(TOKENS).content.decode()
    assert Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    assert (token.user, token.name, token.scopes) == (owner, "Report", ["read"])
    assert token.expires_at is not None
    assert abs((token.expires_at - timezone.now()) - timedelta(days=30)) < timedelta(minutes=1)


def test_a_token_may_be_made_for_good(owner: User, browser_of: BrowserOf) -> None:
    browser_of(owner).post(TOKENS, {"name": "x", "scopes": ["read", "launch"], "lifetime": ""})

    assert ApiToken.objects.get().expires_at is None


def test_a_token_without_a_name_or_a_scope_is_refused_with_what_is_missing(owner: User, browser_of: BrowserOf) -> None:
    response = browser_of(owner).post(TOKENS, {"lifetime": "90"})
    odd = browser_of(owner).post(TOKENS, {"name": "x", "scopes": ["everything"], "lifetime": "90"})

    page = response.content.decode()
    assert (response.status_code, odd.status_code) == (422, 422)
    assert "Give it a name." in page and "Choose at least one scope." in page
    assert not ApiToken.objects.exists()


def test_a_revoked_token_ends_at_once_and_stays_in_the_list(owner: User, browser_of: BrowserOf) -> None:
    token, text = ApiToken.issue(owner, name="Report", scopes=["read"])

    response = browser_of(owner).post(f"{TOKENS}{token.pk}/revoke/", follow=True)

    assert "is revoked" in response.content.decode()
    assert Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {text}"}).status_code == 401
    assert "data-ended" in response.content.decode()


def test_nobody_sees_or_revokes_the_tokens_of_others_on_their_page(
    owner: User, other: User, staff: User, browser_of: BrowserOf
) -> None:
    token, _ = ApiToken.issue(owner, name="Very private", scopes=["read"])

    for person in (other, staff):
        assert "Very private" not in browser_of(person).get(TOKENS).content.decode()
        assert browser_of(person).post(f"{TOKENS}{token.pk}/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_one_person_has_at_most_a_hundred(owner: User, browser_of: BrowserOf) -> None:
    for _ in range(100):
        ApiToken.issue(owner, name="x", scopes=["read"])

    response = browser_of(owner).post(TOKENS, {"name": "x", "scopes": ["read"], "lifetime": "90"})

    assert response.status_code == 422
    assert "that is the limit" in response.content.decode()


def test_staff_see_everybodys_tokens_in_the_admin_without_hashes_and_may_revoke_them(
    owner: User, staff: User, browser_of: BrowserOf
) -> None:
    token, text = ApiToken.issue(owner, name="Report", scopes=["read"])
    browser = browser_of(staff)

    pages = [browser.get(f"/admin/runs/apitoken/{page}") for page in ("", f"{token.pk}/change/")]
    action: dict[str, Any] = {"action": "revoke_selected", "_selected_action": [token.pk]}
    browser.post("/admin/runs/apitoken/", action)

    token.refresh_from_db()
    assert {page.status_code for page in pages} == {200}
    for page in pages:
        assert "Report" in page.content.decode()
        assert token.token_hash not in page.content.decode() and text not in page.content.decode()
    assert token.revoked_at is not None
    assert browser.get("/admin/runs/apitoken/add/").status_code == 403


def test_the_reference_shows_every_endpoint_with_a_line_to_try(client: Client, db: None) -> None:
    page = client.get("/api/v1/docs").content.decode()
    described = client.get("/api/v1/openapi.json").json()

    for path, methods in described["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
        assert path in page
    assert "<script>" not in page and "style=" not in page
