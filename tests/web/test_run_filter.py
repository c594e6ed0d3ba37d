"""Several filters at once, views, orders, and what the list says about all that match."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.engine import control
from runs.models import Agent, Run, ToolCall
from tests.markup import flat
from tests.web.test_run_list import MORE, all_pages, older, rows


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def found(browser: Client, query: str, names: dict[str, str]) -> set[str]:
    return {names[row] for row in rows(browser.get(f"/runs/?{query}").content.decode())}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=failed&status=cancelled", {"failed", "cancelled"}),
        ("agent=Careful&agent=Assistant", {"failed", "cancelled", "careful", "dear", "old"}),
        ("cost_min=1", {"dear"}),
        ("cost_max=0.5&cost_min=0", {"cheap"}),
        ("when=24h", {"failed", "cancelled", "careful", "dear", "cheap"}),
        ("when=7d&status=completed", {"careful", "dear", "cheap"}),
        ("since=2020-01-01&until=2020-01-31", {"old"}),
        ("until=2020-01-31", {"old"}),
        ("when=24h&since=2020-01-01&until=2020-01-31", {"failed", "cancelled", "careful", "dear", "cheap"}),
        ("view=failed-today&status=cancelled", set()),
    ],
)
def test_filters_narrow_the_list_together(
    browser: Client, owner: User, make_run: Callable[..., Run], query: str, expected: set[str]
) -> None:
    careful = Agent.objects.create(name="Careful", model_names=["offline"])
    other = Agent.objects.create(name="Other", model_names=["offline"])
    long_ago = timezone.now().replace(year=2020, month=1, day=15)
    names = {
        str(make_run(owner, status="failed").pk): "failed",
        str(make_run(owner, status="cancelled").pk): "cancelled",
        str(make_run(owner, agent=careful).pk): "careful",
        str(make_run(owner, cost=Decimal(3)).pk): "dear",
        str(make_run(owner, cost=Decimal("0.1"), agent=other).pk): "cheap",
        str(make_run(owner, created_at=long_ago).pk): "old",
    }

    assert found(browser, query, names) == expected


@pytest.mark.parametrize("query", ["since=yesterday", "until=2020-13-01", "cost_min=much", "cost_max=-1", "when=ever",
                                   "view=theirs", "sort=colour", "sort=-cost&before=x_y", "cost_min=NaN"])  # fmt: skip
def test_what_cannot_be_read_is_named_and_left_out(
    browser: Client, owner: User, make_run: Callable[..., Run], query: str
) -> None:
    run = make_run(owner)

    page = browser.get(f"/runs/?{query}").content.decode()

    assert 'class="notice" role="alert"' in page
    assert rows(page) == [str(run.pk)]


@pytest.mark.parametrize("sort", ["started", "-started", "time", "-time", "cost", "-cost"])
def test_every_order_has_each_run_on_exactly_one_page(
    browser: Client, owner: User, agent: Agent, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.web.run_list.PAGE_LENGTH", 7)
    costs = [None, Decimal("0.25"), Decimal("0.25"), Decimal("1.5"), Decimal(0)]
    runs = [Run(user=owner, agent=agent, task="t", active_ms=n % 4 * 1000, cost=costs[n % 5]) for n in range(40)]
    Run.objects.bulk_create(runs)
    by_id = {str(run.pk): run for run in runs}

    shown = [by_id[row] for page in all_pages(browser, f"/runs/?sort={sort}") for row in page]

    keys: dict[str, Callable[[Run], Any]] = {
        "started": lambda run: run.created_at,
        "time": lambda run: run.active_ms,
        "cost": lambda run: run.cost,
    }
    values = [value for run in shown if (value := keys[sort.strip("-")](run)) is not None]
    assert len(shown) == 40
    assert len({run.pk for run in shown}) == 40
    assert values == sorted(values, reverse=sort.startswith("-"))
    if "cost" in sort:
        assert [run.cost for run in shown[-8:]] == [None] * 8, "unknown is neither the least nor the most"


def test_a_head_says_its_order_and_turns_it_around(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    make_run(owner)

    page = flat(browser.get("/runs/?sort=-cost&status=completed").content.decode())

    head = re.search(
        r'<th class="number run-extra" scope="col" aria-sort="descending">\s*<a class="sort-head" href="([^"]+)"', page
    )
    assert head is not None
    assert head[1] == "?status=completed&amp;sort=cost"


def test_the_foot_counts_all_matches_not_the_page(
    browser: Client, owner: User, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.web.run_list.PAGE_LENGTH", 2)
    for status in ("completed", "completed", "completed", "failed", "cancelled"):
        make_run(owner, status=status, cost=Decimal("0.5"))
    make_run(owner, cost=None, status="idle", config={"models": ["openai:m1"]})
    make_run(owner, cost=None)

    page = flat(browser.get("/runs/").content.decode())

    sums = page.split('<p role="status">')[1].split("</p>")[0]
    assert "<strong>7 runs</strong>" in sums
    assert ">at least $2.50</span>" in sums
    assert "80 % success" in sums
    assert "4 completed, 1 failed" in sums
    assert "1 run has no full price" in sums, "the built-in model costs nothing"


def test_runs_of_the_built_in_model_alone_are_free_in_the_foot_and_in_groups(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    for _ in range(2):
        make_run(owner, cost=None)

    pages = [flat(browser.get(f"/runs/{query}").content.decode()) for query in ("", "?group=day")]
    make_run(owner, cost=None, config={"models": ["openai:m1"]})
    unknown = flat(browser.get("/runs/").content.decode())

    assert "<span>free</span>" in pages[0].split('<p role="status">')[1].split("</p>")[0]
    assert "<span>free</span>" in pages[1].split('class="run-group-sums"')[1].split("</summary>")[0]
    assert "<span>free</span>" not in unknown.split('<p role="status">')[1].split("</p>")[0], "unknown is not zero"


def test_a_count_stops_at_its_most_and_says_so(
    browser: Client, owner: User, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.web.run_totals.MOST_COUNTED", 2)
    monkeypatch.setattr("runs.web.run_totals.MOST_SUMMED", 3)
    for _ in range(4):
        make_run(owner)

    page = browser.get("/runs/").content.decode()

    assert "<strong>3+ runs</strong>" in page
    assert "<span>sums of the newest 3</span>" in page
    assert '<span class="view-count">2+</span>' in page


def test_the_foot_sums_up_to_a_hundred_thousand_runs(browser: Client, owner: User, agent: Agent) -> None:
    Run.objects.bulk_create(Run(user=owner, agent=agent, task="t", cost=Decimal("0.5")) for _ in range(10_002))

    page = flat(browser.get("/runs/").content.decode())

    assert "<strong>10,002 runs</strong>" in page
    assert ">$5,001.00</span>" in page
    assert "sums of the newest" not in page
    assert '<span class="view-count">10,000+</span>' in page


def test_the_views_have_their_runs_and_counts(
    owner: User,
    other: User,
    staff: User,
    browser_of: Callable[[User | None], Client],
    make_run: Callable[..., Run],
    ask: Any,
) -> None:
    asking, in_grace = ask(staff).run, ask(staff)
    control.approve(in_grace.pk, by=staff, arguments_hash=in_grace.arguments_hash, grace_s=60)
    failed = make_run(staff, status="failed")
    make_run(staff, status="failed", created_at=timezone.now() - timedelta(days=3))
    theirs = make_run(other)
    browser = browser_of(staff)

    pages = {view: browser.get(f"/runs/?view={view}").content.decode() for view in ("needs-me", "failed-today", "mine")}

    assert rows(pages["needs-me"]) == [str(asking.pk)]
    assert rows(pages["failed-today"]) == [str(failed.pk)]
    assert len(rows(pages["mine"])) == 4
    assert str(theirs.pk) not in pages["mine"]
    counts = re.findall(r'<span class="view-count">(\S+)</span>', pages["mine"])
    assert counts == ["5", "1", "1", "4"]
    assert re.search(r'view=mine"\s+aria-current="page"', pages["mine"])
    assert "view=mine" not in browser_of(owner).get("/runs/").content.decode(), "to them it is the same as all"


def test_a_row_says_how_the_run_ended_or_what_it_waits_for(
    browser: Client, owner: User, make_run: Callable[..., Run], ask: Any
) -> None:
    make_run(owner, answer="# It is **forty-two**.\n\nAnd more.")
    make_run(owner, status="failed", error={"code": "auth", "message": "401 not authorised"})
    call: ToolCall = ask(owner)
    running = make_run(owner, status="executing", steps=1)
    running.steps.update(kind="tool_call", tool_name="stock_level")

    page = browser.get("/runs/").content.decode()

    lines = [" ".join(line.split()) for line in re.findall(r'class="run-outcome" dir="auto">([^<]*)<', page)]
    assert sorted(lines) == sorted(
        ["It is forty-two.", "401 not authorised", f"{call.tool_name} wants to run", "runs stock_level"]
    )


def test_unknown_costs_are_a_dash_and_partial_ones_a_minimum(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    model = {"models": ["local/m1"]}
    make_run(owner, config=model, cost=None)
    make_run(owner, config=model, cost=Decimal("0.0077"), cost_is_partial=True)
    make_run(owner, config=model, cost=Decimal("31.5"))
    make_run(owner, config={"models": ["offline"]}, cost=None)

    page = flat(browser.get("/runs/").content.decode())

    cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r'data-label="Cost">(.*?)</td>', page)]
    assert cells == ["free", "31.5000"[:5] + "00", "≥ 0.0077", "–"]
    assert 'title="not reported">–' in page
    assert '<span class="digits-pad" aria-hidden="true">00</span>' in page


def test_time_waited_for_a_person_is_said_apart_from_time_at_work(
    browser: Client, owner: User, make_run: Callable[..., Run], ask: Any
) -> None:
    call = ask(owner)
    started = timezone.now() - timedelta(minutes=20)
    Run.objects.filter(pk=call.run_id).update(active_ms=4200, started_at=started, created_at=started)
    call.run.steps.update(started_at=started, ended_at=timezone.now() - timedelta(minutes=15))

    page = flat(browser.get("/runs/").content.decode())

    cell = page.split('data-label="Time">')[1].split("</td>")[0]
    assert cell.startswith("<span>4.2 s</span>")
    assert re.search(r"waits <time [^>]*>15 min</time>", cell)


def test_a_live_page_gets_the_rows_it_names_also_if_they_left_the_filter(
    browser: Client, owner: User, other: User, make_run: Callable[..., Run]
) -> None:
    mine, theirs = make_run(owner, status="completed"), make_run(other)

    answer = browser.get(
        f"/runs/?status=failed&only={mine.pk}&only={theirs.pk}&only=nonsense",
        headers={"HX-Request": "true", "HX-Target": "renewed"},
    )

    assert rows(answer.content.decode()) == [str(mine.pk)]
    assert "<html" not in answer.content.decode()


def test_the_next_page_keeps_order_and_view(
    browser: Client, owner: User, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.web.run_list.PAGE_LENGTH", 2)
    runs = [make_run(owner, status="failed", active_ms=ms) for ms in (3000, 1000, 2000)]

    link = older(browser.get("/runs/?view=failed-today&sort=-time").content.decode())
    second = rows(browser.get(f"/runs/{link}", headers=MORE).content.decode())

    assert second == [str(runs[1].pk)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=could_not", {"could not"}),
        ("status=completed", {"done"}),
        ("status=completed&status=could_not", {"done", "could not"}),
        ("status=could_not&status=failed", {"could not", "failed"}),
    ],
)
def test_a_run_that_could_not_do_it_is_found_by_that_and_not_as_completed(
    browser: Client, owner: User, make_run: Callable[..., Run], query: str, expected: set[str]
) -> None:
    names = {
        str(make_run(owner).pk): "done",
        str(make_run(owner, could_not=True).pk): "could not",
        str(make_run(owner, status="failed").pk): "failed",
    }

    assert found(browser, query, names) == expected


def test_the_list_calls_it_by_its_name_and_counts_it_as_no_success(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    make_run(owner)
    make_run(owner, could_not=True)

    page = flat(browser.get("/runs/").content.decode())

    assert 'data-status="could_not"' in page and "Could not do it" in page
    assert "50 % success" in page and "1 completed, 1 could not do it, 0 failed" in page


def test_an_export_says_that_a_run_could_not_do_it(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    make_run(owner, could_not=True)

    head, row = browser.get("/runs/export/?format=csv").content.decode("utf-8-sig").splitlines()

    assert dict(zip(head.split(","), row.split(","), strict=True))["could_not"] == "True"
