"""Typed text survives an expired sign-in, also without JavaScript, and never appears in a URL."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client

from runs.models import Run
from tests.web.conftest import PASSWORD

TEXT = 'Write to <b>Bob</b> & "Eve"\nin two lines'


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def sign_in(browser: Client, kept: str, password: str = PASSWORD) -> Any:
    return browser.post("/accounts/login/", {"username": "owner", "password": password, "next": "/", "kept": kept})


@pytest.mark.parametrize(("address", "field"), [("/runs/", "task"), ("/runs/{}/continue/", "message")])
def test_a_text_sent_when_the_sign_in_had_ended_comes_back_after_signing_in_and_can_be_sent(
    owner: User, make_run: Callable[..., Run], address: str, field: str
) -> None:
    browser, earlier = Client(), make_run(owner)
    address = address.format(earlier.pk)

    asked = browser.post(address, {field: TEXT.replace("\n", "\r\n"), "once": "abc"})
    wrong = sign_in(browser, hidden(asked.content.decode(), "kept"), "wrong")
    page = sign_in(browser, hidden(wrong.content.decode(), "kept")).content.decode()
    sent = {field: TEXT, "once": hidden(page, "once")}

    assert (asked.status_code, wrong.status_code) == (401, 422)
    assert 'action="/accounts/login/"' in asked.content.decode()
    assert "no-store" in asked.headers["Cache-Control"]
    assert f'action="{address}"' in page and f'name="{field}"' in page
    assert html.escape(TEXT).splitlines()[0] in page.replace("&#x27;", "&#39;")
    assert Run.objects.count() == 1, "nothing is sent by itself"
    assert browser.post(address, sent).status_code == 302
    assert Run.objects.exclude(pk=earlier.pk).get().task == TEXT


def test_an_edit_of_arguments_comes_back_too(owner: User, make_run: Callable[..., Run]) -> None:
    browser, run = Client(), make_run(owner)
    call = "11111111-1111-1111-1111-111111111111"
    address = f"/runs/{run.pk}/calls/{call}/approve/"

    asked = browser.post(address, {"edited": "1", "arguments_hash": "0" * 64, f"call-{call}-to": "eve, thought about"})
    page = sign_in(browser, hidden(asked.content.decode(), "kept")).content.decode()

    assert "eve, thought about</textarea>" in page
    assert hidden(page, "arguments_hash") == "0" * 64 and hidden(page, "edited") == "1"


def test_a_press_with_nothing_typed_leads_to_the_sign_in_as_before(owner: User, make_run: Callable[..., Run]) -> None:
    run = make_run(owner)

    response = Client().post(f"/runs/{run.pk}/cancel/", {"once": "abc", "reason": " "})

    assert response.status_code == 302


@pytest.mark.parametrize(
    "kept",
    ["", "nonsense", signing.dumps(["/", [["task", "x"]]], salt="another")],
    ids=["nothing", "nonsense", "signed for something else"],
)
def test_what_we_did_not_sign_is_not_shown(owner: User, kept: str) -> None:
    response = sign_in(Client(), kept)

    assert (response.status_code, response.headers["Location"]) == (302, "/")


def test_a_refused_csrf_token_loses_no_text(owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)

    response = browser.post("/runs/", {"task": TEXT, "csrfmiddlewaretoken": "x" * 32})

    assert response.status_code == 403
    assert html.escape(TEXT).splitlines()[0] in response.content.decode()


def test_a_password_is_never_kept() -> None:
    response = Client(enforce_csrf_checks=True).post(
        "/accounts/login/", {"username": "owner", "password": "s3cret-word"}
    )

    assert response.status_code == 403
    assert "s3cret-word" not in response.content.decode()
