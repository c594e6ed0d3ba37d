"""The frame of a page: its navigation, where it says the reader is, and the side bar as it was left."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run

Browser = Callable[[User | None], Client]


def entries(page: str, *, bar: str = "side-bar") -> dict[str, str]:
    """The addresses of a bar's entries, and the value of `aria-current` of each."""
    part = page[page.index(f'<nav class="{bar}"') :]
    part = part[: part.index("</nav>")]
    links = re.findall(r'<a class="(?:side-link|tab)" href="([^"]+)"([^>]*)>', part)
    return {url: "".join(re.findall(r'aria-current="(\w+)"', rest)) for url, rest in links}


def test_the_side_bar_has_the_pages_that_a_person_may_see(owner: User, staff: User, browser_of: Browser) -> None:
    theirs = entries(browser_of(owner).get("/").content.decode())
    of_staff = entries(browser_of(staff).get("/").content.decode())

    pages = ["/", "/inbox/", "/runs/", "/threads/", "/schedules/", "/triggers/", "/alerts/"]
    pages += ["/agents/", "/tools/", "/libraries/", "/skills/"]
    settings = ["/settings/notifications/", "/settings/webhooks/", "/settings/tokens/"]
    assert list(theirs) == [*pages, *settings]
    assert list(of_staff) == [*pages, "/models/", *settings]


@pytest.mark.parametrize("bar", ["side-bar", "tab-bar"])
@pytest.mark.parametrize("address", ["/", "/inbox/", "/runs/"])
def test_the_page_is_marked_in_both_bars(owner: User, browser_of: Browser, address: str, bar: str) -> None:
    shown = entries(browser_of(owner).get(address).content.decode(), bar=bar)

    assert {url: current for url, current in shown.items() if current} == {address: "page"}


def test_on_the_page_of_a_run_its_section_is_marked_and_linked(
    owner: User, browser_of: Browser, make_run: Callable[..., Run]
) -> None:
    page = browser_of(owner).get(make_run(owner, task="half of 90").get_absolute_url()).content.decode()

    assert {url: current for url, current in entries(page).items() if current} == {"/runs/": "true"}
    crumbs = page[page.index('<nav class="crumbs"') :].partition("</nav>")[0]
    assert '<a href="/runs/">Runs</a>' in crumbs and "half of 90" in crumbs


def test_the_tab_bar_offers_a_new_run_between_runs_and_inbox(owner: User, browser_of: Browser) -> None:
    assert list(entries(browser_of(owner).get("/").content.decode(), bar="tab-bar")) == [
        "/",
        "/runs/",
        "/runs/new/",
        "/inbox/",
    ]


def test_a_folded_side_bar_is_folded_on_the_next_page(owner: User, browser_of: Browser) -> None:
    client = browser_of(owner)
    before = client.get("/").content.decode()
    client.cookies["side"] = "folded"

    after = client.get("/runs/").content.decode()

    assert '<body class="app" data-side="folded"' in after and 'aria-pressed="true"' in after
    assert 'data-side="folded"' not in before


def test_nothing_from_the_cookie_gets_into_the_page(owner: User, browser_of: Browser) -> None:
    client = browser_of(owner)
    client.cookies["side"] = 'folded" onload="x'

    assert "onload" not in client.get("/").content.decode()


def test_somebody_signed_out_has_neither_navigation_nor_search(client: Client, db: None) -> None:
    page = client.get("/accounts/login/").content.decode()

    assert 'class="side-bar"' not in page and 'class="tab-bar"' not in page and 'id="palette"' not in page


def test_a_page_that_is_not_there_offers_search_and_the_latest_runs_of_one_s_own(
    owner: User, other: User, browser_of: Browser, make_run: Callable[..., Run]
) -> None:
    mine, theirs = make_run(owner, task="half of 90"), make_run(other, task="a secret plan")

    response = browser_of(owner).get(theirs.get_absolute_url())

    page = response.content.decode()
    assert response.status_code == 404
    assert "It may be gone, or you may not have access." in page
    assert 'action="/search/"' in page and mine.get_absolute_url() in page
    assert "a secret plan" not in page and str(theirs.pk) not in page
