"""Words are found wherever a run has them, and no search takes long."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run, Step
from runs.web import run_search
from tests.web.test_run_list import MORE, older, rows


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


@pytest.mark.parametrize("words", ["heliotrope", "HELIOTROPE", "Heliotröpe".replace("ö", "o")])
@pytest.mark.parametrize("place", ["task", "answer", "error", "step", "tool"])
def test_words_are_found_in_every_text_of_a_run(
    browser: Client, owner: User, make_run: Callable[..., Run], place: str, words: str
) -> None:
    texts: dict[str, dict[str, object]] = {
        "task": {"task": "Water the heliotrope."},
        "answer": {"answer": "The heliotrope is watered."},
        "error": {"status": "failed", "error": {"code": "auth", "message": "No heliotrope key."}},
    }
    wanted, _other = make_run(owner, **texts.get(place, {})), make_run(owner, steps=2)
    if place == "step":
        Step.objects.create(run=wanted, sequence=1, epoch=1, kind="tool_result", content="One heliotrope, 3 EUR.")
    if place == "tool":
        Step.objects.create(run=wanted, sequence=1, epoch=1, kind="tool_call", tool_name="heliotrope_price")

    page = browser.get("/runs/", {"q": words}).content.decode()

    assert rows(page) == [str(wanted.pk)]
    assert "1 found" in page


def test_nobody_finds_words_of_another_users_steps(
    owner: User, other: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    theirs = make_run(owner)
    Step.objects.create(run=theirs, sequence=1, epoch=1, kind="reasoning", content="My secret heliotrope.")

    page = browser_of(other).get("/runs/?q=heliotrope").content.decode()

    assert rows(page) == []


def test_a_search_whose_time_is_over_says_so_and_goes_on_from_there(
    browser: Client, owner: User, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_search, "SEARCH_S", 0)
    monkeypatch.setattr(run_search, "RUNS_AT_ONCE", 2)
    oldest = make_run(owner, task="Water the heliotrope.")
    for _ in range(3):
        make_run(owner)

    first = browser.get("/runs/?q=heliotrope").content.decode()
    second = browser.get(f"/runs/{older_of_empty(first)}", headers=MORE).content.decode()

    assert rows(first) == []
    assert "Nothing found yet" in first
    assert "in 2 runs searched so far" in first
    assert rows(second) == [str(oldest.pk)]


def older_of_empty(page: str) -> str:
    return page.split('<a class="button" href="')[1].split('"', maxsplit=1)[0].replace("&amp;", "&")


def test_one_query_reads_a_bounded_number_of_steps(
    browser: Client, owner: User, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_search, "STEPS_AT_ONCE", 5)
    runs = [make_run(owner, steps=4, task=f"Task {number}") for number in range(4)]

    page = browser.get("/runs/?q=task").content.decode()

    assert sorted(rows(page)) == sorted(str(run.pk) for run in runs)
    assert older(page) is None
