"""The list of tools, the page of one, and the form that tries it."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools import registry
from runs.agent.tools.registry import registered_tools, tool
from runs.models import Agent, Run, ToolCall
from runs.web import tool_trial, tool_use
from tests.markup import flat
from tests.web.agent_fixtures import person_with
from tests.web.conftest import HTMX

BrowserOf = Callable[[User | None], Client]
MakeRun = Callable[..., Run]


@pytest.fixture(autouse=True)
def _own_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools of this module, which other tests do not see."""
    monkeypatch.setitem(registry._layers, "own", {})
    make_tools()


SENT: list[str] = []


def make_tools() -> None:
    """One that changes things, one that shows what it gets, one that is not set up, one that waits."""

    @tool(effect="unsafe")
    def send_letter(to: str) -> str:
        """Send a letter.

        Args:
            to: Who gets it.
        """
        SENT.append(to)
        return f"sent to {to}"

    @tool(effect="pure", approval="always")
    def echo(value: Any, note: str = "none") -> Any:
        """Give back the value."""
        return value

    @tool(effect="read", is_offered=lambda: False)
    def far_away() -> str:
        """Reach a service that is not configured."""
        return ""

    @tool(effect="pure", makes_calls=True)
    def ask_others() -> str:
        """Call other tools."""
        return ""

    @tool(effect="read", timeout_s=0.2)
    async def wait_long() -> None:
        """Wait."""
        await asyncio.sleep(60)

    @tool(effect="read", timeout_s=0.1)
    async def stop_the_loop() -> None:
        """Compute for long, as a coroutine must not."""
        RELEASED.wait(20)

    @tool(effect="read")
    def refuse() -> None:
        """Refuse."""
        raise ToolFailed("Not <b>today</b>\u202e\x1b[31m.")


RELEASED = threading.Event()


def call_of(
    run: Run, name: str, *, state: str = "succeeded", took_ms: int = 100, days: float = 0, index: int = 0
) -> None:
    """A call of the run that has ended."""
    at = timezone.now() - timedelta(days=days)
    ToolCall.objects.create(
        call_id=uuid4(), run=run, turn=1, index=index, tool_name=name, arguments={"expression": "17 * 23"},
        arguments_hash="0" * 64, state=state, epoch=1, started_at=at - timedelta(milliseconds=took_ms), ended_at=at,
    )  # fmt: skip


def page_of(client: Client, address: str) -> str:
    """The page on one line."""
    response = client.get(address)
    assert response.status_code == 200
    return flat(response.content.decode())


def rows_by_name(client: Client, address: str = "/tools/") -> dict[str, Any]:
    """The rows of the list by the name of their tool."""
    sections = client.get(address).context["sections"]
    return {row.name: row for section in sections for row in section.rows}


@pytest.fixture
def editor(db: None) -> User:
    """A person who may change agents, and so try their tools."""
    return person_with("editor", "change_agent")


def test_every_registered_tool_is_listed_by_its_source_with_what_it_does(owner: User, browser_of: BrowserOf) -> None:
    client = browser_of(owner)

    page, rows = page_of(client, "/tools/"), rows_by_name(client)

    assert list(rows) == list(registered_tools())
    assert (rows["calculator"].source, rows["echo"].source) == ("", __name__)
    assert [section.source for section in client.get("/tools/").context["sections"]] == ["", __name__]
    assert (rows["echo"].asks, rows["calculator"].asks) == ("Always asks", "As its agent says")
    assert (rows["far_away"].is_offered, rows["read_file"].needs_files) == (False, True)
    for shown in ("Not set up", "With files", "Changes things outside", "Send a letter.", "additionalProperties"):
        assert shown in page


def test_the_search_finds_tools_by_name_and_description(owner: User, browser_of: BrowserOf) -> None:
    client = browser_of(owner)

    assert list(rows_by_name(client, "/tools/?q=SEND+a+letter")) == ["send_letter"]
    assert "No tool matches" in page_of(client, "/tools/?q=zebra%00")


def test_the_figures_are_of_the_calls_of_the_last_30_days_that_have_ended(
    staff: User, owner: User, make_run: MakeRun, browser_of: BrowserOf
) -> None:
    run = make_run(owner)
    for index, (state, took_ms, days) in enumerate(
        [("succeeded", 100, 0), ("succeeded", 200, 1), ("failed", 900, 2), ("unknown", 300, 3), ("succeeded", 9, 31)]
    ):
        call_of(run, "calculator", state=state, took_ms=took_ms, days=days, index=index)
    call_of(run, "calculator", state="denied", index=8)

    use = rows_by_name(browser_of(staff))["calculator"].use

    assert (use.calls, use.succeeded, use.failed, use.unknown) == (4, 2, 1, 1)
    assert use.success == "50 %"
    assert use.p50_s == pytest.approx(0.25, abs=0.002)
    assert 0.7 < use.p95_s < 0.9


def test_a_person_sees_the_calls_of_their_own_runs_only(
    owner: User, other: User, staff: User, make_run: MakeRun, browser_of: BrowserOf
) -> None:
    call_of(make_run(owner, task="A task of the owner"), "calculator", took_ms=50)

    for person, calls in ((owner, 1), (other, 0), (staff, 1)):
        client = browser_of(person)
        assert rows_by_name(client)["calculator"].use.calls == calls
        assert ("A task of the owner" in page_of(client, "/tools/calculator/")) == bool(calls)


def test_only_so_many_runs_of_a_person_are_counted_and_the_page_says_so(
    owner: User, make_run: MakeRun, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_use, "NEWEST_RUNS", 2)
    monkeypatch.setattr("runs.web.tools_page.NEWEST_RUNS", 2)
    for minutes in range(3):
        run = make_run(owner, created_at=timezone.now() - timedelta(minutes=minutes))
        call_of(run, "calculator")

    client = browser_of(owner)

    assert rows_by_name(client)["calculator"].use.calls == 2
    assert "the calls of your latest 2 runs" in page_of(client, "/tools/")


def test_the_list_takes_the_same_few_queries_for_any_number_of_tools_and_calls(
    staff: User, make_run: MakeRun, browser_of: BrowserOf, django_assert_max_num_queries: Any
) -> None:
    client = browser_of(staff)
    for index, name in enumerate(list(registered_tools()) * 3):
        call_of(make_run(staff), name, index=index)

    with django_assert_max_num_queries(8):
        assert client.get("/tools/").status_code == 200


def test_the_page_of_a_tool_has_its_arguments_its_agents_and_its_last_calls(
    owner: User, make_run: MakeRun, browser_of: BrowserOf, agent: Agent
) -> None:
    Agent.objects.create(name="Postman", tools=["send_letter"], tool_approvals={"send_letter": "never"})
    Agent.objects.create(name="Without", tools=["calculator"])
    call_of(make_run(owner, task="Write to Ada"), "send_letter", state="failed", took_ms=1500)

    page = page_of(browser_of(owner), "/tools/send_letter/")

    for shown in ("Who gets it.", "required", "text", "Postman", "Runs at once", "Write to Ada", "1.5 s", "17 * 23"):
        assert shown in page
    assert "Without</a>" not in page
    assert f">{agent.name}</a>" in page


def test_a_tool_that_is_not_there_is_404(owner: User, browser_of: BrowserOf) -> None:
    assert browser_of(owner).get("/tools/nobody/").status_code == 404
    assert browser_of(person_with("editor", "change_agent")).post("/tools/nobody/try/").status_code == 404


@pytest.mark.parametrize("permission", ["view_agent", "launch_run", "decide_run"])
@pytest.mark.usefixtures("db")
def test_who_may_not_change_agents_calls_no_tool_past_their_rules(browser_of: BrowserOf, permission: str) -> None:
    person = browser_of(person_with("reader", "view_agent", permission))

    assert "Try it" not in page_of(person, "/tools/calculator/")
    assert person.post("/tools/calculator/try/", {"trial-expression": "1"}).status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_trial_calls_the_tool_once_and_is_no_run(
    editor: User, browser_of: BrowserOf, headers: dict[str, str]
) -> None:
    response = browser_of(editor).post("/tools/calculator/try/", {"trial-expression": "17 * 23"}, headers=headers)

    page = flat(response.content.decode())
    assert response.status_code == 200
    assert 'data-trial="succeeded"' in page
    assert "391</pre>" in page
    assert ("<html" in page) != bool(headers)
    assert not Run.objects.exists()
    assert not ToolCall.objects.exists()


@pytest.mark.parametrize(
    ("name", "sent", "told"),
    [
        ("echo", {}, "required"),
        ("echo", {"trial-value": "{"}, "JSON"),
        ("send_letter", {"trial-to": "Ada"}, "Confirm"),
        ("read_file", {}, "the files of its run"),
        ("ask_others", {}, "the other tools of its run"),
        ("far_away", {}, "not set up"),
    ],
)
def test_what_cannot_be_called_is_answered_with_the_reason(
    editor: User, browser_of: BrowserOf, name: str, sent: dict[str, str], told: str
) -> None:
    SENT.clear()

    response = browser_of(editor).post(f"/tools/{name}/try/", sent)

    assert response.status_code == 422
    assert told.lower() in response.content.decode().lower()
    assert not SENT


def test_an_unsafe_tool_is_called_once_the_person_is_sure(editor: User, browser_of: BrowserOf) -> None:
    SENT.clear()

    response = browser_of(editor).post("/tools/send_letter/try/", {"trial-to": "Ada", "sure": "on"})

    assert response.status_code == 200
    assert SENT == ["Ada"]


def test_an_error_of_the_tool_is_shown_as_text(editor: User, browser_of: BrowserOf) -> None:
    page = browser_of(editor).post("/tools/refuse/try/").content.decode()

    assert 'data-trial="failed"' in page
    assert "Not &lt;b&gt;today&lt;/b&gt;⟨U+202E⟩␛[31m." in page


def test_a_trial_ends_at_the_tools_limit(editor: User, browser_of: BrowserOf) -> None:
    page = browser_of(editor).post("/tools/wait_long/try/").content.decode()

    assert 'data-trial="failed"' in page
    assert "timed out" in page


def test_a_tool_that_stops_its_event_loop_does_not_hold_the_page(
    editor: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_trial, "GRACE_S", 0.2)
    RELEASED.clear()
    started = time.monotonic()
    try:
        client = browser_of(editor)
        page = client.post("/tools/stop_the_loop/try/").content.decode()
        again = client.post("/tools/stop_the_loop/try/")
    finally:
        RELEASED.set()

    assert "cannot be stopped" in page
    assert again.status_code == 422  # while that thread works
    assert "has not ended" in again.content.decode()
    assert time.monotonic() - started < 10


def test_one_person_has_one_trial_at_a_time(editor: User, browser_of: BrowserOf) -> None:
    cache.set(f"tool-trial:{editor.pk}", "another", 60)

    sent = {"trial-expression": "1 + 1"}

    assert browser_of(editor).post("/tools/calculator/try/", sent).status_code == 422
    assert browser_of(person_with("another", "change_agent")).post("/tools/calculator/try/", sent).status_code == 200


def test_a_secret_in_an_output_is_hidden(editor: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "tulip-tulip-tulip")

    page = browser_of(editor).post("/tools/echo/try/", {"trial-value": '["tulip-tulip-tulip"]'}).content.decode()

    assert "[&quot;[hidden]&quot;]</pre>" in page


def test_a_long_output_is_cut_and_says_so(editor: User, browser_of: BrowserOf) -> None:
    long = '"' + "x" * 100_000 + '"'

    page = browser_of(editor).post("/tools/echo/try/", {"trial-value": long}).content.decode()

    assert "The first 32,000 of 100,000 characters are shown." in page
    assert len(page) < 300_000
