"""Launching, stopping and running again from the pages."""

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Agent, Run, Spending
from tests.markup import flat
from tests.web.conftest import HTMX


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def test_launching_makes_a_queued_run_and_leads_to_its_page(browser: Client, owner: User) -> None:
    response = browser.post("/runs/", {"task": "half of 90"})

    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/runs/{run.pk}/")
    assert (run.user, run.task, run.status, run.agent) == (owner, "half of 90", "idle", Agent.objects.get())
    assert run.config == Agent.objects.get().snapshot()


def test_htmx_is_sent_to_the_run_page_as_a_whole(browser: Client) -> None:
    response = browser.post("/runs/", {"task": "half of 90"}, headers=HTMX)

    assert response.status_code == 204
    assert response["HX-Redirect"] == f"/runs/{Run.objects.get().pk}/"


def test_model_and_limits_replace_the_agents_own(browser: Client) -> None:
    browser.post(
        "/runs/",
        {"task": "half of 90", "agent": "Assistant", "model": "offline", "max_turns": "1", "max_seconds": "86400"},
    )

    config = Run.objects.get().config
    assert (config["models"], config["max_turns"], config["max_duration_s"]) == (["offline"], 1, 86400)


def test_a_launch_may_limit_tokens_and_money(browser: Client) -> None:
    browser.post("/runs/", {"task": "half of 90", "max_tokens": "5000", "max_cost_usd": "0.25"})

    config = Run.objects.get().config
    assert (config["max_tokens"], config["max_cost_usd"]) == (5000, "0.25")


def test_a_person_whose_day_is_used_up_is_told_what_to_do(
    browser: Client, owner: User, make_run: Callable[..., Run], settings: Any
) -> None:
    run = make_run(owner)
    settings.AGENTSITE_DAILY_USD_PER_USER = Decimal(5)
    Spending.objects.create(user=owner, day=datetime.now(UTC).date(), cost=Decimal(5))

    response = browser.post("/runs/", {"task": "half of 90"}, headers=HTMX)
    again = browser.post(f"/runs/{run.pk}/rerun/", headers=HTMX)

    assert response.status_code == 422
    told = "Your runs have used $5.00 today, of $5.00 a day. Launch it after midnight UTC, or ask the staff to raise"
    assert told in response.content.decode()
    assert told in json.loads(again["HX-Trigger"])["toast"]["text"]
    assert Run.objects.count() == 1


def test_a_chosen_agent_does_the_work(browser: Client) -> None:
    chosen = Agent.objects.create(name="Careful", model_names=["offline"], max_turns=3)

    browser.post("/runs/", {"task": "half of 90", "agent": "Careful"})

    run = Run.objects.get()
    assert (run.agent, run.config["max_turns"]) == (chosen, 3)


def test_line_ends_are_those_that_were_typed(browser: Client) -> None:
    browser.post("/runs/", {"task": "one\r\ntwo"})

    assert Run.objects.get().task == "one\ntwo"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"task": ""}, "Type what the agent should do."),
        ({"task": " \r\n "}, "Type what the agent should do."),
        ({"task": "x" * (256 * 1024 + 1)}, "at most 256 KiB"),
        ({"task": "é" * (128 * 1024 + 1)}, "at most 256 KiB"),
        ({"task": "nul \x00"}, "Null characters are not allowed"),
        ({"agent": "Nobody"}, "no agent of that name"),
        ({"model": "gpt"}, "Unknown model"),
        ({"model": "openai:gpt-6-luna"}, "set the environment variable OPENAI_API_KEY"),
        ({"model": "nowhere/m1"}, "Unknown model"),
        ({"max_turns": "0"}, "at least 1 turn"),
        ({"max_turns": "1001"}, "At most 1,000 turns"),
        ({"max_turns": "many"}, "whole number of turns"),
        ({"max_turns": "9" * 400}, "turns"),
        ({"max_calls": "0"}, "at least 1 tool call"),
        ({"max_calls": "100001"}, "At most 100,000 tool calls"),
        ({"max_seconds": "0"}, "at least 1 second"),
        ({"max_seconds": "86401"}, "At most 86,400 seconds, which is a day"),
        ({"max_seconds": "1.5"}, "whole number of seconds"),
        ({"max_tokens": "0"}, "at least 1 token"),
        ({"max_tokens": "1000000001"}, "At most 1,000,000,000 tokens"),
        ({"max_tokens": "lots"}, "whole number of tokens"),
        ({"max_cost_usd": "0"}, "at least $0.0001"),
        ({"max_cost_usd": "-1"}, "at least $0.0001"),
        ({"max_cost_usd": "100001"}, "At most $100,000"),
        ({"max_cost_usd": "a dollar"}, "amount in US dollars"),
        ({"max_cost_usd": "NaN"}, "amount in US dollars"),
        ({"max_cost_usd": "0.00001"}, "At most 4 digits after the point"),
    ],
)
def test_a_mistake_is_named_beside_its_field_and_nothing_is_launched(
    browser: Client, fields: dict[str, str], complaint: str
) -> None:
    response = browser.post("/runs/", {"task": "half of 90", **fields}, headers=HTMX)

    page = response.content.decode().replace("&#x27;", "'")
    assert response.status_code == 422
    assert complaint in page
    assert page.count('aria-invalid="true"') == 1
    assert page.lstrip().startswith("<form"), "htmx gets the form alone"
    assert not Run.objects.exists()


def test_nothing_typed_is_lost_on_a_mistake(browser: Client) -> None:
    Agent.objects.create(name="Careful", model_names=["offline"])
    typed = {"task": "\n two\n<lines>", "agent": "Careful", "model": "offline", "max_turns": "0", "max_seconds": "77"}

    page = browser.post("/runs/", typed).content.decode()

    assert ">\n\n two\n&lt;lines&gt;</textarea>" in page, "the first line end after the tag is not part of the text"
    assert '<option value="Careful" selected>' in flat(page)
    assert 'name="model"' in page
    assert 'value="offline"' in page
    assert 'value="0"' in page
    assert 'value="77"' in page
    assert '<details class="disclosure launch-options" open>' in page
    assert page.count("<html") == 1, "without htmx it is a whole page"


def test_the_longest_task_is_taken(browser: Client) -> None:
    assert browser.post("/runs/", {"task": "x" * 256 * 1024}).status_code == 302


def test_without_a_default_agent_one_has_to_be_chosen(browser: Client) -> None:
    Agent.objects.update(is_default=False)

    refused = browser.post("/runs/", {"task": "half of 90"})
    launched = browser.post("/runs/", {"task": "half of 90", "agent": "Assistant"})

    assert refused.status_code == 422
    assert "no default agent" in refused.content.decode()
    assert launched.status_code == 302


def test_the_launch_page_offers_agents_models_and_three_examples(browser: Client) -> None:
    page = flat(browser.get("/runs/new/").content.decode())

    assert page.count("data-fill=") == 3
    assert '<option value="Assistant" selected>' in page
    assert '<option value="offline">' in page


def test_the_examples_can_be_launched_from_a_link(browser: Client) -> None:
    page = browser.get("/runs/new/", {"task": "What is <b>?"}).content.decode()

    assert "What is &lt;b&gt;?</textarea>" in page


def test_stopping_a_queued_run_cancels_it(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    run = make_run(owner, status="idle")

    response = browser.post(f"/runs/{run.pk}/cancel/", follow=True)

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert response.redirect_chain == [(f"/runs/{run.pk}/", 302)]
    assert "The run is stopped." in response.content.decode()


def test_stopping_a_hosted_run_asks_its_host(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    run = make_run(owner, status="thinking")

    response = browser.post(f"/runs/{run.pk}/cancel/", headers=HTMX)

    run.refresh_from_db()
    assert (response.status_code, run.status) == (204, "thinking")
    assert run.cancel_requested_at is not None
    assert "Stopping" in response["HX-Trigger"]


def test_stopping_a_finished_run_says_that_nothing_changed(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="completed")

    response = browser.post(f"/runs/{run.pk}/cancel/", headers=HTMX)

    run.refresh_from_db()
    assert (response.status_code, run.status) == (204, "completed")
    assert "already ended" in response["HX-Trigger"]


def test_running_again_leads_to_a_new_run_of_the_same_task(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    earlier = make_run(owner, task="average of 3, 4 and 8")

    response = browser.post(f"/runs/{earlier.pk}/rerun/")

    again = Run.objects.exclude(pk=earlier.pk).get()
    assert response["Location"] == f"/runs/{again.pk}/"
    assert (again.task, again.rerun_of, again.status, again.config) == (earlier.task, earlier, "idle", earlier.config)


def test_a_run_that_staff_run_again_is_theirs(
    owner: User, staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    earlier = make_run(owner)

    browser_of(staff).post(f"/runs/{earlier.pk}/rerun/")

    assert Run.objects.get(rerun_of=earlier).user == staff


def test_a_launch_may_ask_more_often_than_its_agent_does(browser: Client) -> None:
    browser.post("/runs/", {"task": "half of 90", "approval": "always"})
    refused = browser.post("/runs/", {"task": "half of 90", "approval": "sometimes"})

    assert Run.objects.get().config["approval"] == "always"
    assert refused.status_code == 422
    assert "Choose one of the rules" in refused.content.decode()


def test_only_staff_may_have_an_agent_ask_less_often(browser: Client, agent: Agent, owner: User, staff: User) -> None:
    Agent.objects.update(approval="unsafe")
    refused = browser.post("/runs/", {"task": "half of 90", "approval": "never"})

    assert refused.status_code == 422
    assert "can have it ask more often, not less" in refused.content.decode()
    assert not Run.objects.exists()
    assert control.launch(user=staff, task="half of 90", overrides={"approval": "never"}).config["approval"] == "never"


def test_the_card_of_an_agent_says_what_it_may_do_and_how_its_runs_went(
    browser: Client, owner: User, other: User, make_run: Callable[..., Run]
) -> None:
    clerk = Agent.objects.create(
        name="Clerk", description="Looks <up> stock.", model_names=["offline"], tools=["calculator"], max_turns=7
    )
    for status, active_ms, cost in (("completed", 12_000, "0.0080"), ("failed", 10_000, "0.0060")):
        make_run(owner, agent=clerk, status=status, active_ms=active_ms, cost=Decimal(cost))
    make_run(other, agent=clerk, status="cancelled", active_ms=1)
    make_run(owner, agent=clerk, status="thinking")

    card = browser.get("/runs/new/agent/", {"agent": "Clerk"}).content.decode()
    beside = browser.get("/runs/new/", {"agent": "Clerk"}).content.decode()
    default = browser.get("/runs/new/").content.decode()

    assert "Looks &lt;up&gt; stock." in card and "calculator" in card and "7 turns" in card
    assert "11.0 s, $0.0070" in flat(card)
    results = [part.split('"')[0] for part in card.split('data-status="')[1:]]
    assert sorted(results) == ["completed", "failed"]
    assert 'data-agent="Clerk"' in beside and 'data-agent="Assistant"' in default
    assert browser.get("/runs/new/agent/", {"agent": "Nobody\x00"}).content.strip() == b""


def test_a_copy_takes_over_only_the_limits_that_differ_from_the_agents_own(
    browser: Client, owner: User, make_run: Callable[..., Run], agent: Agent
) -> None:
    run = make_run(owner, config=agent.snapshot() | {"max_tokens": 5000})
    page = browser.get(f"/runs/new/?from={run.pk}").content.decode()
    Agent.objects.filter(pk=agent.pk).update(max_turns=agent.max_turns + 1)

    browser.post("/runs/", {"task": "half of 90", "from": str(run.pk), "max_tokens": "5000", "agent": "Assistant"})

    limits = {
        name: page.split(f'name="{name}"')[1].split('value="')[1].split('"')[0] for name in ("max_turns", "max_tokens")
    }
    assert limits == {"max_turns": "", "max_tokens": "5000"}
    assert "1 set" in page and "Default: 20" in page
    assert f'Based on <a class="untrusted" href="/runs/{run.pk}/">half of 90</a>' in page
    copy = Run.objects.exclude(pk=run.pk).get()
    assert (copy.config["max_turns"], copy.config["max_tokens"]) == (21, 5000)


def test_a_copy_takes_over_what_was_set_on_the_run_also_where_the_agent_has_the_same_now(
    browser: Client, agent: Agent
) -> None:
    browser.post("/runs/", {"task": "half of 90", "max_turns": "7"})
    run = Run.objects.get()
    agent.max_turns, agent.max_duration_s, agent.temperature = 7, 99, 0.5
    agent.save()

    page = browser.get(f"/runs/new/?from={run.pk}").content.decode()
    browser.post("/runs/", {"task": "half of 90", "from": str(run.pk), "max_turns": "7"})

    copy = Run.objects.exclude(pk=run.pk).get()
    assert (run.overrides, copy.overrides) == ({"max_turns": 7}, {"max_turns": 7})
    assert 'value="7"' in page and "1 set" in flat(page)
    assert copy.config["temperature"] == 0.5


def test_a_field_of_seconds_shows_its_default_in_seconds(browser: Client, agent: Agent) -> None:
    agent.max_duration_s, agent.tool_timeout_s = 600, 2.5
    agent.save()

    page = browser.get("/runs/new/").text

    shown = {
        name: re.search(rf'name="{name}"[^>]*placeholder="([^"]*)"', page) for name in ("max_seconds", "tool_timeout_s")
    }
    assert {name: found and found[1] for name, found in shown.items()} == {
        "max_seconds": "Default: 600", "tool_timeout_s": "Default: 2.5",
    }  # fmt: skip


def test_a_changed_copy_says_what_differs_from_the_run_before_it_is_launched(browser: Client, agent: Agent) -> None:
    browser.post("/runs/", {"task": "half of 90", "max_turns": "7"})
    run = Run.objects.get()

    as_it_was = browser.get(f"/runs/new/?from={run.pk}").content.decode()
    changed = browser.get(f"/runs/new/?from={run.pk}&change=max_turns").content.decode()

    assert re.search(r"data-launch-changes hidden", as_it_was)
    assert not re.search(r"data-launch-changes hidden", changed)
    assert "1 change: " in flat(changed)
    assert changed.count("data-changed") == 1


def test_a_run_is_launched_without_scripts_and_the_form_stays_ready_for_another(browser: Client) -> None:
    response = browser.post("/runs/", {"task": "half of 90", "max_turns": "7", "stay": "1"})

    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/runs/new/?from={run.pk}")
    page = browser.get(response["Location"]).content.decode()
    assert 'value="7"' in page and "The run was started." in page


def test_a_form_that_stays_keeps_the_options_and_says_that_its_task_was_launched(browser: Client) -> None:
    options = {"max_turns": "7", "max_seconds": "90", "extra": '{"top_k": 40}', "agent": "Assistant"}

    answer = browser.post("/runs/", {"task": "half of 90", "stay": "1", **options}, headers=HTMX)

    page = html.unescape(answer.text)
    assert json.loads(answer["HX-Trigger"]) == {"launched": {}}
    assert re.search(r'name="task"[^>]*>\s*</textarea>', page)
    assert 'value="7"' in page and 'value="90"' in page and '"top_k": 40' in page
    assert re.search(r'value="Assistant"\s+selected', page)
    assert "data-refused" not in page and 'role="alert"' not in page


def test_a_form_that_stays_has_a_new_key_so_that_it_launches_again(browser: Client) -> None:
    first = browser.post("/runs/", {"task": "half of 90", "stay": "1", "once": "one"}, headers=HTMX)
    again = browser.post("/runs/", {"task": "half of 90", "stay": "1", "once": "one"}, headers=HTMX)

    keys = [re.search(r'name="once" value="([^"]+)" data-once="new"', each.content.decode()) for each in (first, again)]
    assert all(key is not None and key.group(1) != "one" for key in keys)
    assert Run.objects.count() == 1
