"""Signing in, signing out, and the one-time link of a new installation."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.web import setup_link as first_link
from tests.web.conftest import PASSWORD

FIRST = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}
pytestmark = pytest.mark.django_db


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_the_right_password_leads_to_the_page_that_was_wanted(client: Client, owner: User) -> None:
    response = client.post("/accounts/login/", {"username": "owner", "password": PASSWORD, "next": "/runs/new/"})

    assert (response.status_code, response["Location"]) == (302, "/runs/new/")
    assert is_signed_in(client)


@pytest.mark.parametrize("trap", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""])
def test_signing_in_never_leads_to_another_site(client: Client, owner: User, trap: str) -> None:
    response = client.post("/accounts/login/", {"username": "owner", "password": PASSWORD, "next": trap})

    assert response["Location"] == "/"


def test_before_the_first_account_the_sign_in_page_says_where_its_link_is(client: Client) -> None:
    assert "No account yet" in client.get("/accounts/login/").content.decode()


def test_later_the_sign_in_page_speaks_of_no_link(client: Client, owner: User) -> None:
    assert "No account yet" not in client.get("/accounts/login/").content.decode()


def test_a_wrong_password_is_said_clearly_and_keeps_what_was_typed(client: Client, owner: User) -> None:
    response = client.post("/accounts/login/", {"username": "owner", "password": "no", "next": "/runs/new/"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "do not match" in page
    assert 'value="owner"' in page
    assert 'name="next" value="/runs/new/"' in page
    assert re.findall(r'name="(\w+)"[^>]*\sautofocus', page) == ["password"], "the one thing to type again"
    assert not is_signed_in(client)


def test_an_account_that_was_switched_off_cannot_sign_in(client: Client, owner: User) -> None:
    owner.is_active = False
    owner.save()

    response = client.post("/accounts/login/", {"username": "owner", "password": PASSWORD})

    assert response.status_code == 422


def test_an_account_that_is_switched_off_is_signed_out(client: Client, owner: User) -> None:
    client.force_login(owner)
    owner.is_active = False
    owner.save()

    assert not is_signed_in(client)


def test_signing_out_ends_the_session(client: Client, owner: User) -> None:
    client.force_login(owner)

    response = client.post("/accounts/logout/")

    assert response["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_the_first_link_makes_a_superuser_and_signs_them_in(client: Client) -> None:
    token = first_link.issue()

    response = client.post(f"/accounts/first/{token}/", FIRST)

    assert (response.status_code, response["Location"]) == (302, "/")
    user = User.objects.get()
    assert (user.username, user.is_superuser, user.is_staff, user.is_active) == ("ada", True, True, True)
    assert user.check_password(PASSWORD)
    assert is_signed_in(client)


def test_looking_at_the_first_link_uses_nothing_up(client: Client) -> None:
    token = first_link.issue()

    looks = [client.get(f"/accounts/first/{token}/").status_code for _ in range(3)]

    assert looks == [200, 200, 200]
    assert client.post(f"/accounts/first/{token}/", FIRST).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("username", "", "required"),
        ("username", "no spaces!", "valid username"),
        ("password2", "something else", "match"),
        ("password1", "", "required"),
    ],
)
def test_a_mistake_on_the_first_page_leaves_the_link_good(
    client: Client, field: str, value: str, complaint: str
) -> None:
    token = first_link.issue()

    response = client.post(f"/accounts/first/{token}/", FIRST | {field: value})

    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert not User.objects.exists()
    assert client.post(f"/accounts/first/{token}/", FIRST).status_code == 302


def test_a_weak_first_password_is_refused(client: Client) -> None:
    token = first_link.issue()

    response = client.post(f"/accounts/first/{token}/", FIRST | {"password1": "12345678", "password2": "12345678"})

    assert response.status_code == 422
    assert "too common" in response.content.decode()
    assert "password1" in response.context["form"].errors
    assert "password2" not in response.context["form"].errors


def test_the_first_link_works_once(client: Client) -> None:
    token = first_link.issue()
    client.post(f"/accounts/first/{token}/", FIRST)

    again = Client().get(f"/accounts/first/{token}/")
    second = Client().post(f"/accounts/first/{token}/", FIRST | {"username": "mallory"})

    assert (again.status_code, second.status_code) == (410, 410)
    assert User.objects.count() == 1
    assert "This link was already used" in again.content.decode()
    assert 'href="/accounts/login/"' in again.content.decode()


def test_a_wrong_token_is_not_found(client: Client) -> None:
    first_link.issue()

    assert client.get("/accounts/first/wrong/").status_code == 404


def test_a_new_link_ends_the_one_before(client: Client) -> None:
    earlier, later = first_link.issue(), first_link.issue()

    assert client.get(f"/accounts/first/{earlier}/").status_code == 404
    assert client.get(f"/accounts/first/{later}/").status_code == 200


def test_the_first_link_ends_after_an_hour(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_link, "LIFETIME_S", 0.0)
    token = first_link.issue()

    assert client.get(f"/accounts/first/{token}/").status_code == 404


def test_there_is_no_first_link_once_there_is_a_user(client: Client) -> None:
    token = first_link.issue()
    User.objects.create_user("ada")

    assert client.get(f"/accounts/first/{token}/").status_code == 410
    assert first_link.issue() is None


def test_the_token_itself_is_not_kept() -> None:
    token = first_link.issue()

    assert token is not None
    assert token not in repr(vars(first_link._link))
