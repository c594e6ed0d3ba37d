"""A person's own password: changed on the site's page, and on no other."""

from html import unescape
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.database_outages import RETRY_AFTER_S
from runs.hash_pool import HashBusy
from tests.web.conftest import PASSWORD

NEW = "another good long password"


def test_a_person_changes_their_own_password_and_stays_signed_in_here_alone(owner: User, browser_of: Any) -> None:
    here, elsewhere = browser_of(owner), browser_of(owner)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    assert "/settings/password/" in here.get("/").content.decode()
    response = here.post("/settings/password/", form, follow=True)

    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert "Your password is changed." in response.content.decode()
    assert (here.get("/").status_code, elsewhere.get("/").status_code) == (200, 302)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("old_password", "wrong", "Your old password was entered incorrectly"),
        ("new_password2", "something else entirely", "didn’t match"),
        ("new_password1", "", "required"),
        ("old_password", "", "required"),
    ],
)
def test_a_password_is_not_changed_by_a_form_that_is_wrong(
    owner: User, browser_of: Any, field: str, value: str, complaint: str
) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, field: value}

    response = browser_of(owner).post("/settings/password/", form)

    owner.refresh_from_db()
    assert response.status_code == 422
    assert complaint in unescape(response.content.decode())
    assert NEW not in response.content.decode()
    assert owner.check_password(PASSWORD)


def test_a_weak_password_is_refused_with_the_reason(owner: User, browser_of: Any) -> None:
    form = {"old_password": PASSWORD, "new_password1": "12345678", "new_password2": "12345678"}

    response = browser_of(owner).post("/settings/password/", form)

    assert (response.status_code, "too common" in response.content.decode()) == (422, True)
    assert list(response.context["form"].errors) == ["new_password1"]


def test_wrong_passwords_so_far_are_counted_as_wrong_tries_to_sign_in(
    owner: User, other: User, browser_of: Any
) -> None:
    form = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    browser = browser_of(owner)

    answers = [browser.post("/settings/password/", form) for _ in range(11)]
    right = browser.post("/settings/password/", form | {"old_password": PASSWORD})
    signing_in = Client().post("/accounts/login/", {"username": "owner", "password": PASSWORD})
    others = browser_of(other).post("/settings/password/", form | {"old_password": PASSWORD})

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert "Too many tries. Wait" in answers[-1].content.decode()
    assert 0 < int(answers[-1]["Retry-After"]) <= 900
    assert (right.status_code, signing_in.status_code, others.status_code) == (429, 429, 302)
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_right_password_so_far_begins_to_count_anew(owner: User, browser_of: Any) -> None:
    wrong = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    browser = browser_of(owner)
    for _ in range(9):
        browser.post("/settings/password/", wrong)

    weak = browser.post("/settings/password/", {"old_password": PASSWORD, "new_password1": "1", "new_password2": "1"})

    assert weak.status_code == 422
    assert {browser.post("/settings/password/", wrong).status_code for _ in range(10)} == {422}


def test_a_password_nobody_has_looked_at_is_no_try(
    owner: User, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    with monkeypatch.context() as busy:
        busy.setattr(User, "check_password", mock.Mock(side_effect=HashBusy()))
        answers = [browser_of(owner).post("/settings/password/", form) for _ in range(12)]

    assert {answer.status_code for answer in answers} == {503}
    assert {answer["Retry-After"] for answer in answers} == {str(RETRY_AFTER_S)}
    assert browser_of(owner).post("/settings/password/", form).status_code == 302


def test_the_admin_sends_its_people_to_the_same_page_for_their_password(staff: User, browser_of: Any) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    response = browser_of(staff).post("/admin/password_change/", form)

    assert (response.status_code, response["Location"]) == (302, "/settings/password/")
    staff.refresh_from_db()
    assert staff.check_password(PASSWORD)


def test_nobody_needs_a_permission_to_change_their_own_password(clerk: User, browser_of: Any) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    assert browser_of(clerk).post("/settings/password/", form).status_code == 302
