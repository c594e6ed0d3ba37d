"""The styleguide: every token with its contrast, every partial, made from the real ones."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.web.styleguide.design_tokens import colour_tokens, contrast, rgb
from runs.web.styleguide.page import NOT_SHOWN

TEMPLATES = Path(__file__).parents[2] / "templates"
FOLDERS = ("partials", "runs/partials")
BrowserOf = Callable[[User | None], Client]


class _Ids(HTMLParser):
    """The names of the elements; those in a `<template>` are not on the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth += tag == "template"
        if not self._depth:
            self.found += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "template"


def partials() -> set[str]:
    return {str(path.relative_to(TEMPLATES)) for folder in FOLDERS for path in (TEMPLATES / folder).glob("*.html")}


def test_every_partial_is_on_the_page_or_listed_as_one_that_cannot_be_seen(staff: User, browser_of: BrowserOf) -> None:
    response = browser_of(staff).get("/styleguide/")

    rendered = {template.name for template in response.templates}

    assert response.status_code == 200
    assert sorted(partials() - rendered - NOT_SHOWN.keys()) == []
    assert NOT_SHOWN.keys() <= partials(), "a partial that is gone is still listed"


def test_no_element_has_the_name_of_another(staff: User, browser_of: BrowserOf) -> None:
    ids = _Ids()

    ids.feed(browser_of(staff).get("/styleguide/").content.decode())

    assert sorted({name for name in ids.found if ids.found.count(name) > 1}) == []


def test_every_colour_of_texts_can_be_read_on_every_background_of_both_themes() -> None:
    measured = {token.name: token.contrasts for token in colour_tokens() if token.contrasts}

    assert {"text", "text-muted", "accent", "run", "you", "ok", "error", "critical"} == measured.keys()
    for name, contrasts in measured.items():
        for each in contrasts:
            assert min(each.on_surface, each.on_tint, each.lowest) >= 4.5, (name, each)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#4549c0", "#ffffff", 7.1),
        ("#123456", "#123456", 1.0),
    ],
)
def test_a_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(rgb(one), rgb(other)) == pytest.approx(ratio, abs=0.05)
    assert contrast(rgb(other), rgb(one)) == contrast(rgb(one), rgb(other))


def test_the_page_is_for_staff(owner: User, clerk: User, browser_of: BrowserOf) -> None:
    assert [browser_of(person).get("/styleguide/").status_code for person in (owner, clerk)] == [404, 200]
