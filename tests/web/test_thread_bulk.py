"""Several threads of the list, starred and archived at once: each by the rules of a single one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run, Thread, ThreadStar
from runs.web.thread_bulk import MOST_CHOSEN
from tests.web.identities import permission_of

Browser = Callable[[User | None], Client]
Said = Callable[..., Run]


@pytest.fixture
def thread_of(say: Said) -> Said:
    """`thread_of(user, "half of 90")`: the first run of a thread with one follow-up."""

    def made(user: User, task: str) -> Run:
        first = say(user, task)
        say(user, "and then?", after=first)
        return first

    return made


def change(client: Client, action: str, *threads: Run | str, **fields: str) -> tuple[Any, str]:
    """The answer, and the page that it leads to."""
    ids = [str(each.pk) if isinstance(each, Run) else each for each in threads]
    answer = client.post("/threads/change/", {"action": action, "thread": ids, **fields})
    return answer, client.get(answer["Location"]).content.decode() if answer.status_code == 302 else ""


def test_the_chosen_threads_are_archived_and_come_back(owner: User, browser_of: Browser, thread_of: Said) -> None:
    first, second, third = (thread_of(owner, f"half of {n}") for n in (90, 80, 70))
    client = browser_of(owner)

    answer, page = change(client, "archive", first, second, back="sort=title")

    assert answer["Location"] == "/threads/?sort=title"
    assert "2 threads are archived." in page
    assert set(Thread.objects.archived().values_list("pk", flat=True)) == {first.pk, second.pk}
    assert f'data-thread="{third.pk}"' in page and f'data-thread="{first.pk}"' not in page
    _answer, page = change(client, "unarchive", first, back="show=archived")
    assert "1 thread is back in the list." in page
    assert set(Thread.objects.archived().values_list("pk", flat=True)) == {second.pk}


def test_a_star_is_set_and_removed_on_all_that_are_chosen(owner: User, browser_of: Browser, thread_of: Said) -> None:
    threads = [thread_of(owner, f"half of {n}") for n in (90, 80)]
    client = browser_of(owner)

    _answer, page = change(client, "star", *threads, threads[0])

    assert "2 threads have your star." in page
    assert ThreadStar.objects.filter(user=owner).count() == 2
    change(client, "unstar", *threads)
    assert not Thread.objects.exists()


def test_of_other_people_only_what_one_may_change_is_changed(owner: User, browser_of: Browser, thread_of: Said) -> None:
    mine, theirs = thread_of(owner, "half of 90"), thread_of(User.objects.create_user("bob"), "half of 80")

    _answer, page = change(browser_of(owner), "archive", mine, theirs, "0" * 32, "nonsense")

    assert "1 thread is archived." in page and "2 threads are not yours to change." in page
    assert set(Thread.objects.values_list("pk", flat=True)) == {mine.pk}
    owner.user_permissions.add(permission_of("runs.view_run"))
    client = browser_of(User.objects.get(pk=owner.pk))
    _answer, page = change(client, "archive", theirs)
    assert "1 thread is not yours to change." in page
    _answer, page = change(client, "star", theirs)
    assert "1 thread has your star." in page


def test_at_most_a_hundred_are_changed_at_once(owner: User, browser_of: Browser, say: Said) -> None:
    runs = [say(owner, f"No. {n}") for n in range(MOST_CHOSEN + 1)]

    _answer, page = change(browser_of(owner), "star", *runs)

    assert "100 threads have your star." in page
    assert ThreadStar.objects.count() == MOST_CHOSEN


@pytest.mark.parametrize("action", ["", "delete", "rename"])
def test_an_action_that_there_is_not_changes_nothing(
    owner: User, browser_of: Browser, thread_of: Said, action: str
) -> None:
    answer, _page = change(browser_of(owner), action, thread_of(owner, "half of 90"))

    assert (answer.status_code, answer.content.decode()) == (400, "Choose what to do with the threads.")
    assert not Thread.objects.exists()


def test_without_a_choice_nothing_is_changed(owner: User, browser_of: Browser, thread_of: Said) -> None:
    thread_of(owner, "half of 90")

    _answer, page = change(browser_of(owner), "archive")

    assert "No thread was selected. Nothing was changed." in page
