"""Several runs at once: each is stopped or repeated by the rules of its own, and the list is exported."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import AsyncClient, Client

from runs.models import Agent, Run
from runs.web import run_export
from runs.web.run_filter import RunFilter


def act(browser: Client, action: str, *runs: Run, **fields: str) -> Any:
    return browser.post("/runs/bulk/", {"action": action, "run": [str(run.pk) for run in runs], **fields}, follow=True)


def body(response: Any) -> str:
    text: str = response.content.decode()
    return text


def test_runs_are_stopped_together_and_the_page_says_what_came_of_each(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    queued, working, done = make_run(owner, status="idle"), make_run(owner, status="thinking"), make_run(owner)

    page = act(browser_of(owner), "stop", queued, working, done).content.decode()

    assert "1 stopped, 1 is stopping, 1 had ended." in page
    queued.refresh_from_db()
    working.refresh_from_db()
    assert queued.status == "cancelled"
    assert working.cancel_requested_at is not None


def test_nobody_stops_another_users_runs(
    owner: User, other: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    theirs = make_run(owner, status="idle")
    other.user_permissions.add(Permission.objects.get(codename="view_run"))

    unseen = act(browser_of(User.objects.create_user("third")), "stop", theirs).content.decode()
    seen = act(browser_of(other), "stop", theirs).content.decode()

    theirs.refresh_from_db()
    assert theirs.status == "idle"
    assert "No run was selected" in unseen
    assert "1 is not yours to stop." in seen


def test_runs_are_launched_again_once_however_often_the_button_is_pressed(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    runs = [make_run(owner, task="half of 90"), make_run(owner, task="half of 80")]
    browser = browser_of(owner)

    for _ in range(2):
        page = act(browser, "again", *runs, once="k" * 32).content.decode()

    assert "2 runs launched." in page
    again = Run.objects.filter(rerun_of__in=runs)
    assert sorted(run.task for run in again) == ["half of 80", "half of 90"]


def test_who_may_not_launch_launches_nothing_again(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    run = make_run(owner)
    owner.user_permissions.add(Permission.objects.get(codename="view_agent"))
    browser = browser_of(owner)

    assert act(browser, "again", run).status_code == 403
    assert Run.objects.count() == 1
    assert 'value="again"' not in browser.get("/runs/").content.decode()


@pytest.mark.parametrize("back", ["//elsewhere.example/", "https://elsewhere.example", "?\r\nX: 1", ""])
def test_the_way_back_never_leaves_the_list(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run], back: str
) -> None:
    response = browser_of(owner).post("/runs/bulk/", {"action": "stop", "run": str(make_run(owner).pk), "back": back})

    assert response["Location"] == "/runs/"


def test_the_way_back_keeps_the_filters(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    sent = {"action": "stop", "run": str(make_run(owner).pk), "back": "?status=failed"}

    assert browser_of(owner).post("/runs/bulk/", sent)["Location"] == "/runs/?status=failed"


def test_an_export_has_what_matches_the_filter_as_csv(
    owner: User, other: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    make_run(owner, status="failed", task="Über, „quoted“\nand on", error={"code": "auth", "message": "401"})
    make_run(owner)
    make_run(other, status="failed")

    response = browser_of(owner).get("/runs/export/?status=failed&format=csv")

    lines = list(csv.DictReader(io.StringIO(body(response).removeprefix("\ufeff"))))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="runs-')
    assert [(line["task"], line["status"], line["error"], line["person"]) for line in lines] == [
        ("Über, „quoted“\nand on", "failed", "401", "owner")
    ]


def test_an_export_of_the_selection_has_only_these_and_only_what_the_user_may_see(
    owner: User, other: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    wanted, _unwanted, theirs = make_run(owner, task="this one"), make_run(owner), make_run(other)

    response = browser_of(owner).get(f"/runs/export/?format=jsonl&run={wanted.pk}&run={theirs.pk}&run=nonsense")

    lines = [json.loads(line) for line in body(response).splitlines()]
    assert response["Content-Type"] == "application/jsonl"
    assert [(line["id"], line["task"], line["person"]) for line in lines] == [(str(wanted.pk), "this one", "owner")]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_of_a_csv_is_a_formula(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run], start: str
) -> None:
    make_run(owner, task=f'{start}HYPERLINK("http://evil.example")', answer=f"{start}1+1")

    response = browser_of(owner).get("/runs/export/?format=csv")

    line = next(csv.DictReader(io.StringIO(body(response).removeprefix("\ufeff"), newline="")))
    assert line["task"] == f'\'{start}HYPERLINK("http://evil.example")'
    assert line["answer"].startswith("'")


def test_a_long_export_is_read_in_pages_and_stops_at_its_most(
    owner: User, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_export, "RUNS_AT_ONCE", 3)
    monkeypatch.setattr(run_export, "MOST_EXPORTED", 10)
    Run.objects.bulk_create(Run(user=owner, agent=agent, task=f"task {number}") for number in range(12))
    everything = RunFilter(QueryDict(""), user=owner)
    words = RunFilter(QueryDict("q=task+1"), user=owner)

    pages = list(run_export._matching(everything))
    found = [run.task for page in run_export._matching(words) for run in page]

    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert len({run.pk for page in pages for run in page}) == 10
    assert sorted(found) == ["task 1", "task 10", "task 11"]


@pytest.mark.django_db(transaction=True)
async def test_a_long_export_is_streamed(owner: User, agent: Agent, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_export, "RUNS_AT_ONCE", 3)
    monkeypatch.setattr("runs.live.sockets.hub.get_hub", lambda: hub)
    Run.objects.bulk_create(Run(user=owner, agent=agent, task=f"task {number}") for number in range(12))
    browser = AsyncClient()
    await browser.aforce_login(owner)

    response: Any = await browser.get("/runs/export/?format=csv")
    text = b"".join([part async for part in response]).decode()

    assert response.streaming
    assert len(list(csv.DictReader(io.StringIO(text)))) == 12
    assert run_export._open == {}


def test_a_user_has_a_limited_number_of_exports_open(
    owner: User, browser_of: Callable[[User | None], Client], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.AGENTSITE_MAX_EXPORTS_PER_USER = 1
    monkeypatch.setitem(run_export._open, owner.pk, 1)

    response = browser_of(owner).get("/runs/export/")

    assert response.status_code == 429
    assert response["Retry-After"] == "10"


def test_an_export_in_another_format_is_refused(owner: User, browser_of: Callable[[User], Client]) -> None:
    response = browser_of(owner).get("/runs/export/?format=xlsx")

    assert response.status_code == 400
    assert response.content == b"Runs are exported as csv or jsonl, not as xlsx."
