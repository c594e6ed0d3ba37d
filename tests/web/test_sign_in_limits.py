"""Guessing passwords: the limits, and what responses reveal."""

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

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "Too many tries" in response.content.decode()
    assert "sessionid" not in response.cookies


def test_a_hundred_wrong_tries_from_one_network_are_its_last_whatever_the_names(owner: User, other: User) -> None:
    for number in range(100):
        _try(f"name-{number}", "wrong", address=f"2001:db8:0:1::{number + 1:x}")

    assert _try("owner", PASSWORD, address="2001:db8:0:1::ffff").status_code == 429
    assert _try("owner", PASSWORD, address="2001:db8:0:2::1").status_code == 302


def test_presses_that_were_refused_are_no_tries_of_their_address(owner: User, other: User) -> None:
    answers = [_try("owner", "wrong").status_code for _ in range(150)]

    assert answers == [422] * 10 + [429] * 140
    assert _try("other", PASSWORD).status_code == 302


def test_presses_during_a_pause_are_no_tries_of_their_address(owner: User, other: User) -> None:
    for number in range(30):
        _try("owner", "wrong", address=f"203.0.113.{number + 100}")

    answers = [_try("owner", "wrong").status_code for _ in range(150)]

    assert answers == [422] + [429] * 149
    assert _try("other", PASSWORD).status_code == 302


def test_a_password_nobody_looked_at_is_no_try_of_anything(
    owner: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = ["agentsite.hashers.PasswordHasher"]
    owner.set_password(PASSWORD)
    owner.save()
    known = Client(REMOTE_ADDR="203.0.113.7")
    known.post(PAGES[0], {"username": "owner", "password": PASSWORD})
    known.post("/accounts/logout/")
    wrong = {"username": "owner", "password": "wrong"}
    for _ in range(10):
        known.post(PAGES[0], wrong)

    with monkeypatch.context() as patched:
        patched.setattr("runs.hash_pool.MOST_WAITING", -100)
        busy = [known.post(PAGES[0], wrong).status_code for _ in range(30)]
    answers = [known.post(PAGES[0], wrong).status_code for _ in range(11)]

    assert busy == [503] * 30
    assert answers == [422] * 10 + [429], "the address and the name have what they had, the browser has none left"


def test_right_passwords_are_no_wrong_tries_of_their_address(owner: User) -> None:
    answers = [_try("owner", PASSWORD) for _ in range(120)]

    assert {answer.status_code for answer in answers} == {302}


def test_a_name_guessed_from_everywhere_is_slowed_for_guessers_and_open_to_its_owner(owner: User) -> None:
    strangers = [f"203.0.113.{number}" for number in range(12)]
    for address in strangers:
        for _ in range(10):
            _try("owner", "wrong", address=address)

    second_tries = [_try("owner", "wrong", address=f"198.51.100.{number}") for number in range(3) for _ in range(2)]
    wait = second_tries[1]

    assert [answer.status_code for answer in second_tries] == [422, 429] * 3
    assert 1 <= int(wait["Retry-After"]) <= 10
    assert "Too many tries. Wait" in wait.content.decode()
    assert _try("owner", PASSWORD, address="192.0.2.1").status_code == 302


@pytest.mark.experiment
def test_guesses_of_a_name_from_many_addresses_are_far_fewer_than_ten_each(owner: User) -> None:
    answers = [
        _try("owner", "wrong", address=f"203.0.113.{number}").status_code for number in range(60) for _ in range(10)
    ]

    assert answers.count(422) < 100


def test_a_browser_that_has_signed_in_before_is_kept_out_by_no_stranger(owner: User) -> None:
    known = Client(REMOTE_ADDR="203.0.113.7")
    known.post(PAGES[0], {"username": "owner", "password": PASSWORD})
    known.post("/accounts/logout/")
    for number in range(110):
        _try("owner" if number % 2 else f"name-{number}", "wrong")

    answer = known.post(PAGES[0], {"username": "Owner", "password": PASSWORD})
    right = known.post(PAGES[0], {"username": "owner", "password": PASSWORD})

    assert _try("owner", PASSWORD).status_code == 429
    assert answer.status_code == 422, "user names are case-sensitive; the browser is known for both"
    assert right.status_code == 302


def test_a_known_browser_has_ten_wrong_tries_of_its_own_and_is_known_for_one_name(owner: User, other: User) -> None:
    known = Client(REMOTE_ADDR="203.0.113.7")
    known.post(PAGES[1], {"username": "owner", "password": PASSWORD})
    known.post(PAGES[0], {"username": "owner", "password": PASSWORD})
    known.post("/accounts/logout/")
    for _ in range(10):
        _try("other", "wrong")

    as_other = known.post(PAGES[0], {"username": "other", "password": PASSWORD})
    answers = [known.post(PAGES[0], {"username": "owner", "password": "wrong"}).status_code for _ in range(21)]

    assert as_other.status_code == 429
    assert answers == [422] * 20 + [429]


def test_a_forged_device_is_no_known_browser(owner: User) -> None:
    for _ in range(10):
        _try("owner", "wrong")

    forged = Client(REMOTE_ADDR="203.0.113.7")
    forged.cookies["device"] = "AAAA:1tQx:BBBB"

    assert forged.post(PAGES[0], {"username": "owner", "password": PASSWORD}).status_code == 429


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
