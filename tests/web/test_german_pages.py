"""All pages in German: their text is German, and what machines read is not."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from runs.models import Agent, Run, Step
from tests.web.waiting_fixtures import Ask

Browser = Callable[[User | None], Client]
GERMAN = {"Accept-Language": "de"}
DECIMAL = re.compile(r"\d,\d")
FOR_PEOPLE = {"title", "alt", "placeholder", "aria-label", "data-text"}
TEXTS = {"datetime", "href", "content", "hx-headers", "data-live-settings", "data-models", "hx-vals"}
"""Attributes whose values are addresses or JSON, where a comma between digits separates."""


class Attributes(HTMLParser):
    """Collects the attributes that machines read, with a comma between digits."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name not in FOR_PEOPLE | TEXTS and DECIMAL.search(value):
                self.found.append(f"<{tag} {name}={value!r}>")


@pytest.fixture
def run(owner: User, make_run: Callable[..., Run]) -> Run:
    """A run with numbers of every kind: fractions of seconds, thousands of tokens, a cost."""
    config = {"tool_timeout_s": 2.5, "max_tokens": 123456, "max_cost_usd": "1234.5"}
    run = make_run(owner, status="failed", tokens_used=12345, cost="0.0123", active_ms=61_234)
    run.config |= config
    run.save()
    about = {"run": run, "epoch": 1, "started_at": run.created_at, "ended_at": run.created_at}
    retry = {"code": "timeout", "wait_s": 1.5, "next_at": run.created_at.timestamp() + 1.5}
    lanes: list[dict[str, Any]] = [
        {"lane": n, "provider": "a", "model": f"m{n}", "started_at": 1.25, "first_token_at": 1.5, "ended_at": 2.75}
        | {"outcome": "won" if n == 1 else "lost", "tokens": 1234, "cost": "0.0123", "error_code": None}
        for n in (1, 2)
    ]
    for number, (kind, metadata) in enumerate(
        [("retry", retry), ("race", {"strategy": "race", "lanes": lanes, "multiple": 2.0}), ("note", {})], 1
    ):
        Step.objects.create(sequence=number, kind=kind, content="x" * 20_000, metadata=metadata, tokens=12345, **about)
    Run.objects.filter(pk=run.pk).update(next_sequence=4)
    return run


def pages_of(run: Run, agent: Agent) -> list[str]:
    settings = ["/settings/tokens/", "/settings/password/", "/models/", reverse("api:reference")]
    agents = ["/agents/", f"/agents/{agent.pk}/", f"/agents/{agent.pk}/edit/", "/agents/new/", "/agents/import/"]
    agents += [f"/agents/{agent.pk}/{part}" for part in ("versions/", "versions/1/", "compare/")]
    runs = ["/runs/", "/runs/?group=day", f"/runs/{run.pk}/", f"/runs/new/?from={run.pk}", "/runs/new/"]
    views = [f"/runs/{run.pk}/?view=timeline", f"/runs/{run.pk}/?view=settings", f"/runs/{run.pk}/steps/1/"]
    return ["/", "/inbox/", "/inbox/?tab=decided", "/threads/", "/search/?q=a", *runs, *views, *agents, *settings]


def test_what_machines_read_has_no_german_number(
    staff: User, agent: Agent, run: Run, browser_of: Browser, ask: Ask
) -> None:
    ask(staff)
    client = browser_of(staff)
    wrong = {}
    for address in pages_of(run, agent):
        response = client.get(address, headers=GERMAN)
        assert response.status_code == 200, address
        parser = Attributes()
        parser.feed(response.content.decode())
        if parser.found:
            wrong[address] = parser.found

    assert wrong == {}


def test_every_number_that_people_read_is_german(staff: User, agent: Agent, run: Run, browser_of: Browser) -> None:
    page = browser_of(staff).get(f"/runs/{run.pk}/", headers=GERMAN).content.decode()

    assert "12.345" in page and "0,012" in page
    assert re.search(r">[^<]*[1-9],\d{3}[^<\d]", page) is None, "thousands are apart by a comma"


def test_a_page_in_german_has_german_words_in_its_frame(staff: User, browser_of: Browser) -> None:
    page = browser_of(staff).get("/runs/", headers=GERMAN).content.decode()

    for words in ("Zum Inhalt springen", "Neuer Lauf", "Tastenkürzel", "Abmelden", "Läufe filtern", "Sprache"):
        assert words in page, words
    for words in ("Skip to content", "New run", "Sign out", "Filter runs"):
        assert words not in page, words


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            "/runs/?agent=nobody&when=never&cost_min=much",
            ["keinen Agenten „nobody“", "keine Zeit", "keine Kosten „much“"],
        ),
        ("/runs/?group=day", [r"(?:Mon|Diens|Donners|Frei|Sams|Sonn)tag|Mittwoch", r"\d\. \w+ 20\d\d"]),
        ("/runs/new/", ["Lauf starten", "Standard: nur Tools, die nach außen wirken", "Standard des Anbieters"]),
        ("/runs/{run}/?view=timeline", ["Noch nichts hat begonnen", r">1,5 s<"]),
        ("/runs/{run}/?view=settings", ["Verwendete Einstellungen", "Erstes Wort binnen", "nicht gesetzt"]),
        ("/runs/{run}/", ["Schritt 1: Neuer Versuch", "Was das Modell sagt", "Schritte vor 0 anzeigen"]),
    ],
)
def test_the_views_of_runs_are_in_german(
    staff: User, agent: Agent, run: Run, browser_of: Browser, address: str, words: list[str]
) -> None:
    page = browser_of(staff).get(address.format(run=run.pk), headers=GERMAN).content.decode()

    assert [each for each in words if re.search(each, page) is None] == []


@pytest.mark.parametrize("language", ["de", "zh-hans"])
def test_no_text_of_a_page_is_a_placeholder_that_was_not_filled(
    staff: User, agent: Agent, run: Run, browser_of: Browser, ask: Ask, language: str
) -> None:
    ask(staff)
    client = browser_of(staff)

    left = {
        address: found
        for address in pages_of(run, agent)
        if (found := list(unfilled(client.get(address, headers={"Accept-Language": language}).content.decode())))
    }

    assert left == {}


def unfilled(page: str) -> Iterator[Any]:
    yield from re.findall(r"%\(\w+\)s|%%", page)
