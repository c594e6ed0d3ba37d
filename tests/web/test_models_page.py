"""The models page: the models, whether their keys are set, and test calls."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from runs.agent.budget import pricing
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog import announced_model_server as discovery
from runs.agent.providers.model_catalog import connection_test as probe
from runs.agent.providers.model_catalog import retirements
from runs.agent.providers.model_catalog.catalog import sources
from runs.agent.providers.model_catalog.endpoints import parse_endpoints
from runs.agent.providers.model_catalog.model_entries import ListedModel
from runs.agent.providers.model_catalog.model_list import LISTS
from runs.models import Agent, Run, Step
from runs.web import model_tests
from tests.markup import flat
from tests.web.conftest import HTMX
from tests.wire import Answer, Hang, Status, WireServer

BrowserOf = Callable[[User | None], Client]


@pytest.fixture(autouse=True)
def _no_list_is_known_before() -> Iterator[None]:
    LISTS.forget()
    yield
    LISTS.forget()


@pytest.fixture
def _own_servers(wire_server: WireServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [
        {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]},
        {
            "name": "claude",
            "kind": "anthropic",
            "base_url": wire_server.base_url,
            "models": ["m2"],
            "key_env": "MY_KEY",
        },
    ]
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps(own))
    settings.AGENTSITE_ENDPOINTS = parse_endpoints(json.dumps(own))


def page_of(browser: Client) -> str:
    return flat(browser.get("/models/").content.decode())


@pytest.mark.usefixtures("_own_servers")
def test_every_model_is_shown_with_its_key_and_the_agents_that_use_it(
    staff: User, browser_of: BrowserOf, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret")
    Agent.objects.create(name="Researcher", model_names=["google:gemini-3.8-flash", "local/m1"])

    page = page_of(browser_of(staff))

    for shown in ("offline", "local/m1", "claude/m2", "anthropic:claude-", "google:gemini-3.8-flash", "Researcher"):
        assert shown in page
    assert "GOOGLE_API_KEY or GEMINI_API_KEY" in page  # missing, and an agent uses the model
    assert "MY_KEY" in page
    assert "OPENAI_API_KEY" in page  # would add models
    assert "very-secret" not in page


@pytest.mark.usefixtures("_own_servers")
def test_a_test_shows_whether_the_tool_was_called_how_soon_the_model_answered_and_what_it_took(
    wire_server: WireServer, staff: User, browser_of: BrowserOf
) -> None:
    wire_server.script(Answer(calls=[("calculator", {"expression": "17*23"})], usage=(600, 17)))
    wire_server.script(Answer("391", usage=(600, 17)))
    browser = browser_of(staff)

    shown = browser.post("/models/test/", {"model": "local/m1"}, headers=HTMX).content.decode()

    for part in ("Answered", "called the tool", "first word", "1,234 tokens", "cost not known"):
        assert part in shown
    assert "Answered" in page_of(browser)
    assert len(wire_server.requests) == 2


@pytest.mark.usefixtures("_own_servers")
def test_a_model_whose_server_takes_no_tools_fails_its_test(
    wire_server: WireServer, staff: User, browser_of: BrowserOf
) -> None:
    wire_server.script(Status(400, message="m1 does not support tools"))

    shown = browser_of(staff).post("/models/test/", {"model": "local/m1"}, headers=HTMX).content.decode()

    assert "does not support tools" in shown
    assert "Answered" not in shown


@pytest.mark.usefixtures("_own_servers")
def test_what_a_server_says_of_its_models_is_shown_and_so_is_a_list_that_cannot_be_read(
    staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "a-key")
    local, claude = sources()
    can = Capabilities(context_tokens=8192, tools=False)
    LISTS.note(
        local.account, {"<b>m3</b>": ListedModel(name="<b>m3</b>"), "m1": ListedModel(name="m1", capabilities=can)}
    )
    LISTS.note_fault(claude.account, "the server answered 401")

    page = page_of(browser_of(staff))

    for shown in (">8,192", "no tools", "lists 2 models", "the server answered 401"):
        assert shown in page
    assert "local/&lt;b&gt;m3&lt;/b&gt;" in page


@pytest.mark.usefixtures("_own_servers")
def test_own_servers_are_looked_up_as_often_for_a_hundred_models_as_for_one(
    staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    Agent.objects.create(name="Researcher", model_names=["local/m1", "local/gone", "claude/m2", "nowhere/m1"])
    browser = browser_of(staff)
    parse = Mock(wraps=parse_endpoints)
    monkeypatch.setattr(discovery, "parse_endpoints", parse)
    counts = []

    for number in (1, 100):
        LISTS.note(sources()[0].account, {f"n{each}": ListedModel(name=f"n{each}") for each in range(number)})
        parse.reset_mock()
        assert f"local/n{number - 1}" in page_of(browser)
        counts.append(parse.call_count)

    assert counts == [2, 2]  # the setting, and what the local server reports


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("openai:gpt-5-mini", "2026-12-11"),
        ("openai:o1", "Retired on 2026-10-23"),
        ("google:gemini-2.5-pro", "2026-12-01"),
    ],
)
def test_a_model_that_an_agent_uses_and_that_ends_says_when(
    staff: User, browser_of: BrowserOf, model: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retirements, "today", lambda: date(2026, 11, 28))
    Agent.objects.create(name="Old", model_names=[model])

    assert words in page_of(browser_of(staff))


@pytest.mark.usefixtures("_own_servers")
def test_a_model_that_fails_shows_its_classified_error_with_a_badge(
    wire_server: WireServer, staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-wrong-key-0123456789")
    wire_server.script(Status(401, message="invalid x-api-key: sk-wrong-key-0123456789 <script>"))

    shown = browser_of(staff).post("/models/test/", {"model": "claude/m2"}, headers=HTMX).content.decode()

    assert 'data-severity="critical"' in shown
    assert "claude answered 401" in shown
    assert "Check the key of claude" in shown
    assert "sk-wrong-key" not in shown
    assert "<script>" not in shown


@pytest.mark.usefixtures("_own_servers")
def test_a_model_that_hangs_is_left_after_a_short_wait(
    wire_server: WireServer, staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "TIMEOUT_S", 0.3)
    wire_server.script(Hang(after_chunks=1))

    shown = browser_of(staff).post("/models/test/", {"model": "local/m1"}, headers=HTMX).content.decode()

    assert 'data-severity="warning"' in shown
    wire_server.wait_for_client_to_leave()


@pytest.mark.usefixtures("_own_servers")
def test_without_javascript_a_test_leads_back_to_the_page_which_shows_it(
    wire_server: WireServer, staff: User, browser_of: BrowserOf
) -> None:
    wire_server.script(Status(503))

    response = browser_of(staff).post("/models/test/", {"model": "local/m1"}, follow=True)

    assert response.redirect_chain == [("/models/", 302)]
    assert "local answered 503" in response.content.decode()


@pytest.mark.usefixtures("_own_servers")
@pytest.mark.parametrize("model", ["", "offline", "elsewhere/m1", "claude/m2", "openai:gpt-6-luna"])
def test_only_a_listed_model_with_its_key_can_be_tested(
    wire_server: WireServer, staff: User, browser_of: BrowserOf, model: str
) -> None:
    assert browser_of(staff).post("/models/test/", {"model": model}).status_code == 404
    assert not wire_server.requests


def test_only_staff_find_the_page_in_the_navigation(owner: User, staff: User, browser_of: BrowserOf) -> None:
    assert "/models/" in browser_of(staff).get("/").content.decode()
    assert "/models/" not in browser_of(owner).get("/").content.decode()


def test_a_model_name_an_agent_kept_that_nobody_serves_says_so(staff: User, browser_of: BrowserOf) -> None:
    Agent.objects.create(name="Old", model_names=["gone/m1"])

    page = page_of(browser_of(staff))

    assert "Unknown model" in page
    assert 'aria-label="Test gone/m1"' not in page


def progress_of(browser: Client, done: int) -> str:
    return browser.get(f"/models/progress/?done={done}", headers=HTMX).content.decode()


@pytest.fixture
def finished_rounds(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads of the rounds that pages start."""
    threads: list[threading.Thread] = []
    start = model_tests.start_round

    def note(*args: Any) -> None:
        if (thread := start(*args)) is not None:
            threads.append(thread)

    monkeypatch.setattr(model_tests, "start_round", note)
    return threads


@pytest.mark.usefixtures("_own_servers")
def test_all_models_are_tested_at_once_and_the_page_gets_the_results_it_has_not_seen(
    wire_server: WireServer,
    staff: User,
    browser_of: BrowserOf,
    monkeypatch: pytest.MonkeyPatch,
    finished_rounds: list[threading.Thread],
) -> None:
    monkeypatch.setenv("MY_KEY", "a-key")
    wire_server.script(Answer("391", usage=(6, 3)))
    wire_server.script(Answer("391", usage=(6, 3)))
    browser = browser_of(staff)

    going = browser.post("/models/test-all/", headers=HTMX).content.decode()
    for each in finished_rounds:
        each.join()
    both, second = progress_of(browser, 0), progress_of(browser, 1)

    assert "of 2 models tested" in going and 'hx-trigger="every' in going
    assert "2 models tested." in both and "hx-trigger" not in both
    assert (both.count("Answered"), second.count("Answered")) == (2, 1)
    assert page_of(browser).count("Answered") == 2


@pytest.mark.usefixtures("_own_servers")
def test_without_javascript_the_page_shows_how_far_the_test_of_all_is_and_loads_itself_again(
    staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch, finished_rounds: list[threading.Thread]
) -> None:
    gate, browser = threading.Event(), browser_of(staff)

    async def wait_at_the_gate(_name: str, _model: Any) -> None:
        await asyncio.to_thread(gate.wait)

    monkeypatch.setattr(model_tests, "_test", wait_at_the_gate)

    during = flat(browser.post("/models/test-all/", follow=True).content.decode())
    browser.post("/models/test-all/")
    gate.set()
    for each in finished_rounds:
        each.join()

    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in during
    assert "0 of 1 models tested" in during
    assert len(finished_rounds) == 1, "no second round while one goes on"
    assert 'http-equiv="refresh"' not in page_of(browser)


async def test_a_round_asks_few_models_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0

    async def probe_one(name: str, _model: Any) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1

    monkeypatch.setattr(model_tests, "_test", probe_one)
    await model_tests._test_all({f"m{number}": Mock() for number in range(20)})

    assert most == model_tests.AT_ONCE
    assert len(cache.get("model-tests:round")[1]) == 20


@pytest.mark.usefixtures("_own_servers")
def test_a_long_list_is_folded_and_searched(staff: User, browser_of: BrowserOf) -> None:
    LISTS.note(sources()[0].account, {f"n{number}": ListedModel(name=f"n{number}") for number in range(250)})
    browser = browser_of(staff)

    page = page_of(browser)
    found = flat(browser.get("/models/?q=N24").content.decode())
    nothing = browser.get("/models/?q=none-such").content.decode()

    assert "190 more models" in page and "51 further models: find them by name" in page
    assert page.count('class="model-test"') <= 205
    assert found.count('class="model-test"') == 11 and "local/n249" in found
    assert "No model matches" in nothing


def test_an_address_is_shown_without_what_is_secret_in_it(
    settings: Any, staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [{"name": "gate", "base_url": "http://user:s3cret@127.0.0.1:9/v1?key=s3cret", "models": ["m1"]}]
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps(own))

    page = page_of(browser_of(staff))

    assert "http://127.0.0.1:9/v1" in page
    assert "s3cret" not in page


@pytest.mark.usefixtures("_own_servers")
def test_a_model_says_when_it_was_last_used_and_why_it_failed(
    staff: User, owner: User, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    run = make_run(owner, steps=2)
    now = timezone.now()
    about = {"run": run, "epoch": 1, "provider": "local", "model": "m1", "ended_at": now}
    Step.objects.create(sequence=3, kind="retry", metadata={"code": "model_rate_limited"}, **about)
    Step.objects.create(sequence=4, kind="answer", content="391", **about)

    page = page_of(browser_of(staff))

    assert f'<a class="small model-failed" href="/runs/{run.pk}/">Rate limited' in page
    assert page.count("data-ago") == 2


@pytest.mark.parametrize(
    ("model", "price", "window"),
    [("google:gemini-3.8-flash", "0.75 · 3.75", "1,000,000"), ("openai:gpt-6-astra", "10 · 50", "1,050,000")],
)
def test_a_hosted_model_has_its_price_and_context(
    staff: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch, model: str, price: str, window: str
) -> None:
    monkeypatch.setattr(pricing, "datetime", Mock(wraps=datetime, now=lambda _zone: datetime(2026, 11, 29, tzinfo=UTC)))
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    Agent.objects.create(name="Priced", model_names=[model])

    page = page_of(browser_of(staff))

    assert price in page and window in page
