"""Model settings and time limits in the launch form and on a run's page."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from runs.agent.all_settings import LAUNCHED
from runs.live.rendering import fragments
from runs.models import Agent, Run
from tests.markup import flat
from tests.web.conftest import HTMX

TYPED = {
    "reasoning_effort": "xhigh",
    "temperature": "0",
    "top_p": "0.95",
    "max_output_tokens": "4000",
    "extra": '{"top_k": 40, "chat_template_kwargs": {"enable_thinking": false}}',
    "tool_timeout_s": "2.5",
    "model_timeout_s": "3600",
    "first_token_timeout_s": "0.1",
    "idle_timeout_s": "90",
}
MEANT = {
    "reasoning_effort": "xhigh",
    "temperature": 0,
    "top_p": 0.95,
    "max_output_tokens": 4000,
    "extra": {"top_k": 40, "chat_template_kwargs": {"enable_thinking": False}},
    "tool_timeout_s": 2.5,
    "model_timeout_s": 3600,
    "first_token_timeout_s": 0.1,
    "idle_timeout_s": 90,
}


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser. The owner is not staff."""
    return browser_of(owner)


def value_of(page: str, name: str) -> str:
    """The value of a field in the form."""
    if area := re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n([^<]*)</textarea>', page):
        return unescape(area.group(1))
    if chosen := re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL):
        selected = re.search(r'<option value="([^"]*)" selected>', chosen.group())
        return selected.group(1) if selected else ""
    return unescape(re.search(rf'<input[^>]*name="{name}"[^>]*>', page).group().split('value="')[1].split('"')[0])


def is_open(page: str, summary: str) -> bool:
    """True if the collapsible part is open."""
    part = re.search(rf"<details([^>]*)>\s*<summary>(?:<svg(?:(?!</svg>).)*</svg>)?\s*{summary}", page, re.DOTALL)
    return "open" in part.group(1)


def test_every_setting_a_launch_may_choose_is_in_the_form_in_the_api_and_in_the_admin(
    browser: Client, agent: Agent, browser_of: Callable[[User | None], Client], staff: User
) -> None:
    page = browser.get("/runs/new/").content.decode()
    described = browser.get("/api/v1/openapi.json").json()["components"]["schemas"]
    admin = browser_of(staff).get(f"/admin/runs/agent/{agent.pk}/change/").content.decode()

    for setting in LAUNCHED:
        assert f'name="{setting.public}"' in page
        assert described["Overrides"]["properties"][setting.public]["description"] == setting.description
        assert described["AgentOut"]["properties"][setting.public]["description"].startswith(setting.description)
        assert f'name="{setting.agent_column}"' in admin


def test_what_is_typed_replaces_the_agents_own(browser: Client) -> None:
    browser.post("/runs/", {"task": "half of 90", **TYPED})

    config = Run.objects.get().config
    assert {name: config[name] for name in MEANT} == MEANT


def test_what_is_left_empty_is_as_the_agent_says(browser: Client, agent: Agent) -> None:
    agent.temperature, agent.extra_settings, agent.idle_timeout_s = 0.5, {"seed": 1}, 70
    agent.save()

    browser.post("/runs/", {"task": "half of 90", **dict.fromkeys(TYPED, "")})

    assert Run.objects.get().config == agent.snapshot()


def test_an_empty_object_takes_away_what_the_agent_adds_to_requests(browser: Client, agent: Agent) -> None:
    agent.extra_settings = {"seed": 1}
    agent.save()
    browser.post("/runs/", {"task": "half of 90", "extra": "{}"})
    run = Run.objects.get()

    copy = browser.get(f"/runs/new/?from={run.pk}").content.decode()

    assert run.config["extra"] == {}
    assert value_of(copy, "extra") == "{}"


@pytest.mark.parametrize(
    ("name", "typed", "complaint"),
    [
        ("temperature", "2.1", "It must be a number from 0 to 2, not 2.1."),
        ("temperature", "3", "It must be a number from 0 to 2, not 3."),
        ("temperature", "0,7", "Type a number with a point, such as 0.7."),
        ("temperature", "warm", "Type a number with a point, such as 0.7."),
        ("temperature", "NaN", "Type a number with a point, such as 0.7."),
        ("temperature", "1e999", "Type a number with a point, such as 0.7."),
        ("temperature", "-0.5", "It must be a number from 0 to 2, not -0.5."),
        ("top_p", "0", "It must be a number above 0 and at most 1, not 0."),
        ("top_p", "95", "It must be a number above 0 and at most 1, not 95."),
        ("top_p", "inf", "Type a number with a point, such as 0.7."),
        ("max_output_tokens", "0", "It must be a whole number from 1 to 1,000,000,000, not 0."),
        ("max_output_tokens", "4,000", "Type a whole number of tokens."),
        ("max_output_tokens", "1.5", "Type a whole number of tokens."),
        ("max_output_tokens", "9" * 40, "It must be a whole number from 1 to 1,000,000,000, not 9999"),
        ("reasoning_effort", "huge", "Choose one of the efforts on the list."),
        ("extra", "{", 'Type a JSON object, such as {"top_k": 40}.'),
        ("extra", "top_k: 40", 'Type a JSON object, such as {"top_k": 40}.'),
        ("extra", "[" * 100_000, 'Type a JSON object, such as {"top_k": 40}.'),
        ("extra", '{"seed": ' + "9" * 5000 + "}", 'Type a JSON object, such as {"top_k": 40}.'),
        ("extra", "[40]", 'It must be a JSON object, such as {"top_k": 40}.'),
        ("extra", "[]", 'It must be a JSON object, such as {"top_k": 40}.'),
        ("extra", '"stream"', 'It must be a JSON object, such as {"top_k": 40}.'),
        ("extra", '{"a": NaN}', "It must contain finite numbers only (in 'a')."),
        ("extra", '{"a": 1e999}', "It must contain finite numbers only (in 'a')."),
        ("extra", '{"a": "\\ud800"}', "It must contain no NUL character and no lone surrogate (in 'a')."),
        ("extra", '{"max_tokens": 9}', "It must not have 'max_tokens': set max_output_tokens instead."),
        ("extra", '{"options": {"num_predict": 9}}', "It must not have 'options.num_predict'"),
        ("extra", json.dumps({"a": "x" * 20_000}), "It must be at most 16 KiB of JSON, not 19.5 KiB."),
        ("tool_timeout_s", "0.01", "It must be a number of seconds from 0.1 to 3,600, not 0.01."),
        ("model_timeout_s", "3601", "It must be a number of seconds from 0.1 to 3,600, not 3601."),
        ("first_token_timeout_s", "2,5", "Type a number of seconds, such as 90 or 2.5."),
        ("idle_timeout_s", "nan", "Type a number of seconds, such as 90 or 2.5."),
        ("idle_timeout_s", "1e999", "Type a number of seconds, such as 90 or 2.5."),
    ],
)
def test_a_mistake_is_named_beside_its_field_in_an_open_part_and_nothing_is_launched(
    browser: Client, name: str, typed: str, complaint: str
) -> None:
    response = browser.post("/runs/", {"task": "half of 90", name: typed}, headers=HTMX)

    page = unescape(response.content.decode())
    assert response.status_code == 422
    assert complaint in page
    assert page.count('aria-invalid="true"') == 1
    assert f"id_{name}_error" in page
    assert is_open(page, "Options")
    assert not Run.objects.exists()


def test_the_options_are_folded_until_something_is_set_in_them(browser: Client, agent: Agent) -> None:
    agent.temperature = 0.5
    agent.save()

    page = browser.get("/runs/new/").content.decode()

    assert not is_open(page, "Options")
    assert all(value_of(page, name) == "" for name in TYPED)


def test_a_copy_of_a_run_is_filled_in_with_its_settings_and_launches_the_same(browser: Client) -> None:
    browser.post("/runs/", {"task": "half of 90", **TYPED})
    run = Run.objects.get()

    page = browser.get(f"/runs/new/?from={run.pk}").content.decode()
    shown = {name: value_of(page, name) for name in MEANT}
    browser.post("/runs/", {"task": run.task, "from": str(run.pk), **shown})

    assert {name: json.loads(text) if name != "reasoning_effort" else text for name, text in shown.items()} == MEANT
    assert is_open(page, "Options")
    copy = Run.objects.exclude(pk=run.pk).get()
    assert {name: copy.config[name] for name in MEANT} == MEANT


@pytest.mark.parametrize("language", ["de", "fr", "pl"])
def test_numbers_in_fields_are_for_browsers_in_every_language(browser: Client, settings: Any, language: str) -> None:
    settings.LANGUAGE_CODE = language
    with translation.override(language):
        browser.post("/runs/", {"task": "half of 90", **TYPED})
        run = Run.objects.get()
        page = browser.get(f"/runs/new/?from={run.pk}").content.decode()

    assert [value_of(page, name) for name in ("temperature", "top_p", "tool_timeout_s")] == ["0.0", "0.95", "2.5"]
    assert 'min="0.1"' in page and "0,1" not in page


def test_the_page_of_a_run_tells_its_limit_of_tool_calls(browser: Client) -> None:
    browser.post("/runs/", {"task": "half of 90", "max_calls": "1000"})

    page = flat(browser.get(f"{Run.objects.get().get_absolute_url()}?view=settings").content.decode())

    assert re.search('<th scope="row">Max tool calls</th> ?<td[^>]*>1,000</td>', page)


def test_a_limit_of_the_reply_is_doubled_when_an_error_offers_it(
    browser: Client, owner: User, make_run: Callable[..., Run], agent: Agent
) -> None:
    run = make_run(owner, status="failed", config=agent.snapshot() | {"max_output_tokens": 500})

    page = browser.get(f"/runs/new/?from={run.pk}&change=max_output_tokens").content.decode()

    assert value_of(page, "max_output_tokens") == "1000"
    assert "Was 500" in page and is_open(page, "Options")


def test_a_run_from_before_there_were_settings_can_be_copied_and_looked_at(
    browser: Client, owner: User, make_run: Callable[..., Run], agent: Agent
) -> None:
    old = {name: value for name, value in agent.snapshot().items() if name not in MEANT}
    run = make_run(owner, config=old)

    page = browser.get(f"/runs/new/?from={run.pk}").content.decode()

    assert all(value_of(page, name) == "" for name in MEANT)
    assert browser.get(f"/runs/{run.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("had", "may_today", "has"),
    [
        (None, ["calculator"], ["calculator"]),
        ([], None, []),
        (["calculator", "date_math"], ["date_math"], ["date_math"]),
        ([], ["calculator"], []),
    ],
)
def test_a_copy_may_call_what_the_run_could_and_its_agent_may_today(
    browser: Client,
    owner: User,
    make_run: Callable[..., Run],
    agent: Agent,
    had: list[str] | None,
    may_today: list[str] | None,
    has: list[str] | None,
) -> None:
    run = make_run(owner, config=agent.snapshot() | {"tools": had})
    agent.tools = may_today
    agent.save()

    browser.post("/runs/", {"task": "half of 90", "agent": agent.name, "from": str(run.pk)})

    assert Run.objects.get(rerun_of=run).config["tools"] == has


def test_a_runs_page_tells_what_it_was_launched_with(browser: Client, owner: User) -> None:
    browser.post(
        "/runs/",
        {"task": "half of 90", "max_tokens": "5000", **TYPED, "extra": '{"stop": ["</dl><script>", "\\u202e"]}'},
    )
    run = Run.objects.get()
    Run.objects.update(config=run.config | {"tools": []})

    page = flat(browser.get(f"/runs/{run.pk}/?view=settings").content.decode())

    part = re.search(r"<section[^>]*data-run-settings>(.*)</section>", page, re.DOTALL).group(1)
    facts = dict(re.findall(r'<th scope="row">([^<]*)</th> ?<td[^>]*>([^<]*)</td>', part))
    assert unescape(facts["Further settings"]) == '{"stop": ["</dl><script>", "⟨U+202E⟩"]}'
    assert "No tools" in part
    assert (
        facts.items()
        >= {
            "Max turns": "20",
            "Max time": "10 min",
            "Max tokens": "5,000",
            "Reasoning effort": "Extra high",
            "Temperature": "0",
            "Top p": "0.95",
            "Largest reply": "4,000 tokens",
            "First word within": "100 ms",
            "Next word within": "1 min 30 s",
            "A reply within": "1 h",
            "A tool call within": "2.5 s",
        }.items()
    )


def test_tokens_that_were_counted_here_are_about_as_many_wherever_they_are_shown(
    browser: Client, owner: User, staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, tokens_used=12345, usage_is_estimated=True)
    known = make_run(owner, tokens_used=777)

    assert fragments.run_totals(run)["tokens"] == "≈12,345"
    assert "<dd>≈12,345</dd>" in browser.get(f"/runs/{run.pk}/").content.decode()
    history = browser.get("/runs/").content.decode()
    assert "≈12,345" in history and "≈777" not in history
    admin = browser_of(staff).get(f"/admin/runs/run/{run.pk}/change/").content.decode()
    assert "≈12,345" in admin
    assert "≈" not in browser_of(staff).get(f"/admin/runs/run/{known.pk}/change/").content.decode()
    markdown = browser.get(f"/api/v1/runs/{run.pk}/export?format=markdown").content.decode()
    assert "- tokens_used: `≈12345`" in markdown
