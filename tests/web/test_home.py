"""The first page: what needs the user, what runs, what fails, and the figures of the day."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from runs.models import Run
from runs.web.dashboard import EXAMPLES
from tests.markup import flat

YESTERDAY = timedelta(hours=30)
FIGURES = {"HX-Request": "true", "HX-Target": "figures"}


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def tiles(page: str) -> dict[str, tuple[str, str]]:
    """The figures by title: value and note."""
    found = re.findall(r'tile-title">([^<]*)</span><strong class="tile-value">([^<]*)</strong>'
                       r'<span class="tile-note">([^<]*)<', flat(page))  # fmt: skip
    return {title: (value, note) for title, value, note in found}


def test_the_figures_are_those_of_the_last_day_against_the_day_before(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    before = timezone.now() - YESTERDAY
    for status, ms in (("completed", 1000), ("completed", 2000), ("completed", 3000), ("failed", 9000)):
        make_run(owner, status=status, active_ms=ms, cost=Decimal("0.5"))
    for _ in range(2):
        make_run(owner, created_at=before, cost=Decimal("0.5"))
    make_run(owner, created_at=before - timedelta(days=3), cost=Decimal(100))

    figures = tiles(browser.get("/").content.decode())

    assert figures["Runs, 24 h"] == ("4", "+100 % on the day before")
    assert figures["Success"] == ("75 %", "1 failed · 100 % the day before")
    assert figures["Time, median"][0] == "2.5 s"
    assert figures["Cost, 24 h"] == ("$2.00", "+100 % on the day before")


def test_a_run_that_could_not_do_it_is_no_success(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    for fields in ({}, {}, {"could_not": True}, {"status": "failed"}):
        make_run(owner, **fields)

    page = browser.get("/").content.decode()

    assert tiles(page)["Success"] == ("50 %", "1 failed · 1 could not do it")
    assert "/runs/?when=24h&amp;status=could_not&amp;status=failed" in page


def test_without_a_day_before_nothing_is_compared(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    make_run(owner, cost=None, config={"models": ["openai:m1"]})

    figures = tiles(browser.get("/").content.decode())

    assert figures["Runs, 24 h"] == ("1", "none the day before")
    assert figures["Cost, 24 h"] == ("–", "1 without a price"), "unknown is not zero"


def test_runs_of_the_built_in_model_are_free_and_not_without_a_price(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    for _ in range(3):
        make_run(owner, cost=None)

    free = tiles(browser.get("/").content.decode())["Cost, 24 h"]
    make_run(owner, cost=Decimal("0.5"), config={"models": ["openai:m1"]})
    cache.clear()
    spent = tiles(browser.get("/").content.decode())["Cost, 24 h"]

    assert free == ("free", "")
    assert spent == ("$0.5000", "none the day before")


def test_the_figures_are_in_the_language_of_the_page_at_once(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    make_run(owner)
    browser.get("/")

    german = tiles(browser.get("/", headers={"Accept-Language": "de"}).content.decode())

    assert "Kosten, 24 h" in german


def test_failures_are_grouped_by_cause_and_lead_to_their_runs(
    browser: Client, owner: User, other: User, make_run: Callable[..., Run]
) -> None:
    for _ in range(3):
        make_run(owner, status="failed", error={"code": "auth", "message": "401 not authorised: keyless"})
    make_run(owner, status="failed", error={"code": "down", "message": "Could not reach down"})
    make_run(owner, status="failed", created_at=timezone.now() - YESTERDAY, error={"message": "Long ago"})
    make_run(other, status="failed", error={"message": "Not for you"})

    page = flat(browser.get("/").content.decode())

    causes = re.findall(r'<a class="row-link cause-words" href="([^"]*)" dir="auto">([^<]*)</a>', page)
    counts = re.findall(r"(\d+ runs?)</span><span class=\"cause-when\"", page)
    assert [words for _, words in causes] == ["401 not authorised: keyless", "Could not reach down"]
    assert counts == ["3 runs", "1 run"]
    behind = browser.get(causes[0][0].replace("&amp;", "&")).content.decode()
    assert len(re.findall('data-run-row="', behind)) == 3


def test_the_page_has_few_rows_of_each_kind_and_the_numbers_of_all(
    browser: Client, owner: User, make_run: Callable[..., Run], ask: Any
) -> None:
    for _ in range(6):
        ask(owner)
    for _ in range(9):
        make_run(owner, status="thinking")
        make_run(owner, status="completed")

    page = browser.get("/").content.decode()

    shown = {name: page.split(f'data-run-list="{name}"')[1].split("</ol>")[0].count("data-run-row") for name in
             ("waiting", "running", "finished")}  # fmt: skip
    assert shown == {"waiting": 5, "running": 8, "finished": 8}
    assert re.findall(r'data-count="(\w+)">(\d+)<', page) == [("waiting", "6"), ("running", "9")]


def test_a_running_run_says_what_it_does_and_a_waiting_one_how_long(
    browser: Client, owner: User, make_run: Callable[..., Run], ask: Any
) -> None:
    running = make_run(owner, status="executing", steps=1)
    running.steps.update(kind="tool_call", tool_name="stock_level")
    call = ask(owner)
    call.run.steps.update(ended_at=timezone.now() - timedelta(minutes=15))

    page = flat(browser.get("/").content.decode())

    assert "runs stock_level</span>" in page
    assert f"{call.tool_name} wants to run</span>" in page
    assert re.search(r"waits <time [^>]*>15 min</time>", page)


def test_the_script_gets_only_the_figures(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    make_run(owner)

    answer = browser.get("/", headers=FIGURES)

    assert answer.content.decode().strip().startswith('<div id="figures"')
    assert "<html" not in answer.content.decode()
    assert {"HX-Request", "HX-Target"} <= {name.strip() for name in answer["Vary"].split(",")}


@pytest.mark.parametrize(("task", "approval"), [(task, approval) for _, _, task, approval in EXAMPLES])
def test_every_example_launches_what_it_says(browser: Client, agent: Any, task: str, approval: str) -> None:
    page = browser.get("/").content.decode()
    fields = {"task": task} | ({"approval": approval} if approval else {})

    response = browser.post("/runs/", fields)

    run = Run.objects.get()
    assert response["Location"] == run.get_absolute_url()
    assert run.task == task
    assert "first-run" in page


def test_who_may_not_launch_is_offered_no_launch(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    owner.user_permissions.add(Permission.objects.get(codename="view_agent"))

    page = browser_of(owner).get("/").content.decode()

    assert "quick-launch" not in page
    assert "example-card" not in page


def test_who_sees_runs_without_deciding_is_not_told_that_they_need_them(
    owner: User, other: User, browser_of: Callable[[User | None], Client], ask: Any
) -> None:
    ask(owner)
    other.user_permissions.add(Permission.objects.get(codename="view_run"))

    assert "Needs you" in browser_of(owner).get("/").content.decode()
    page = browser_of(other).get("/").content.decode()
    assert "Needs you" not in page
    assert "Waits for a person" in page


def test_a_task_on_the_first_page_that_is_refused_comes_back_with_its_words(browser: Client) -> None:
    response = browser.post("/runs/", {"task": " ", "agent": "Nobody"})

    assert response.status_code == 422
