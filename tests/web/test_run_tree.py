"""The page of a run shows the tree that the run is in."""

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.live.rendering.tree_views import MOST_NODES
from runs.models import Run
from tests.web.tree_fixtures import AddChild

pytestmark = pytest.mark.django_db

PRICED = {"models": ["priced"], "agent": "Boss"}


@pytest.fixture
def page_of(browser_of: Callable[[User | None], Client], owner: User) -> Callable[..., str]:
    """The page of a run, as its owner sees it."""
    return lambda run, query="": browser_of(owner).get(f"/runs/{run.pk}/{query}").content.decode()


def words(html: str) -> str:
    """The text of some HTML on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def tree_in(page: str) -> str:
    """The tree on a page."""
    found = re.search(r'<section id="run-tree".*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def rows_in(page: str) -> list[tuple[str, str]]:
    """The id of each run of the tree on a page, and its row as words."""
    rows = re.findall(r'data-tree-run="([^"]+)".*?>(.*?)</li>', tree_in(page), re.DOTALL)
    return [(run_id, words(row)) for run_id, row in rows]


def test_every_page_of_a_tree_shows_all_of_its_runs_with_status_and_cost_and_their_sum_once(
    make_run: Callable[..., Run], add_child: AddChild, owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, task="Plan.", status="waiting", waiting_for="child", config=PRICED, cost=Decimal("0.10"))
    child = add_child(run, task="Dig.", status="waiting", waiting_for="child", cost=Decimal("0.02"))
    below = add_child(child, task="Fetch.", agent_name="Helper", cost=Decimal("0.003"), tokens_used=1_200)
    beside = add_child(run, task="Build.", status="waiting", waiting_for="approval", cost=Decimal("0.0007"))

    pages = {each.pk: page_of(each) for each in (run, child, below, beside)}

    for run_id, page in pages.items():
        rows = rows_in(page)
        assert [each for each, _ in rows] == [str(each.pk) for each in (run, child, below, beside)]
        here = [words for each, words in rows if each == str(run_id)]
        assert len(here) == 1
        assert "this run" in here[0]
        assert tree_in(page).count('aria-current="page"') == 1
        head = words(tree_in(page).split("<ol")[0])
        figures, _, cost = head.partition(" Cost of all runs together: ")
        assert (figures, cost) == ("Tree of 4 runs 1 of 4 ended 1 waits for a person 1,200 tokens", "$0.1237")
    assert [row for _, row in rows_in(pages[beside.pk])] == [
        "Waits for child runs Boss Plan. Cost: $0.1000",
        "Waits for child runs Worker Dig. Cost: $0.0200",
        "Completed Helper Fetch. Cost: $0.0030",
        "Needs approval Worker Build. this run Cost: $0.0007",
    ]
    levels = re.findall(r'data-level="(\d)"', tree_in(pages[run.pk]))
    assert levels == ["1", "2", "3", "2"]


@pytest.mark.parametrize(
    ("state", "is_offered"),
    [({"waiting_for": "child"}, True), ({"waiting_for": "resume"}, False), ({"waiting_for": "answer"}, False)],
)
def test_the_menu_of_a_run_that_waits_for_child_runs_offers_a_pause(
    state: dict[str, Any],
    is_offered: bool,
    make_run: Callable[..., Run],
    add_child: AddChild,
    owner: User,
    page_of: Callable[..., str],
) -> None:
    run = make_run(owner, status="waiting", config=PRICED, **state)
    add_child(run, status="thinking")

    page = page_of(run)

    assert (f'formaction="/runs/{run.pk}/pause/"' in page) is is_offered


def test_a_run_alone_shows_no_tree(make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]) -> None:
    alone = make_run(owner)
    could_have_called = make_run(owner, config=PRICED | {"agents": ["Worker"]})

    for run in (alone, could_have_called):
        assert words(tree_in(page_of(run))) == ""
        assert " hidden" in tree_in(page_of(run))
        assert "data-called-by" not in page_of(run)


def test_a_child_says_whose_child_it_is(
    make_run: Callable[..., Run], add_child: AddChild, owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, task="Plan.", config=PRICED)
    child = add_child(run, task="Dig.")
    below = add_child(child, task="Fetch.", agent_name="Helper")

    page = page_of(below)

    crumbs = re.findall(r'crumb-above[^>]*href="([^"]+)"[^>]*>([^<]*)<', page)
    assert crumbs == [(f"/runs/{run.pk}/", "Plan."), (f"/runs/{child.pk}/", "Dig.")]
    called_by = re.search(r"data-called-by.*?</p>", page, re.DOTALL)
    assert called_by is not None
    assert f'href="/runs/{child.pk}/#call-{below.parent_call_id}"' in called_by[0]
    assert "called by Worker in the run" in words(called_by[0])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "thinking"}, "Thinking"),
        ({"status": "waiting", "waiting_for": "answer"}, "Needs an answer"),
        ({"status": "completed"}, "Completed"),
    ],
    ids=["at work", "asking", "ended"],
)
def test_the_card_of_a_call_links_to_its_run_and_shows_its_status(
    make_run: Callable[..., Run],
    add_child: AddChild,
    owner: User,
    page_of: Callable[..., str],
    fields: dict[str, Any],
    said: str,
) -> None:
    run = make_run(owner, task="Plan.", config=PRICED)
    child = add_child(run, **fields)

    page = page_of(run)

    slot = page.split(f'id="call-{child.parent_call_id}-child"')[1].split('class="nested-calls"')[0]
    assert f'href="/runs/{child.pk}/"' in slot
    assert f"Run of Worker {said}" in words(slot)


COSTS: list[tuple[str, list[dict[str, Any]], str]] = [
    ("free", [{"config": {"models": ["offline"]}}] * 2, "free"),
    ("free beside a price", [{"config": {"models": ["offline"]}}, {"cost": Decimal("0.5")}], "$0.5000"),
    ("nothing known", [{}, {}], "not reported"),
    ("not known yet", [{"status": "thinking"}, {"status": "idle"}], ""),
    ("one unknown", [{"cost": Decimal("0.5")}, {}], "at least $0.5000"),
    ("one partial", [{"cost": Decimal("0.5")}, {"cost": Decimal("0.25"), "cost_is_partial": True}], "at least $0.7500"),
    ("one at work", [{"cost": Decimal("0.5")}, {"status": "thinking"}], "$0.5000"),
    ("small", [{"cost": Decimal("0.00004")}, {"cost": Decimal("0.00006")}], "$0.0001"),
    ("dollars", [{"cost": Decimal("1200.5")}, {"cost": Decimal("0.1")}], "$1,200.60"),
]


@pytest.mark.parametrize(("children", "total"), [row[1:] for row in COSTS], ids=[row[0] for row in COSTS])
def test_an_unknown_cost_is_never_shown_as_nothing(
    make_run: Callable[..., Run],
    add_child: AddChild,
    owner: User,
    page_of: Callable[..., str],
    children: list[dict[str, Any]],
    total: str,
) -> None:
    run = make_run(owner, task="Plan.", config={"models": ["offline"], "agent": "Boss"})
    for fields in children:
        add_child(run, **fields)

    head = words(tree_in(page_of(run)).split("<ol")[0])

    assert head.partition("Cost of all runs together: ")[2] == total


def test_a_tree_of_very_many_runs_shows_some_and_this_one_and_counts_the_others(
    make_run: Callable[..., Run], add_child: AddChild, owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, task="Plan.", config=PRICED)
    children = [add_child(run, task=f"Dig {number}.") for number in range(MOST_NODES + 20)]

    page = page_of(children[-1])

    rows = rows_in(page)
    assert len(rows) == MOST_NODES
    assert rows[-1][0] == str(children[-1].pk)
    assert f"Tree of {MOST_NODES + 21} runs" in words(tree_in(page))
    assert "21 more runs" in words(tree_in(page))


def test_the_texts_of_people_and_models_in_a_tree_are_texts(
    make_run: Callable[..., Run], add_child: AddChild, owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, task="<b>Plan</b>", config=PRICED)
    child = add_child(run, task="<script>alert(1)</script> " + "x" * 50_000, agent_name="<i>Worker</i>")

    for page in (page_of(run), page_of(child)):
        assert "<script>alert(1)" not in page
        assert "<i>Worker" not in page
        assert "<b>Plan" not in page
        assert len(tree_in(page)) < 10_000


def test_the_tree_of_a_run_can_be_asked_for_alone_by_those_who_see_the_run(
    make_run: Callable[..., Run],
    add_child: AddChild,
    owner: User,
    other: User,
    browser_of: Callable[[User | None], Client],
) -> None:
    run = make_run(owner, config=PRICED)
    add_child(run)

    shown = browser_of(owner).get(f"/runs/{run.pk}/tree/")

    assert shown.status_code == 200
    assert "Tree of 2 runs" in words(shown.content.decode())
    assert browser_of(other).get(f"/runs/{run.pk}/tree/").status_code == 404
    assert browser_of(owner).get(f"/runs/{uuid4()}/tree/").status_code == 404


def test_a_run_alone_costs_no_query_for_its_tree(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str], django_assert_num_queries: Any
) -> None:
    from runs.live.rendering.tree_views import tree_view

    run = make_run(owner)

    with django_assert_num_queries(0):
        assert tree_view(run) is None


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"Plan.", "Dig.", "Fetch.", "Other."}),
        ("tree=first", {"Plan.", "Other."}),
        ("tree=child", {"Dig.", "Fetch."}),
        ("tree=first&tree=child", {"Plan.", "Dig.", "Fetch.", "Other."}),
        ("tree={root}", {"Plan.", "Dig.", "Fetch."}),
        ("tree={root}&tree=first", {"Plan.", "Dig.", "Fetch.", "Other."}),
        ("tree={none}", set()),
        ("tree=nonsense", {"Plan.", "Dig.", "Fetch.", "Other."}),
    ],
)
def test_the_list_of_runs_marks_child_runs_and_is_filtered_by_them(
    make_run: Callable[..., Run],
    add_child: AddChild,
    owner: User,
    browser_of: Callable[[User | None], Client],
    query: str,
    shown: set[str],
) -> None:
    run = make_run(owner, task="Plan.", config=PRICED)
    add_child(add_child(run, task="Dig."), task="Fetch.", agent_name="Helper")
    make_run(owner, task="Other.")

    page = browser_of(owner).get("/runs/?" + query.format(root=run.pk, none=uuid4())).content.decode()

    rows = re.findall(r'<td class="run-task">(.*?)</td>', page, re.DOTALL)
    tasks = {words(row).removeprefix("Child run: ") for row in rows}
    assert tasks == shown
    assert {words(row).removeprefix("Child run: ") for row in rows if "child-mark" in row} == shown & {"Dig.", "Fetch."}
    assert f"{len(shown)} run" in words(page)
    assert ("no tree of runs “nonsense”" in words(page)) == ("nonsense" in query)


def test_the_inbox_names_the_task_of_the_first_run_beside_the_calls_of_a_child_run(
    make_run: Callable[..., Run],
    add_child: AddChild,
    ask: Callable[..., Any],
    owner: User,
    browser_of: Callable[[User | None], Client],
) -> None:
    run = make_run(owner, task="Plan <all>.", config=PRICED)
    below = add_child(add_child(run), task="Fetch.", status="waiting", waiting_for="approval", epoch=1)
    ask(owner, run=below)
    alone = ask(owner, to="eve")

    page = browser_of(owner).get("/inbox/").content.decode()

    cards = {
        each: page.split(f'data-inbox-run="{each}"')[1].partition("</section>")[0] for each in (below.pk, alone.run_id)
    }
    assert f'href="/runs/{run.pk}/">Plan &lt;all&gt;.</a>' in cards[below.pk]
    assert "for Plan <all>." in words(cards[below.pk])
    assert "data-of-tree" not in cards[alone.run_id]


def test_similar_calls_of_several_runs_each_name_the_first_run_of_their_tree(
    make_run: Callable[..., Run],
    add_child: AddChild,
    ask: Callable[..., Any],
    owner: User,
    browser_of: Callable[[User | None], Client],
) -> None:
    for number in range(3):
        run = make_run(owner, task=f"Plan {number}.", config=PRICED)
        ask(owner, run=add_child(run, task="Fetch.", status="waiting", waiting_for="approval", epoch=1))

    page = browser_of(owner).get("/inbox/").content.decode()

    assert re.findall(r"data-of-tree.*?(Plan \d)", page, re.DOTALL) == ["Plan 0", "Plan 1", "Plan 2"]
