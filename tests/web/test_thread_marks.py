"""Titles, stars and the archive of threads: whose they are, and what the pages make of them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Run, Thread, ThreadStar
from tests.web.conftest import HTMX
from tests.web.identities import permission_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
Browser = Callable[[User | None], Client]
Said = Callable[..., Run]


@pytest.fixture
def thread_of(make_run: Callable[..., Run]) -> Said:
    """`thread_of(user, "half of 90")`: the first run of a thread with one follow-up; threads come a minute apart."""
    minutes = iter(range(10_000))

    def made(user: User, task: str, **fields: Any) -> Run:
        at = NOON + timedelta(minutes=next(minutes))
        first = make_run(user, task=task, created_at=at, **fields)
        make_run(user, task="and then?", continues=first, thread=first.pk, created_at=at + timedelta(seconds=5))
        return first

    return made


def change(client: Client, run: Run, action: str, **fields: str) -> Any:
    return client.post(f"/threads/{run.pk}/change/", {"action": action, **fields})


def threads(client: Client, query: str = "") -> list[str]:
    return re.findall(r'data-thread="([^"]+)"', client.get(f"/threads/{query}").content.decode())


def test_a_title_replaces_the_first_message_everywhere_and_an_empty_one_brings_it_back(
    owner: User, browser_of: Browser, thread_of: Said
) -> None:
    first, client = thread_of(owner, "half of 90"), browser_of(owner)
    follow_up = Run.objects.get(continues=first)

    answer = change(client, first, "rename", title="  My   distances ")

    assert answer["Location"] == f"/threads/{first.pk}/"
    addresses = ("/threads/", f"/threads/{first.pk}/", follow_up.get_absolute_url(), "/palette/?q=my+dist")
    pages = [client.get(each).content.decode() for each in addresses]
    assert all("My distances" in page for page in pages)
    assert threads(client, "?q=distances") == [str(first.pk)]
    change(client, first, "rename", title=" ")
    assert "My distances" not in client.get("/threads/").content.decode()
    assert "half of 90" in client.get("/threads/").content.decode()
    assert not Thread.objects.exists()


def test_a_star_is_one_persons_and_its_tab_has_the_starred_threads(
    owner: User, staff: User, browser_of: Browser, thread_of: Said
) -> None:
    one, _two = thread_of(owner, "half of 90"), thread_of(owner, "double 4")

    change(browser_of(owner), one, "star")

    assert threads(browser_of(owner), "?show=starred") == [str(one.pk)]
    assert threads(browser_of(staff), "?show=starred") == []
    change(browser_of(owner), one, "unstar")
    assert threads(browser_of(owner), "?show=starred") == []
    assert "No starred threads" in browser_of(owner).get("/threads/?show=starred").content.decode()


def test_an_archived_thread_is_in_the_archive_only_until_its_next_message(
    owner: User, browser_of: Browser, thread_of: Said
) -> None:
    one, two = thread_of(owner, "half of 90"), thread_of(owner, "double 4")
    client = browser_of(owner)

    change(client, one, "star")
    change(client, one, "archive")

    assert threads(client) == [str(two.pk)] and threads(client, "?show=starred") == []
    assert threads(client, "?show=archived") == [str(one.pk)]
    assert "Archived" in client.get(f"/threads/{one.pk}/").content.decode()
    control.continue_run(Run.objects.get(continues=one).pk, by=owner, message="once more")
    assert threads(client) == [str(one.pk), str(two.pk)]
    assert threads(client, "?show=starred") == [str(one.pk)]


def test_a_starred_run_is_a_thread_until_its_star_goes(
    owner: User, browser_of: Browser, make_run: Callable[..., Run]
) -> None:
    run, client = make_run(owner, task="on its own"), browser_of(owner)

    change(client, run, "star")

    assert threads(client) == [str(run.pk)]
    assert "data-thread-place" not in client.get(run.get_absolute_url()).content.decode()
    follow_up = control.continue_run(run.pk, by=owner, message="and then?")
    assert threads(client) == [str(run.pk)] and follow_up.thread == run.pk
    Run.objects.filter(pk=follow_up.pk).delete()
    change(client, run, "unstar")
    assert threads(client) == []
    assert not Thread.objects.exists() and Run.objects.get().thread is None


def test_only_those_who_wrote_in_a_thread_name_and_archive_it_and_others_may_star_it(
    owner: User, other: User, staff: User, browser_of: Browser, thread_of: Said
) -> None:
    first = thread_of(owner, "half of 90")
    reader = User.objects.create_user("reader")
    reader.user_permissions.add(permission_of("runs.view_run"))

    refused = [change(browser_of(reader), first, action).status_code for action in ("rename", "archive", "unarchive")]
    starred = change(browser_of(reader), first, "star").status_code

    assert (refused, starred) == ([403] * 3, 302)
    assert 'id="rename-thread"' not in browser_of(reader).get(f"/threads/{first.pk}/").content.decode()
    assert change(browser_of(other), first, "star").status_code == 404
    assert change(browser_of(staff), first, "archive").status_code == 302
    assert [star.user for star in ThreadStar.objects.all()] == [reader]


def test_a_change_by_htmx_brings_the_part_of_the_page_that_it_changed(
    owner: User, browser_of: Browser, thread_of: Said
) -> None:
    first, client = thread_of(owner, "half of 90"), browser_of(owner)

    def sent(target: str, **fields: str) -> str:
        headers = {**HTMX, "HX-Target": target}
        return client.post(f"/threads/{first.pk}/change/", fields, headers=headers).content.decode()

    bar = sent("thread-bar", action="rename", title="<Distances>")
    row = sent("", action="star", back="show=starred")

    assert 'id="thread-bar"' in bar and 'id="crumb-title"' in bar and "&lt;Distances&gt;" in bar
    assert 'aria-pressed="true"' in row and 'value="show=starred"' in row and "<h1" not in row
    # Without JavaScript one comes back to the list with its filters.
    assert change(client, first, "archive", back="show=starred&q=a")["Location"] == "/threads/?show=starred&q=a"


@pytest.mark.parametrize(("sort", "order"), [("title", "abc"), ("-title", "cba"), ("-cost", "bca"), ("started", "abc")])
def test_the_list_is_sorted_by_title_cost_and_time_and_paged_without_gaps(
    sort: str, order: str, owner: User, browser_of: Browser, thread_of: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {
        name: thread_of(owner, f"{name}_task", cost=cost) for name, cost in (("a", None), ("b", "0.3"), ("c", "0.1"))
    }
    monkeypatch.setattr("runs.web.thread_list.PAGE_LENGTH", 1)
    client, query, found = browser_of(owner), f"?sort={sort}", []

    while query:
        page = client.get(f"/threads/{query}").content.decode()
        found += re.findall(r'data-thread="([^"]+)"', page)
        links = re.findall(r'hx-get="(\?[^"]*before=[^"]+)"', page)
        query = links[0].replace("&amp;", "&") if links else ""

    assert found == [str(runs[name].pk) for name in order]
