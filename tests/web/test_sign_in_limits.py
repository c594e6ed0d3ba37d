"""Guessing passwords: how often, and what it tells."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.web.conftest import PASSWORD

PAGES = ("/accounts/login/", "/admin/login/")


def _try(name: str, password: str, *, page: str = PAGES[0], address: str = "203.0.113.7", **extra: Any) -> Any:
    return Client(REMOTE_ADDR=address).post(page, {"username": name, "password": password}, **extra)


@pytest.mark.parametrize("name", ["owner", "nobody"])
def test_the_eleventh_wrong_try_is_429_whether_there_is_such_a_person_or_not(owner: User, name: str) -> None:
    answers = [_try(name, "wrong") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert "Too many tries. Wait" in answers[-1].content.decode()


def test_what_a_refusal_says_is_the_same_for_everybody(owner: User) -> None:
    said = [_try(name, "wrong").content.decode().replace(name, "NAME") for name in ("owner", "nobody")]

    without_tokens = [page.split("csrfmiddlewaretoken")[0] + page.split("</div>", 3)[-1][-200:] for page in said]
    assert without_tokens[0].count("do not match") == without_tokens[1].count("do not match")
    assert "do not match" in said[0] and "do not match" in said[1]


def test_the_right_password_does_not_help_once_too_many_were_wrong(owner: User) -> None:
    for _ in range(10):
        _try("owner", "wrong")

    assert _try("owner", PASSWORD).status_code == 429
    assert _try("OWNER", PASSWORD).status_code == 429


def test_others_may_sign_in_meanwhile_and_so_may_they_from_elsewhere(owner: User, other: User) -> None:
    for _ in range(11):
        _try("owner", "wrong")

    assert _try("other", PASSWORD).status_code == 302
    assert _try("owner", PASSWORD, address="198.51.100.1").status_code == 302


def test_signing_in_begins_to_count_anew(owner: User) -> None:
    for _ in range(9):
        _try("owner", "wrong")
    _try("owner", PASSWORD)

    answers = [_try("owner", "wrong") for _ in range(10)]

    assert {answer.status_code for answer in answers} == {422}


def test_the_admins_own_page_counts_too(staff: User) -> None:
    for _ in range(10):
        _try("staff", "wrong", page=PAGES[1])

    response = _try("staff", PASSWORD, page=PAGES[1])

    assert "Too many tries" in response.content.decode()
    assert "sessionid" not in response.cookies


def test_behind_a_proxy_the_address_is_the_one_the_proxy_saw(owner: User, settings: Any) -> None:
    settings.AGENTSITE_URL = "https://agents.example.org"
    forged = [{"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.1"} for number in range(11)]

    answers = [_try("owner", "wrong", headers=headers) for headers in forged]

    assert answers[-1].status_code == 429
    assert _try("owner", PASSWORD, headers={"X-Forwarded-For": "10.0.0.1, 192.0.2.2"}).status_code == 302


def test_without_a_proxy_nobody_chooses_their_own_address(owner: User) -> None:
    answers = [_try("owner", "wrong", headers={"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(11)]

    assert answers[-1].status_code == 429


def test_a_name_nobody_has_takes_as_long_as_a_wrong_password(owner: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["agentsite.hashers.PasswordHasher"]
    owner.set_password(PASSWORD)
    owner.save()

    def seconds(name: str, number: int) -> float:
        began = time.process_time()
        assert _try(name, "wrong", address=f"192.0.2.{number}").status_code == 422
        return time.process_time() - began

    taken = [(seconds("owner", number), seconds("nobody", number)) for number in range(8)]
    known, unknown = (min(each) for each in zip(*taken, strict=True))

    assert abs(known - unknown) < 0.05
