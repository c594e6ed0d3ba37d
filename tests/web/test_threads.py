"""Threads: which runs are one, what of them a person sees, and how a conversation goes on."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.engine import control
from runs.models import Run, Step, ToolCall
from tests.web.conftest import HTMX
from tests.web.identities import permission_of
from tests.web.thread_fixtures import NOON

Browser = Callable[[User | None], Client]


def threads(page: str) -> list[str]:
    return re.findall(r'data-thread="([^"]+)"', page)


def entries(page: str) -> list[str]:
    return re.findall(r'data-thread-run="([^"]+)"', page)


def text(client: Client, url: str, **options: Any) -> str:
    return client.get(url, **options).content.decode()


def test_a_follow_up_is_in_the_thread_of_the_first_run(owner: User, say: Callable[..., Run]) -> None:
    first = say(owner, "half of 90")

    second = control.continue_run(first.pk, by=owner, message="and half of that")
    Run.objects.filter(pk=second.pk).update(status="completed", ended_at=NOON)
    third = control.continue_run(second.pk, by=owner, message="once more")

    assert (first.thread, second.thread, third.thread) == (None, first.pk, first.pk)
    assert {run.thread_id for run in (first, second, third)} == {first.pk}


def test_the_list_has_threads_only_the_one_that_was_written_to_last_on_top(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    one, alone, two = say(owner, "half of 90"), say(owner, "on its own"), say(owner, "double 4")
    say(owner, "double that", after=two)
    say(owner, "half of that", after=one)

    page = text(browser_of(owner), "/threads/")

    assert threads(page) == [str(one.pk), str(two.pk)]
    assert "half of 90" in page and "Answer to half of that" in page
    assert "on its own" not in page and str(alone.pk) not in page


def test_before_the_first_follow_up_the_list_says_how_a_thread_comes_about(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    say(owner, "on its own")

    page = text(browser_of(owner), "/threads/")

    assert "Follow-ups turn a run into a thread." in page and 'href="/runs/">Open Runs' in page
    assert 'name="q"' not in page[page.index("<main") : page.index("</main>")]


def test_the_list_is_paged_without_gaps_also_among_threads_of_the_same_moment(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    firsts = [say(owner, f"task {number}") for number in range(70)]
    for number, first in enumerate(firsts):
        say(owner, "and then?", after=first, created_at=NOON + timedelta(days=1, minutes=number // 40))
    client = browser_of(owner)

    page = text(client, "/threads/")
    link = unescape(re.findall(r'hx-get="(\?before[^"]+)"', page)[0])
    more = text(client, f"/threads/{link}", headers={**HTMX, "HX-Target": "older"})

    assert (len(threads(page)), len(threads(more))) == (50, 20)
    assert set(threads(page) + threads(more)) == {str(run.pk) for run in firsts}
    assert "<html" not in more and "hx-get" not in more
    assert threads(text(client, f"/threads/{link}")) == threads(more)


def test_the_list_asks_the_database_as_often_for_fifty_threads_as_for_one(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    client = browser_of(owner)
    say(owner, "and then?", after=say(owner, "task"))
    with CaptureQueriesContext(connection) as for_one:
        client.get("/threads/")
    for number in range(49):
        say(owner, "and then?", after=say(owner, f"task {number}"))

    with CaptureQueriesContext(connection) as for_fifty:
        page = text(client, "/threads/")

    assert len(threads(page)) == 50
    assert len(for_fifty) == len(for_one)


def test_a_thread_is_found_by_words_of_any_of_its_messages_and_answers(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    wanted = say(owner, "half of 90")
    say(owner, "and in MILES?", after=wanted, answer="About 28")
    say(owner, "and then?", after=say(owner, "something else"))
    client = browser_of(owner)

    found = {words: tuple(threads(text(client, f"/threads/?q={words}"))) for words in ("of 90", "miles", "about 28")}

    assert set(found.values()) == {(str(wanted.pk),)}
    assert "No threads match" in text(client, "/threads/?q=elephants")


def test_of_the_threads_of_others_nothing_is_seen(
    owner: User, other: User, staff: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "a secret plan")
    say(owner, "a secret detail", after=first)
    theirs = browser_of(other)

    page = text(theirs, "/threads/") + text(theirs, "/threads/?q=secret") + text(theirs, "/palette/?q=secret")

    assert str(first.pk) not in page
    assert theirs.get(f"/threads/{first.pk}/").status_code == 404
    assert theirs.get(f"/threads/{first.pk}/runs/{first.pk}/").status_code == 404
    assert threads(text(browser_of(staff), "/threads/?q=secret")) == [str(first.pk)]


def test_of_a_thread_with_others_one_sees_one_s_own_runs_and_that_there_are_more(
    owner: User, other: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "a question of mine")
    second = say(other, "a secret detail", after=first)
    third = say(owner, "back to me", after=second)
    client = browser_of(owner)

    page = text(client, f"/threads/{first.pk}/")

    assert entries(page) == [str(first.pk), str(third.pk)]
    assert "A message of another person, and its answer, are not shown." in page
    assert "1 run of another person is not shown." in page
    assert "a secret detail" not in page and str(second.pk) not in page and ">other<" not in page
    assert client.get(f"/threads/{first.pk}/runs/{second.pk}/").status_code == 404
    # Who sees only what came later takes the oldest of it for the title.
    assert "a secret detail" in text(browser_of(other), "/threads/")


def test_a_conversation_shows_messages_and_answers_in_order_with_what_they_cost(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90", cost="0.25", tokens_used=1000)
    second = say(owner, "and half of <that>", after=first, cost="0.50", tokens_used=500)
    Step.objects.create(run=second, sequence=1, epoch=1, kind="answer", content="It is **22.5**.", html="<p>22.5!</p>")

    page = text(browser_of(owner), f"/threads/{first.pk}/")

    assert entries(page) == [str(first.pk), str(second.pk)]
    assert "and half of &lt;that&gt;" in page and "<p>22.5!</p>" in page
    head = page[page.index('class="thread-facts"') : page.index('data-thread="')]
    assert "2 runs" in head and "1,500 tokens" in head and "$0.7500" in head
    assert f"run={first.pk}" in head and f"run={second.pk}" in head


def test_a_thread_is_free_only_if_the_built_in_model_did_all_of_it(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    second = say(owner, "and half of that", after=first)
    free = [text(browser_of(owner), url) for url in ("/threads/", f"/threads/{first.pk}/")]
    paid = say(owner, "in words", after=second, config={"models": ["openai:m1"]})
    say(owner, "and 10 more", after=paid)
    unknown = [text(browser_of(owner), url) for url in ("/threads/", f"/threads/{first.pk}/")]

    assert '<span class="unknown">free</span>' in free[0]
    assert "<span>free</span>" in free[1].split('class="thread-facts"')[1].split("</header>")[0]
    assert '<span class="unknown">–</span>' in unknown[0], "its last message was free, not the one before"
    assert "free" not in unknown[1].split('class="thread-facts"')[1].split("</header>")[0]


def test_where_a_run_was_followed_up_twice_the_newest_branch_is_shown_and_the_other_is_a_link_away(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    one = say(owner, "and in miles?", after=first)
    after_one = say(owner, "and in feet?", after=one)
    two = say(owner, "and in words?", after=first)
    client = browser_of(owner)

    page = text(client, f"/threads/{first.pk}/")
    [link] = re.findall(r'href="([^"]+)"\s+data-branch="previous"', page)

    assert entries(page) == [str(first.pk), str(two.pk)]
    assert "2 of 2" in page and "Next version" not in page
    old = text(client, link.partition("#")[0])
    assert entries(old) == [str(first.pk), str(one.pk), str(after_one.pk)]
    assert "1 of 2" in old
    # A message is sent to the end of the conversation that is shown.
    assert f'action="/runs/{after_one.pk}/continue/"' in old and f'action="/runs/{two.pk}/continue/"' in page


def test_a_long_conversation_opens_at_its_end_and_the_messages_before_come_on_request(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    runs = [say(owner, "message 0")]
    for number in range(1, 40):
        runs.append(say(owner, f"message {number}", after=runs[-1]))
    client = browser_of(owner)

    with CaptureQueriesContext(connection) as queries:
        page = text(client, f"/threads/{runs[0].pk}/")
    link = unescape(re.findall(r'hx-get="(/threads/[^"]+before=[^"]+)"', page)[0])
    more = text(client, link, headers={**HTMX, "HX-Target": "older"})

    assert entries(page) == [str(run.pk) for run in runs[10:]]
    assert entries(more) == [str(run.pk) for run in runs[:10]]
    assert "<html" not in more and "Message 1<" in more and "Message 11<" in page
    assert entries(text(client, link)) == entries(more)
    assert len(queries) <= 25


def test_a_message_in_a_thread_leads_back_to_it_and_one_that_is_refused_stays_in_its_form(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    client = browser_of(owner)

    refused = client.post(f"/runs/{first.pk}/continue/", {"message": " ", "thread": "1"}, headers=HTMX)
    sent = client.post(f"/runs/{first.pk}/continue/", {"message": "and then?", "thread": "1"}, headers=HTMX)

    assert refused.status_code == 422 and 'name="thread" value="1"' in refused.content.decode()
    second = Run.objects.get(continues=first)
    assert sent["HX-Redirect"] == f"/threads/{first.pk}/?at={second.pk}#run-{second.pk}"
    page = text(client, f"/threads/{first.pk}/?at={second.pk}")
    assert entries(page) == [str(first.pk), str(second.pk)]
    assert f'data-live="/ws/runs/{second.pk}/"' in page


def test_the_page_of_a_run_says_where_in_its_thread_it_is(
    owner: User, other: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    second = say(owner, "and half of that", after=first)
    third = say(other, "not for everybody", after=second)

    page = text(browser_of(owner), second.get_absolute_url())

    place = page[page.index("data-thread-place") :]
    place = place[: place.index("</p>")]
    assert "reply 2 of 2 in" in place and f'href="/threads/{first.pk}/?at={second.pk}#run-{second.pk}"' in place
    assert f'href="/runs/{first.pk}/"' in place
    assert str(third.pk) not in place and "everybody" not in place
    assert "data-thread-place" not in text(browser_of(owner), say(owner, "alone").get_absolute_url())


def test_a_follow_up_s_own_id_leads_to_its_thread(owner: User, browser_of: Browser, say: Callable[..., Run]) -> None:
    first = say(owner, "half of 90")
    second = say(owner, "and then?", after=first)
    client = browser_of(owner)

    assert client.get(f"/threads/{second.pk}/")["Location"] == f"/threads/{first.pk}/?at={second.pk}#run-{second.pk}"
    assert entries(text(client, f"/threads/{first.pk}/?at={first.pk}")) == [str(first.pk), str(second.pk)]
    assert entries(text(client, f"/threads/{first.pk}/?at=nonsense&before=nonsense")) == [str(first.pk), str(second.pk)]


def test_a_thread_outlives_its_first_run(owner: User, browser_of: Browser, say: Callable[..., Run]) -> None:
    first = say(owner, "half of 90")
    second = say(owner, "and then?", after=first)
    first_id = first.pk
    first.delete()

    page = text(browser_of(owner), f"/threads/{first_id}/")

    assert entries(page) == [str(second.pk)] and "Earlier messages were deleted." in page
    assert threads(text(browser_of(owner), "/threads/")) == [str(first_id)]


def test_the_work_of_a_run_is_lines_in_their_order_each_call_with_what_went_in_and_what_came_out(
    owner: User, other: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    run = say(owner, "17 * 23")
    call = "a" * 32
    steps: list[dict[str, Any]] = [
        {"kind": "reasoning", "content": "I <calculate>."},
        {"kind": "tool_call", "call_id": call, "tool_name": "calculator", "tool_input": {"expression": "17 * 23"}},
        {"kind": "tool_result", "call_id": call, "tool_name": "calculator", "content": "<b>391</b>"},
        {"kind": "answer", "content": "It is that."},
    ]
    for number, fields in enumerate(steps, 1):
        Step.objects.create(run=run, sequence=number, epoch=1, **fields)

    part, later = (text(browser_of(owner), f"/runs/{run.pk}/work/{query}", headers=HTMX) for query in ("", "?after=3"))

    assert part.index("I &lt;calculate&gt;.") < part.index("calculator") < part.index("17 * 23")
    assert "&lt;b&gt;391&lt;/b&gt;" in part and part.count("work-row") == 3 and "It is that." not in part
    assert "Nothing but the answer." in later
    assert browser_of(other).get(f"/runs/{run.pk}/work/").status_code == 404


def test_a_waiting_run_asks_its_question_in_the_thread_and_only_those_who_may_decide_have_its_buttons(
    owner: User, browser_of: Browser, ask: Callable[..., ToolCall], say: Callable[..., Run]
) -> None:
    call = ask(owner)
    reader = User.objects.create_user("reader")
    reader.user_permissions.add(permission_of("runs.view_run"))

    page, read = (text(browser_of(user), f"/threads/{call.run_id}/") for user in (owner, reader))

    entry = page[page.index("data-thread-run") :]
    assert f'formaction="/runs/{call.run_id}/calls/{call.pk}/approve/"' in entry
    assert "may-not-decide" not in page and "may-not-decide" in read


@pytest.mark.parametrize("words", ["half of 90", "HALF"])
def test_the_palette_finds_a_thread_by_its_first_message(
    owner: User, browser_of: Browser, say: Callable[..., Run], words: str
) -> None:
    first = say(owner, "half of 90")
    say(owner, "and then?", after=first)

    assert f'href="/threads/{first.pk}/"' in text(browser_of(owner), f"/palette/?q={words}")
