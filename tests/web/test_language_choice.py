"""The language of a page: chosen, asked for by the browser, or the site's; and the API's, which is English."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Agent, Run

Browser = Callable[[User | None], Client]
SIGN_IN = "/accounts/login/"
GERMAN, CHINESE = "Anmelden", "登录"


def language_of(page: str) -> str:
    return page.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("de", "de", GERMAN),
        ("de-AT,de;q=0.9,en;q=0.8", "de", GERMAN),
        ("zh-CN,zh;q=0.9", "zh-hans", CHINESE),
        ("fr,de;q=0.5", "de", GERMAN),
        ("fr", "en", "Sign in"),
        ("", "en", "Sign in"),
        ("de;q=nonsense" * 40, "en", "Sign in"),
    ],
)
def test_a_page_is_in_the_language_the_browser_asks_for(
    db: None, browser_of: Browser, asked: str, language: str, words: str
) -> None:
    response = browser_of(None).get(SIGN_IN, headers={"Accept-Language": asked})
    page = response.content.decode()

    assert language_of(page) == response["Content-Language"] == language
    assert f"<h1>{words}</h1>" in page


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_chosen_language_comes_before_that_of_the_browser(owner: User, browser_of: Browser, signed_in: bool) -> None:
    client = browser_of(owner if signed_in else None)
    page = "/runs/?status=failed" if signed_in else SIGN_IN

    chosen = client.post("/language/", {"language": "zh-hans"}, headers={"Accept-Language": "de", "Referer": page})
    shown = client.get(page, headers={"Accept-Language": "de"}).content.decode()

    assert (chosen.status_code, chosen["Location"]) == (302, page)
    assert language_of(shown) == "zh-hans"
    assert 'aria-current="true">简体中文' in shown


def test_the_choice_is_kept_for_a_year_and_out_of_reach_of_scripts(browser_of: Browser, db: None) -> None:
    cookie = browser_of(None).post("/language/", {"language": "de"}).cookies["language"]

    assert (cookie.value, cookie["max-age"], cookie["httponly"], cookie["samesite"]) == ("de", 31536000, True, "Lax")


@pytest.mark.parametrize("language", ["", "fr", "xx", "../de", "de-AT"])
def test_a_language_that_the_site_does_not_have_is_refused(db: None, browser_of: Browser, language: str) -> None:
    response = browser_of(None).post("/language/", {"language": language})

    assert response.status_code == 400 and "language" not in response.cookies


def test_the_choice_leads_to_no_other_site(db: None, browser_of: Browser) -> None:
    response = browser_of(None).post("/language/", {"language": "de", "next": "https://evil.example/"})

    assert response["Location"] == "/"


def test_a_page_says_what_its_language_depends_on(owner: User, browser_of: Browser) -> None:
    vary = browser_of(owner).get("/").headers["Vary"].lower()

    assert "accept-language" in vary and "cookie" in vary


def test_a_page_in_a_language_that_is_read_from_right_to_left_says_so(
    db: None, browser_of: Browser, settings: Any
) -> None:
    settings.LANGUAGES = [("en", "English"), ("ar", "العربية")]
    settings.AGENTSITE_LANGUAGES = dict(settings.LANGUAGES)

    page = browser_of(None).get(SIGN_IN, headers={"Accept-Language": "ar"}).content.decode()

    assert '<html lang="ar" dir="rtl">' in page


def test_a_site_in_another_language_of_django_shows_english_pages_as_english(
    db: None, browser_of: Browser, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "fr"
    settings.LANGUAGES = [*settings.AGENTSITE_LANGUAGES.items(), ("fr", "fr")]

    page = browser_of(None).post(SIGN_IN, {}).content.decode()

    assert language_of(page) == "en" and "<h1>Sign in</h1>" in page
    assert "Ce champ est obligatoire." in page


def test_the_language_of_one_request_does_not_reach_the_next(owner: User, browser_of: Browser) -> None:
    client = browser_of(owner)

    german = client.get("/runs/", headers={"Accept-Language": "de"}).content.decode()

    assert language_of(german) == "de"
    assert language_of(client.get("/runs/").content.decode()) == "en"


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"Accept-Language": "de"}, "de"),
        ({"Accept-Language": "*"}, "en"),
        ({"Cookie": "language=de"}, "en"),
    ],
)
def test_the_api_is_in_english_unless_a_program_asks_for_another_language(
    db: None, settings: Any, headers: dict[str, str], language: str
) -> None:
    settings.LANGUAGE_CODE = "zh-hans"

    response = Client().get("/api/v1/runs", headers=headers)

    assert response.status_code == 401 and response["Content-Language"] == language
    assert response.headers["Vary"].lower().count("accept-language") == 1


def test_what_is_stored_is_in_english_whatever_the_reader_reads(
    owner: User, browser_of: Browser, make_run: Callable[..., Run], agent: Agent
) -> None:
    run = make_run(owner, status="thinking", owner="somebody")

    browser_of(owner).post(f"/runs/{run.pk}/cancel/", headers={"Accept-Language": "de"})

    assert "owner asked to stop the run." in run.steps.get().content
