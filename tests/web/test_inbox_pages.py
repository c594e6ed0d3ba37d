"""What the inbox shows: tabs, order, similar calls, what was decided, and a question before many approvals."""

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

from runs.models import Run, Step, ToolCall
from runs.web.decided_calls import PAGE_LENGTH
from runs.web.inbox import MOST_UNASKED
from runs.web.pending_calls import MOST_SHOWN
from tests.web.conftest import HTMX
from tests.web.waiting_fixtures import Ask, address


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def shown_in(page: str) -> list[str]:
    """The ids of the calls, from top to bottom."""
    return re.findall(r'data-inbox-call="([^"]+)"', page)


def counts_in(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-tab-count="(\w+)">(\d+)<', page))


def expire(call: ToolCall, **span: float) -> None:
    ToolCall.objects.filter(pk=call.pk).update(expires_at=timezone.now() + timedelta(**span))


def make_unknown(call: ToolCall) -> None:
    ToolCall.objects.filter(pk=call.pk).update(state="unknown", started_at=timezone.now())
    Run.objects.filter(pk=call.run_id).update(waiting_for="decision")


def test_a_tab_is_open_where_something_waits_and_the_others_say_how_much(
    owner: User, browser: Client, ask: Ask
) -> None:
    lost = ask(owner)
    make_unknown(lost)
    alone = browser.get("/inbox/").content.decode()
    asked = ask(owner)

    pages = {tab: browser.get(f"/inbox/?tab={tab}").content.decode() for tab in ("", "decide", "unknown", "nonsense")}

    assert (shown_in(alone), counts_in(alone)) == ([str(lost.pk)], {"decide": "0", "unknown": "1"})
    assert {tab: shown_in(page) for tab, page in pages.items()} == {
        "": [str(asked.pk)], "decide": [str(asked.pk)], "unknown": [str(lost.pk)], "nonsense": [str(asked.pk)],
    }  # fmt: skip
    assert counts_in(pages["decide"]) == {"decide": "1", "unknown": "1"}
    assert 'data-waiting-badge="2"' in pages["decide"]


def test_the_nearest_deadline_comes_first_and_then_the_oldest_run(owner: User, browser: Client, ask: Ask) -> None:
    old, young, late, soon = (ask(owner) for _ in range(4))
    beside = ask(owner, run=soon.run, to="eve")
    expire(late, hours=2)
    expire(soon, hours=1)

    page = browser.get("/inbox/").content.decode()

    assert shown_in(page) == [str(call.pk) for call in (soon, beside, late, old, young)]


def test_a_card_says_what_the_deadline_decides_which_call_it_is_and_what_the_model_said(
    owner: User, browser: Client, ask: Ask
) -> None:
    call = ask(owner)
    ask(owner, run=call.run, to="eve")
    expire(call, hours=1)
    Step.objects.filter(run=call.run, sequence=1).update(kind="reasoning", content="Bob waits for his <letter>.")
    kind = browser.get("/inbox/").content.decode()
    Run.objects.filter(pk=call.run_id).update(config=call.run.config | {"on_approval_expiry": "approve"})

    strict = browser.get("/inbox/").content.decode()

    assert "Denied automatically at" in kind and "Approved automatically at" not in kind
    assert "Approved automatically at" in strict and "Denied automatically at" not in strict
    assert "1 of 2 calls of this turn" in kind and "2 of 2 calls of this turn" in kind
    assert "“Bob waits for his &lt;letter&gt;.”" in kind


@pytest.mark.parametrize(
    ("said", "english", "german"),
    [
        ('"Bob waits."', "“Bob waits.”", "„Bob waits.“"),
        ("“Bob waits.”\n", "“Bob waits.”", "„Bob waits.“"),
        ("Bob “waits” here", "“Bob “waits” here”", "„Bob “waits” here“"),
        ("“Bob” waits for “Eve”", "“Bob” waits for “Eve”", "“Bob” waits for “Eve”"),
        ("“What is 2 + 3?” is arithmetic.", "“What is 2 + 3?” is arithmetic.", "“What is 2 + 3?” is arithmetic."),
        ("“", "“", "“"),
    ],
)
def test_words_that_have_quotation_marks_get_no_second_ones(
    owner: User, browser: Client, ask: Ask, said: str, english: str, german: str
) -> None:
    call = ask(owner)
    Step.objects.filter(run=call.run, sequence=1).update(kind="reasoning", content=said)

    pages = [browser.get("/inbox/", headers={"Accept-Language": language}).text for language in ("en", "de")]

    assert f">{english}</p>" in pages[0]
    assert f">{german}</p>" in pages[1]


def test_three_similar_calls_are_one_card_and_a_table_of_what_differs(owner: User, browser: Client, ask: Ask) -> None:
    first = ask(owner, to="bob", copies=1)
    others = [ask(owner, run=first.run, to=name, copies=1) for name in ("eve", "<i>")]
    other_names = ask(owner, run=first.run, to="zoe")

    page = browser.get("/inbox/").content.decode()

    rows = re.findall(r'data-inbox-row="([^"]+)">.*?<td[^>]*>([^<]*)</td>', page, re.DOTALL)
    ids = [str(call.pk) for call in (first, *others)]
    assert rows == list(zip(ids, ["bob", "eve", "&lt;i&gt;"], strict=True))
    assert "2 more like this" in page
    table = page[page.index("<thead>") : page.index("</thead>")]
    assert ">to<" in table and ">copies<" not in table
    assert set(shown_in(page)) == {str(call.pk) for call in (first, *others, other_names)}


def test_two_similar_calls_are_two_cards(owner: User, browser: Client, ask: Ask) -> None:
    first = ask(owner, to="bob")
    ask(owner, run=first.run, to="eve")

    assert "more like this" not in browser.get("/inbox/").content.decode()


def test_a_live_page_is_told_only_the_names_of_the_calls_it_shows(owner: User, browser: Client, ask: Ask) -> None:
    here, new = ask(owner, to="bob"), ask(owner, to="eve")

    part = browser.get(f"/inbox/?tab=decide&known={here.pk},nonsense", headers=HTMX).content.decode()

    assert shown_in(part) == [str(here.pk), str(new.pk)]
    assert f'data-hash="{here.arguments_hash}"' in part
    assert address(here, "approve") not in part and address(new, "approve") in part


def test_the_inbox_asks_the_database_as_often_for_many_calls_as_for_one(owner: User, browser: Client, ask: Ask) -> None:
    ask(owner)
    browser.get("/inbox/")
    with CaptureQueriesContext(connection) as for_one:
        browser.get("/inbox/")
    for _ in range(MOST_SHOWN + 1):
        ask(owner)

    with CaptureQueriesContext(connection) as for_many:
        page = browser.get("/inbox/").content.decode()

    assert len(for_many) == len(for_one)
    assert len(shown_in(page)) == MOST_SHOWN
    assert re.search(r'id="inbox-more">\s*The \d+ with the nearest deadline', page)


def test_the_answer_to_a_decision_in_the_inbox_says_what_is_left_in_the_run(
    owner: User, browser: Client, ask: Ask, send_name: str
) -> None:
    first = ask(owner)
    second = ask(owner, run=first.run, to="eve")

    answers = [
        browser.post(address(call, what), {"arguments_hash": call.arguments_hash, "inbox": "1"}, headers=HTMX)
        for call, what in ((first, "approve"), (second, "deny"))
    ]

    assert f"Approved {send_name}. 1 more call in this run." in answers[0]["HX-Trigger"]
    assert f"Denied {send_name}. The run goes on." in answers[1]["HX-Trigger"]
    assert not any("toast" in answer["HX-Trigger"] for answer in answers)


def test_the_decided_tab_says_who_decided_what_when_and_why(
    owner: User, other: User, browser: Client, ask: Ask, send_name: str
) -> None:
    approved, denied, expired, old, theirs = ask(owner), ask(owner, to="<eve>"), ask(owner), ask(owner), ask(other)
    edit = {"edited": "1", f"call-{approved.pk}-to": "joe", f"call-{approved.pk}-copies": "2"}
    browser.post(address(approved, "approve"), {"arguments_hash": approved.arguments_hash, **edit})
    browser.post(address(denied, "deny"), {"arguments_hash": denied.arguments_hash, "reason": "Not <him>."})
    for call, days in ((expired, 1), (old, 31), (theirs, 1)):
        moment = timezone.now() - timedelta(days=days)
        ToolCall.objects.filter(pk=call.pk).update(state="denied", decided_at=moment)

    page = browser.get("/inbox/?tab=decided").content.decode()

    rows = re.findall(r'<li data-decision="(\w+)">(.*?)</li>', page, re.DOTALL)
    assert [kind for kind, _ in rows] == ["denied", "approved", "denied"]
    assert [re.findall(r"/runs/([^/]+)/", row)[0] for _, row in rows] == [
        str(call.run_id) for call in (denied, approved, expired)
    ]
    assert "“Not &lt;him&gt;.”" in rows[0][1] and "owner" in rows[0][1]
    assert "automatically" in rows[2][1]
    sent = [re.findall(r'<p class="call-args[^>]*>([^<]*)</p>', row) for _, row in rows]
    assert sent == [["&lt;eve&gt;"], ["joe, 2"], ["bob"]]
    assert ["with changed arguments" in row for _, row in rows] == [False, True, False]


def test_the_decided_tab_has_pages_without_a_gap(owner: User, browser: Client, ask: Ask) -> None:
    moment = timezone.now()
    calls = [ask(owner) for _ in range(PAGE_LENGTH + 3)]
    for number, call in enumerate(calls):  # Some at the same moment.
        decided = {"state": "denied", "decided_at": moment - timedelta(seconds=number // 2)}
        ToolCall.objects.filter(pk=call.pk).update(**decided)

    first = browser.get("/inbox/?tab=decided").content.decode()
    link = re.search(r'href="(/inbox/\?tab=decided&amp;before=[^"]+)"', first)
    assert link is not None
    second = browser.get(link[1].replace("&amp;", "&")).content.decode()
    nonsense = browser.get("/inbox/?tab=decided&before=yesterday_soon").content.decode()

    runs = [re.findall(r"#call-([0-9a-f-]+)", page) for page in (first, second, nonsense)]
    assert [len(each) for each in runs] == [PAGE_LENGTH, 3, PAGE_LENGTH]
    assert {*runs[0], *runs[1]} == {str(call.pk) for call in calls}
    assert "before=" not in second


def test_a_call_that_a_person_settled_is_marked_as_done(owner: User, browser: Client, ask: Ask) -> None:
    call = ask(owner)
    make_unknown(call)
    browser.post(address(call, "settle"), {"outcome": "happened"})

    page = browser.get("/inbox/?tab=decided").content.decode()

    assert 'data-decision="happened"' in page and "Marked as done:" in page


def test_an_empty_inbox_is_all_clear_and_names_the_last_decision(
    owner: User, browser: Client, ask: Ask, send_name: str
) -> None:
    new = browser.get("/inbox/").content.decode()
    call = ask(owner)
    browser.post(address(call, "approve"), {"arguments_hash": call.arguments_hash})

    page = browser.get("/inbox/").content.decode()

    assert "All clear." in new and "Approvals and unclear outcomes show up here." in new
    assert re.search(rf"Last decision:\s*<a[^>]*>Approved <code>{send_name}</code>", page)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_many_calls_that_change_things_outside_are_approved_after_a_second_question(
    owner: User, browser: Client, ask: Ask, headers: dict[str, str]
) -> None:
    calls = [ask(owner) for _ in range(MOST_UNASKED + 1)]
    chosen: dict[str, Any] = {"action": "approve", "call": [f"{call.pk}:{call.arguments_hash}" for call in calls]}

    asked = browser.post("/inbox/decide/", chosen, headers=headers)
    states = set(ToolCall.objects.values_list("state", flat=True))
    again = dict(re.findall(r'name="(action|confirmed)" value="(\w+)"', asked.content.decode()))
    named = re.findall(r'name="call" value="([^"]+)"', asked.content.decode())
    browser.post("/inbox/decide/", again | {"call": named}, headers=headers)

    assert asked.status_code == 200
    assert "Approve 6 calls that change things outside?" in asked.content.decode()
    assert asked.headers.get("HX-Retarget") == ("#inbox-confirm" if headers else None)
    assert states == {"awaiting_approval"}
    assert sorted(named) == sorted(chosen["call"])
    assert set(ToolCall.objects.values_list("state", flat=True)) == {"approved"}


def test_many_calls_that_change_nothing_and_denials_are_decided_at_once(owner: User, browser: Client, ask: Ask) -> None:
    calls = [ask(owner) for _ in range(2 * (MOST_UNASKED + 1))]
    ToolCall.objects.filter(pk__in=[call.pk for call in calls[::2]]).update(effect="read")

    for action, some in (("approve", calls[::2]), ("deny", calls[1::2])):
        named = [f"{call.pk}:{call.arguments_hash}" for call in some]
        assert browser.post("/inbox/decide/", {"action": action, "call": named}, headers=HTMX).status_code == 204


def test_what_three_runs_ask_alike_is_one_card_with_a_table_and_each_card_names_its_run(
    owner: User, browser: Client, ask: Ask, make_run: Callable[..., Run]
) -> None:
    calls = [
        ask(owner, run=make_run(owner, task=f"Write to {name}", status="waiting", waiting_for="approval"), to=name)
        for name in ("bob", "eve", "joe")
    ]
    alone = ask(owner, run=calls[1].run, to="eve", copies=2)

    page = browser.get("/inbox/").content.decode()
    live = browser.get(f"/inbox/?known={calls[0].pk}", headers=HTMX).content.decode()

    assert re.findall(r'data-inbox-call="([^"]+)"', page) == [str(call.pk) for call in (*calls, alone)]
    assert "3 runs ask for" in page and "2 more like this" in page
    assert [page.count(f'id="of-{call.pk}"') for call in (*calls, alone)] == [1, 1, 1, 0]
    assert re.findall(r'<td class="mono"[^>]*>(\w+)</td>', page) == ["bob", "eve", "joe"]
    assert "runs ask for" not in live
