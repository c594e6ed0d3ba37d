"""The chips above the steps of a run: what they count, show and walk."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run
from tests.web.conftest import HTMX
from tests.web.step_fixtures import add_rows
from tests.web.test_run_page import sequences

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(browser_of: Callable[[User | None], Client], owner: User) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def chips_in(page: str) -> dict[str, str]:
    """The counts of the chips that are shown."""
    found = re.findall(
        r'data-chip="(\w+)"[^>]*?(hidden)?>[^<]*<span[^>]*data-count="\d+">([\d,]+)</span>', page, re.DOTALL
    )
    return {name: count for name, hidden, count in found if not hidden}


def test_chips_count_what_somebody_may_look_for(browser: Client, told_run: Run) -> None:
    page = browser.get(f"/runs/{told_run.pk}/").content.decode()

    assert chips_in(page) == {"errors": "1", "retries": "1", "approvals": "1", "notes": "1"}


def test_a_run_without_problems_has_no_chips(browser: Client, make_run: Callable[..., Run], owner: User) -> None:
    page = browser.get(f"/runs/{make_run(owner, steps=3).pk}/").content.decode()

    assert chips_in(page) == {}


@pytest.mark.parametrize(
    ("only", "shown"), [("errors", [8]), ("retries", [1]), ("approvals", [5]), ("notes", [9]), ("nonsense", None)]
)
def test_a_chip_shows_its_steps_only(browser: Client, told_run: Run, only: str, shown: list[int] | None) -> None:
    page = browser.get(f"/runs/{told_run.pk}/?only={only}").content.decode()

    assert sorted(sequences(page)) == (shown or list(range(1, 13)))


def test_a_denied_call_is_no_error(browser: Client, make_run: Callable[..., Run], owner: User) -> None:
    run = make_run(owner)
    add_rows(run, [{"kind": "tool_result", "severity": "warning", "metadata": {"code": "denied"}}])

    assert chips_in(browser.get(f"/runs/{run.pk}/").content.decode()) == {}


@pytest.mark.parametrize(
    ("query", "found"),
    [("after=0", 10), ("after=10", 300), ("after=300", 10), ("before=300", 10), ("before=10", 300), ("after=x", 10)],
)
def test_the_arrows_lead_to_the_next_step_of_a_chip_and_around(
    browser: Client, make_run: Callable[..., Run], owner: User, query: str, found: int
) -> None:
    run = make_run(owner)
    add_rows(run, [{"kind": "note" if n in (10, 300) else "reasoning"} for n in range(1, 401)])
    address = f"/runs/{run.pk}/jump/?only=notes&{query}"

    page, told = browser.get(address), browser.get(address, headers=HTMX)

    assert page.headers["Location"] == f"/runs/{run.pk}/?at={found}#step-{found}"
    assert told.json() == {"sequence": found}


def test_the_steps_of_a_chip_come_in_windows_too(browser: Client, make_run: Callable[..., Run], owner: User) -> None:
    run = make_run(owner)
    add_rows(run, [{"kind": "note" if n % 2 else "reasoning"} for n in range(1, 501)])

    page = browser.get(f"/runs/{run.pk}/?only=notes").content.decode()
    link = re.search(r'hx-get="(/runs/[^"]*newer=199&amp;only=notes)"', page)
    assert link is not None
    more = browser.get(link[1].replace("&amp;", "&"), headers=HTMX).content.decode()

    assert sequences(page) == list(range(1, 200, 2))
    assert sequences(more) == list(range(201, 400, 2))
    assert "before=1&" not in page and "data-older" not in page.split('id="steps"')[0]
