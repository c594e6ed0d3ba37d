"""The history's filters, search and pages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from runs.models import Agent, Run
from tests.markup import flat
from tests.web.conftest import HTMX

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MORE = {**HTMX, "HX-Target": "older"}
RESULTS = {**HTMX, "HX-Target": "results"}


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def rows(page: str) -> list[str]:
    return re.findall(r'data-run-row="([^"]+)"', page)


def older(page: str) -> str | None:
    found = re.search(r'hx-get="(\?[^"]+)"', page)
    return unescape(found[1]) if found else None


def all_pages(browser: Client, path: str = "/runs/") -> list[list[str]]:
    page = browser.get(path).content.decode()
    pages = [rows(page)]
    while link := older(page):
        page = browser.get(f"/runs/{link}", headers=MORE).content.decode()
        pages.append(rows(page))
    return pages


@pytest.fixture
def many_runs(owner: User, agent: Agent) -> list[Run]:
    """230 runs, newest first as in the history; each forty launched at the same moment."""
    runs = [
        Run(user=owner, agent=agent, config=agent.snapshot(), task=f"Task {number}", status="idle",
            created_at=NOON + timedelta(minutes=number // 40))
        for number in range(230)
    ]  # fmt: skip
    Run.objects.bulk_create(runs)
    return sorted(runs, key=lambda run: (run.created_at, run.pk), reverse=True)


def test_every_run_is_on_exactly_one_page_also_among_those_of_the_same_moment(
    browser: Client, many_runs: list[Run]
) -> None:
    pages = all_pages(browser)

    assert [len(page) for page in pages] == [50, 50, 50, 50, 30]
    assert [row for page in pages for row in page] == [str(run.pk) for run in many_runs]


def test_older_pages_stay_right_while_new_runs_arrive(
    browser: Client, many_runs: list[Run], owner: User, make_run: Callable[..., Run]
) -> None:
    link = older(browser.get("/runs/").content.decode())
    make_run(owner, created_at=NOON + timedelta(days=1))

    second = rows(browser.get(f"/runs/{link}", headers=MORE).content.decode())

    assert second == [str(run.pk) for run in many_runs[50:100]]


def test_older_pages_keep_the_filters(browser: Client, many_runs: list[Run]) -> None:
    pages = all_pages(browser, "/runs/?q=task+1&status=idle")

    wanted = [str(run.pk) for run in many_runs if "task 1" in run.task.lower()]
    assert len(pages) > 1
    assert [row for page in pages for row in page] == wanted


def test_older_runs_can_be_reached_without_javascript(browser: Client, many_runs: list[Run]) -> None:
    page = browser.get("/runs/").content.decode()
    link = re.search(r'href="(\?before[^"]+)"', page)

    assert link is not None
    second = browser.get(f"/runs/{unescape(link[1])}").content.decode()
    assert "<html" in second
    assert rows(second) == [str(run.pk) for run in many_runs[50:100]]


def test_a_page_asks_the_database_as_often_for_fifty_runs_as_for_one(
    browser: Client, owner: User, make_run: Callable[..., Run], many_runs: list[Run]
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as for_fifty:
        browser.get("/runs/")
    Run.objects.exclude(pk=many_runs[0].pk).delete()
    cache.clear()  # Counts that are kept for a moment.
    with CaptureQueriesContext(connection) as for_one:
        browser.get("/runs/")

    assert len(for_fifty) == len(for_one)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"failed", "waiting", "other agent", "answered"}),
        ("status=failed", {"failed"}),
        ("waiting_for=approval", {"waiting"}),
        ("agent=Careful", {"other agent"}),
        ("q=FAILED", {"failed"}),
        ("q=forty-two", {"answered"}),
        ("q=%25", set()),
        ("q=_", set()),
        ("status=failed&agent=Careful", set()),
    ],
)
def test_filters_find_what_they_name(
    browser: Client, owner: User, make_run: Callable[..., Run], query: str, found: set[str]
) -> None:
    careful = Agent.objects.create(name="Careful", model_names=["offline"])
    names = {
        str(make_run(owner, status="failed", task="It failed").pk): "failed",
        str(make_run(owner, status="waiting", waiting_for="approval").pk): "waiting",
        str(make_run(owner, agent=careful).pk): "other agent",
        str(make_run(owner, answer="It is forty-two.").pk): "answered",
    }

    page = browser.get(f"/runs/?{query}").content.decode()

    assert {names[row] for row in rows(page)} == found


@pytest.mark.parametrize("waits_for", Run.WaitingFor.values)
def test_a_filter_has_the_words_of_the_runs_it_finds(
    browser: Client, owner: User, make_run: Callable[..., Run], waits_for: str
) -> None:
    by_wait = {each: make_run(owner, status="waiting", waiting_for=each) for each in Run.WaitingFor.values}

    page = browser.get(f"/runs/?waiting_for={waits_for}").content.decode()

    chosen = re.findall(r"data-chip-words>([^<]+)</span>", page)
    assert rows(page) == [str(by_wait[waits_for].pk)]
    assert chosen == [" ".join(strip_tags(page.split('data-label="Status">')[1].split("</td>")[0]).split())]


def test_a_run_is_found_by_its_id(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    wanted = make_run(owner)
    make_run(owner)

    assert rows(browser.get(f"/runs/?q={wanted.pk}").content.decode()) == [str(wanted.pk)]


def test_people_find_only_their_own_runs(
    owner: User, other: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    make_run(owner)
    mine = make_run(other)

    page = browser_of(other).get("/runs/").content.decode()

    assert rows(page) == [str(mine.pk)]
    assert 'name="owner"' not in page


def test_staff_find_everybodys_runs_and_can_ask_for_one_owners(
    owner: User, staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    theirs, own = make_run(owner), make_run(staff)
    browser = browser_of(staff)

    assert set(rows(browser.get("/runs/").content.decode())) == {str(theirs.pk), str(own.pk)}
    assert rows(browser.get("/runs/?owner=owner").content.decode()) == [str(theirs.pk)]


@pytest.mark.parametrize(
    "query",
    [
        "status=bogus",
        "waiting_for=godot",
        "agent=Nobody",
        "owner=staff",
        "before=yesterday",
        "before=2026-11-22T12:00:00_not-an-id",
        "before=99999-01-01_0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b",
        "before=0001-01-01T00:00:00%2B14:00_0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b",
        "before=9999-12-31T23:59:59-14:00_0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b",
        "status=%00",
        "status=completed%27%20OR%201=1",
    ],
)
def test_a_filter_that_means_nothing_is_named_and_left_out(
    browser: Client, owner: User, make_run: Callable[..., Run], query: str
) -> None:
    run = make_run(owner)

    response = browser.get(f"/runs/?{query}")

    page = response.content.decode()
    assert response.status_code == 200
    assert 'class="notice" role="alert"' in page
    assert rows(page) == [str(run.pk)]


@pytest.mark.parametrize("words", ["\x00", "'; DROP TABLE runs_run; --", "<script>alert(1)</script>", "x" * 5000, "🦉"])
def test_any_words_can_be_searched_for(browser: Client, owner: User, words: str) -> None:
    response = browser.get("/runs/", {"q": words})

    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_the_history_of_a_new_person_leads_to_the_first_run(browser: Client) -> None:
    page = browser.get("/runs/").content.decode()

    assert "No runs yet" in page
    assert 'href="/runs/new/"' in page


def test_filters_without_a_match_can_be_taken_away(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    make_run(owner)

    page = browser.get("/runs/?q=unicorns").content.decode()

    assert "No runs match" in page
    assert 'value="unicorns"' in page


def test_htmx_gets_only_what_it_replaces_and_caches_tell_them_apart(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    make_run(owner)

    results = browser.get("/runs/?status=completed", headers=RESULTS)
    restored = browser.get("/runs/", headers={**RESULTS, "HX-History-Restore-Request": "true"})

    assert results.content.decode().lstrip().startswith('<section id="results"')
    assert {"HX-Request", "HX-Target"} <= {name.strip() for name in results["Vary"].split(",")}
    assert "<html" in restored.content.decode(), "the back button needs the whole page"


def test_a_row_shows_status_steps_tokens_and_duration(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    make_run(owner, status="failed", steps=3, tokens_used=12345, task="word " * 200)

    page = flat(browser.get("/runs/").content.decode())

    row = page[page.index('<tr class="run-line"') : page.index("</tbody>")]
    assert 'data-status="failed"' in row
    assert ">Failed</span>" in row
    assert ">3</td>" in row
    assert "12,345" in row
    assert "…</a>" in row
    assert 'title="3.0 s">3.0 s</span></td>' in row


def test_unknown_tokens_are_not_shown_as_zero(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    make_run(owner, tokens_used=None, config={"models": ["openai:gpt-6-luna"]})
    make_run(owner, tokens_used=None, config={"models": ["offline"]})

    page = flat(browser.get("/runs/").content.decode())

    titles = re.findall(r'data-label="Tokens"><span class="unknown" title="([^"]+)">–</span>', page)
    assert titles == ["none: no model was asked", "not reported"]


def test_the_run_of_a_deleted_agent_keeps_its_agents_name(
    browser: Client, owner: User, agent: Agent, make_run: Callable[..., Run]
) -> None:
    make_run(owner)
    make_run(owner, config={})
    agent.delete()

    page = browser.get("/runs/").content.decode()

    assert 'data-label="Agent">Assistant<' in page
    assert 'data-label="Agent">–<' in page
