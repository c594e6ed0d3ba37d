"""Words are found in the steps of a run, and no search takes long."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.models import Run
from runs.web import step_search
from tests.web.conftest import HTMX
from tests.web.step_fixtures import add_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def search(browser_of: Callable[[User | None], Client], owner: User) -> Callable[..., str]:
    """What the owner sees of a search in a run."""

    def found(run: Run, words: str, **query: int) -> str:
        page = browser_of(owner).get(f"/runs/{run.pk}/search/?{urlencode({'q': words, **query})}", headers=HTMX)
        return page.content.decode()

    return found


def found_in(part: str) -> list[int]:
    """The sequences of the found steps."""
    return [int(number) for number in re.findall(r'class="found-step" data-go="(\d+)"', part)]


@pytest.mark.parametrize("words", ["Straße 7", "STRASSE 7", "strasse 7"])
def test_words_are_found_in_any_case_and_shown_where_they_are(
    make_run: Callable[..., Run], owner: User, search: Callable[..., str], words: str
) -> None:
    run = make_run(owner)
    add_rows(run, [{"kind": "note", "content": "Nothing."}, {"kind": "reasoning", "content": "She lives in Straße 7."}])

    part = search(run, words)

    assert found_in(part) == [2]
    assert "1 step" in part
    assert "She lives in" in part


def test_the_words_are_marked_as_they_are_written(
    make_run: Callable[..., Run], owner: User, search: Callable[..., str]
) -> None:
    run = make_run(owner)
    text = "before " * 400 + "<b>Привет, МИР</b>" + " after" * 400
    add_rows(run, [{"kind": "tool_result", "tool_name": "greet", "content": text}])

    part = search(run, "привет, мир")

    assert "<mark>Привет, МИР</mark>" in part
    assert "<b>" not in part and len(part) < 3_000


def test_tools_arguments_and_results_are_searched(told_run: Run, search: Callable[..., str]) -> None:
    assert found_in(search(told_run, "stock_level")) == [3, 6, 10, 11]
    assert found_in(search(told_run, "a-100")) == [3]
    assert found_in(search(told_run, "mail server")) == [8]


@pytest.mark.parametrize("words", ["", "   ", "%", "_", "\\", "nowhere"])
def test_words_that_are_nowhere_are_not_found(told_run: Run, search: Callable[..., str], words: str) -> None:
    part = search(told_run, words)

    assert found_in(part) == ([3, 6, 10, 11, 4, 5, 7, 8][:0] if words != "_" else [3, 4, 5, 6, 7, 8, 10, 11])
    assert ("No step mentions it" in part) == (words.strip() not in ("", "_"))


def test_many_are_counted_and_shown_some_at_a_time(
    make_run: Callable[..., Run], owner: User, search: Callable[..., str]
) -> None:
    run = make_run(owner, steps=1_234)

    first = search(run, "thought")
    link = unescape(re.search(r'hx-get="[^"]*after=(\d+)"', first)[1])
    second = search(run, "thought", after=int(link))

    assert "1,234 steps" in first
    assert found_in(first) == list(range(1, 51))
    assert found_in(second) == list(range(51, 101))


def test_a_search_whose_time_is_over_says_how_far_it_came_and_goes_on_from_there(
    make_run: Callable[..., Run], owner: User, search: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_search, "SEARCH_S", 0)
    run = make_run(owner, steps=250)

    first = search(run, "thought 250.")
    second = search(run, "thought 250.", after=249)

    assert "up to step 1, so far" in first and "Search on after step 1" in first
    assert found_in(second) == [250]
    assert "so far" not in second


def test_long_steps_are_read_one_by_one_and_only_their_beginnings(
    make_run: Callable[..., Run], owner: User, search: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(owner)
    long = "x" * step_search.MOST_CHARS
    add_rows(run, [{"kind": "note", "content": text} for text in (long + "needle", "needle", "a needle" + long)])

    everything = search(run, "needle")
    monkeypatch.setattr(step_search, "SEARCH_S", 0)
    with CaptureQueriesContext(connection) as queries:
        search(run, "xx")

    texts = [query["sql"] for query in queries if '"tool_name"' in query["sql"]]
    assert found_in(everything) == [2, 3]
    assert len(texts) == 1 and '"sequence" <= 1)' in texts[0]


def test_without_javascript_the_search_is_a_page(
    told_run: Run, browser_of: Callable[[User | None], Client], owner: User
) -> None:
    page = browser_of(owner).get(f"/runs/{told_run.pk}/search/?q=mail+server").content.decode()

    assert "<html" in page and 'value="mail server"' in page
    assert f'href="/runs/{told_run.pk}/?at=8#step-8"' in page
