"""Saved views, groups and columns of the list of runs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.models import Agent, Run, RunView
from runs.web.run_groups import RUNS_OF_A_GROUP
from runs.web.run_views import MOST_VIEWS
from tests.markup import flat
from tests.web.conftest import HTMX
from tests.web.identities import permission_of
from tests.web.waiting_fixtures import Ask, address

BrowserOf = Callable[[User | None], Client]
MakeRun = Callable[..., Run]


@pytest.fixture
def browser(owner: User, browser_of: BrowserOf) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def tabs_of(page: str) -> list[str]:
    """The words of the tabs, with their counts."""
    nav = re.search(r'<nav class="view-tabs".*?</nav>', page, re.DOTALL)
    assert nav is not None
    return [" ".join(re.sub(r"<[^>]+>", " ", tab).split()) for tab in re.findall(r"<a .*?</a>", nav.group(), re.DOTALL)]


def current_tabs(page: str) -> list[str]:
    """The words of the marked tabs."""
    nav = page[page.index('id="run-tabs"') :].split("</nav>", maxsplit=1)[0]
    return [words.strip() for words in re.findall(r'aria-current="page">([^<]*)', nav)]


def save(browser: Client, name: str, query: str, **fields: str) -> Any:
    return browser.post("/runs/views/", {"name": name, "query": query, **fields})


def groups_in(page: str) -> list[str]:
    """The titles of the groups with their sums."""
    found = re.findall(r"<summary>(.*?)</summary>", page, re.DOTALL)
    return [flat(re.sub(r"<[^>]+>", " ", each)).strip() for each in found]


def test_the_filters_are_saved_as_a_view_with_a_count_and_opened_again(
    browser: Client, owner: User, make_run: MakeRun
) -> None:
    make_run(owner, status="failed")
    make_run(owner)

    answer = save(browser, "  Broken  ones ", "status=failed&sort=-cost&nonsense=1&before=x")
    view = RunView.objects.get()
    page = browser.get(answer["Location"]).content.decode()

    assert (view.name, view.query, view.is_shared) == ("Broken ones", "status=failed&sort=-cost", False)
    assert answer["Location"] == f"/runs/?status=failed&sort=-cost&saved={view.pk}"
    assert "Broken ones 1" in tabs_of(page)
    assert re.findall(r'aria-current="page">(\w+)', page.split('class="view-tabs"')[1]) == ["Broken"]
    assert page.count("data-run-row=") == 1


def test_a_launch_and_a_decision_are_counted_at_once(
    browser: Client, owner: User, make_run: MakeRun, agent: Agent, ask: Ask
) -> None:
    call = ask(owner)
    save(browser, "Waiting ones", "status=waiting")
    before = tabs_of(browser.get("/runs/?view=failed-today").text)
    browser.post("/runs/", {"task": "half of 90"})
    launched = tabs_of(browser.get("/runs/?view=failed-today").text)
    browser.post(address(call, "deny"), {"arguments_hash": call.arguments_hash})

    decided = tabs_of(browser.get("/runs/?view=failed-today").text)

    assert before == ["All 1", "Needs me 1", "Failed today 0", "Waiting ones 1"]
    assert launched == ["All 2", "Needs me 1", "Failed today 0", "Waiting ones 1"]
    assert decided[:3] == ["All 2", "Needs me 0", "Failed today 0"]


def test_the_view_of_the_list_has_the_number_of_the_list(browser: Client, owner: User, make_run: MakeRun) -> None:
    make_run(owner, status="failed")
    save(browser, "Broken", "status=failed")
    saved = f"/runs/?status=failed&saved={RunView.objects.get().pk}"
    pages = ("/runs/", "/runs/?view=failed-today", saved)
    for page in pages:
        browser.get(page)
    make_run(owner, status="failed")  # by a program

    seen = [tabs_of(browser.get(page).text) for page in pages]

    assert [tabs[place] for tabs, place in zip(seen, (0, 2, 3), strict=True)] == ["All 2", "Failed today 2", "Broken 2"]


def test_all_is_the_view_of_a_list_without_filters(browser: Client, owner: User, make_run: MakeRun) -> None:
    make_run(owner, status="failed")

    whole = browser.get("/runs/").text
    pages = [browser.get(f"/runs/?{query}").text for query in ("status=failed", "q=half")]
    changed = browser.get("/runs/?status=failed", headers=HTMX | {"HX-Target": "results"}).text
    named = browser.get("/runs/?view=failed-today&status=failed").text

    assert current_tabs(whole) == ["All"]
    assert [current_tabs(page) for page in (*pages, changed)] == [[], [], []]
    assert 'id="run-tabs"' in changed and 'hx-swap-oob="true"' in changed and "hx-swap-oob" not in whole
    assert current_tabs(named) == ["Failed today"]


def test_a_view_saved_again_under_its_name_is_replaced_and_there_is_a_most(browser: Client) -> None:
    for number in range(MOST_VIEWS):
        save(browser, f"View {number}", "status=failed")
    save(browser, "View 0", "status=completed")
    save(browser, "One more", "status=failed")
    save(browser, "", "status=failed")

    assert RunView.objects.count() == MOST_VIEWS
    assert RunView.objects.get(name="View 0").query == "status=completed"


def test_a_view_is_renamed_and_deleted_by_the_person_who_saved_it_alone(
    browser: Client, staff: User, browser_of: BrowserOf
) -> None:
    save(browser, "Mine", "status=failed")
    save(browser, "Other", "status=failed")
    address = f"/runs/views/{RunView.objects.get(name='Mine').pk}/"

    theirs = browser_of(staff).post(address, {"action": "delete"})
    taken = browser.post(address, {"action": "rename", "name": "Other"}, follow=True).content.decode()
    browser.post(address, {"action": "rename", "name": "Ours"})
    names = set(RunView.objects.values_list("name", flat=True))
    browser.post(address, {"action": "delete"})

    assert theirs.status_code == 404
    assert "Another view has this name." in taken
    assert names == {"Ours", "Other"}
    assert RunView.objects.get().name == "Other"


def test_a_shared_view_is_offered_to_everybody_who_sees_in_it_only_their_own_runs(
    browser: Client, owner: User, other: User, staff: User, browser_of: BrowserOf, make_run: MakeRun
) -> None:
    make_run(owner, status="failed")
    make_run(other, status="failed")

    save(browser, "Not shared", "status=failed", shared="1")
    save(browser_of(staff), "Failed ones", "status=failed", shared="1")
    seen = {user: tabs_of(browser_of(user).get("/runs/").content.decode()) for user in (owner, other, staff)}

    assert [view.is_shared for view in RunView.objects.order_by("name")] == [True, False]
    assert seen[owner][-2:] == ["Not shared 1", "Failed ones 1"]
    assert seen[other][-1] == "Failed ones 1"
    assert seen[staff][-1] == "Failed ones 2"


def test_shared_views_of_others_leave_room_for_ones_own(
    browser: Client, staff: User, browser_of: BrowserOf, make_run: MakeRun
) -> None:
    shared = (RunView(user=staff, name=f"Shared {number}", query="", is_shared=True) for number in range(50))
    RunView.objects.bulk_create(shared)
    save(browser, "My own", "status=failed")

    tabs = tabs_of(browser.get("/runs/").content.decode())

    assert tabs.index("My own 0") == len(tabs) - MOST_VIEWS - 1


def test_a_page_reads_the_agents_once_however_many_views_there_are(browser: Client) -> None:
    for number in range(3):
        save(browser, f"View {number}", "status=failed")

    with CaptureQueriesContext(connection) as asked:
        browser.get("/runs/")

    assert sum('FROM "runs_agent" ORDER BY' in query["sql"] for query in asked) == 1


@pytest.mark.parametrize("group", ["agent", "error", "day", "thread"])
def test_runs_are_shown_in_groups_with_sums_and_their_newest_runs(
    browser: Client, owner: User, make_run: MakeRun, agent: Agent, group: str
) -> None:
    two_days_ago = timezone.now() - timedelta(days=2)
    first = make_run(owner, task="First <b>", agent=agent, created_at=two_days_ago, cost="0.5")
    for number in range(RUNS_OF_A_GROUP + 1):
        make_run(owner, task=f"Follow {number}", agent=agent, thread=first.pk, cost="0.25")
    make_run(owner, task="Alone", status="failed", error={"code": "auth", "message": "No."}, agent=None)

    page = browser.get(f"/runs/?group={group}").content.decode()

    groups = groups_in(page)
    expected = {
        "agent": ["Agents that are gone 1 run free 0 % success", "Assistant 7 runs $2.00 100 % success"],
        "error": ["auth 1 run free 0 % success", "Without an error 7 runs $2.00 100 % success"],
        "thread": ["Alone 1 run free 0 % success", "First &lt;b&gt; 7 runs $2.00 100 % success"],
    }
    if group == "day":
        assert [re.sub(r"^.*?(\d+ runs?)", r"\1", each) for each in groups if "run" in each] == [
            "7 runs $1.50 86 % success",
            "1 run $0.5000 100 % success",
        ]
    else:
        assert [each for each in groups if " run" in each] == expected[group]
    assert page.count("data-run-row=") == RUNS_OF_A_GROUP + 1


def test_all_runs_of_a_group_are_a_link_with_the_filters(browser: Client, owner: User, make_run: MakeRun) -> None:
    for number in range(RUNS_OF_A_GROUP + 1):
        make_run(owner, task=f"Run {number}", status="failed", agent=Agent.objects.get(is_default=True))

    page = browser.get("/runs/?group=agent&status=failed").content.decode()
    (link,) = re.findall(r'run-group-all">\s*<a href="([^"]+)"', page)
    listed = browser.get("/runs/" + link.replace("&amp;", "&")).content.decode()

    assert link == "?status=failed&amp;agent=Assistant"
    assert listed.count("data-run-row=") == RUNS_OF_A_GROUP + 1


def test_groups_ask_the_database_as_often_for_many_runs_as_for_one(
    browser: Client, owner: User, make_run: MakeRun
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get("/runs/?group=thread", headers={**HTMX, "HX-Target": "results"})
        return len(asked)

    make_run(owner)
    queries()
    before = queries()
    for _ in range(20):
        make_run(owner)

    assert queries() == before


def test_a_person_chooses_the_columns_on_every_device(
    owner: User, other: User, browser_of: BrowserOf, make_run: MakeRun
) -> None:
    make_run(owner, config={"models": ["local/m7"]})
    make_run(other)
    browser = browser_of(owner)

    answer = browser.post("/runs/columns/", {"column": ["model", "cost", "no such"], "back": "?status=completed"})
    chosen = browser_of(owner).get("/runs/").content.decode()
    theirs = browser_of(other).get("/runs/").content.decode()
    browser.post("/runs/columns/", {"usual": "1"})
    usual = browser.get("/runs/").content.decode()

    assert answer["Location"] == "/runs/?status=completed"
    assert re.findall(r'data-label="(\w+)"', chosen) == ["Status", "Model", "Cost"]
    assert "local/m7" in chosen
    assert re.findall(r'data-label="(\w+)"', theirs) == re.findall(r'data-label="(\w+)"', usual)
    assert "Started" in re.findall(r'data-label="(\w+)"', usual)


def test_a_group_is_not_called_by_a_message_that_the_person_may_not_see(
    browser: Client, owner: User, other: User, make_run: MakeRun
) -> None:
    first = make_run(other, task="Secret of other")
    make_run(owner, task="And then?", thread=first.pk)

    page = browser.get("/runs/?group=thread").content.decode()

    assert "Secret of other" not in page
    assert "A thread whose first run is gone 1 run" in " ".join(groups_in(page))


def test_who_sees_everybodys_runs_may_group_those_of_others(
    owner: User, other: User, browser_of: BrowserOf, make_run: MakeRun
) -> None:
    make_run(other, task="Secret of other")
    owner_page = browser_of(owner).get("/runs/?group=thread").content.decode()
    owner.user_permissions.add(permission_of("runs.view_run"))

    page = browser_of(owner).get("/runs/?group=thread").content.decode()

    assert "Secret of other" not in owner_page
    assert "Secret of other" in page
