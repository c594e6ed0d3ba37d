"""The agent's ceilings, wherever a limit can be set: the launch form, a copy, a resume, the API and AG-UI."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Agent, ApiToken, Run
from tests.web.agent_page import AGENT_FORM
from tests.web.conftest import HTMX
from tests.web.permission_site import waiting_call

TYPED = {"max_turns": "21", "max_seconds": "601", "max_tokens": "1001", "max_cost_usd": "0.51", "model": "local/m2"}
SENT = {"max_turns": 21, "max_tokens": 1001, "max_cost_usd": "0.51", "models": ["local/m2"], "strategy": "race"}


@pytest.fixture
def agent(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """The default agent with limits on launches; further models exist that it is not used with."""
    server = {"name": "local", "base_url": "http://127.0.0.1:9999/v1", "models": ["m1", "m2"]}
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps([server]))
    agent.launch_may_raise, agent.max_tokens, agent.max_cost_usd = [], 1000, "0.5"
    agent.save()
    return agent


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: Callable[[User | None], Client]) -> Client:
    """The browser of a person who may not change agents."""
    return browser_of(owner)


def token_of(user: User, *scopes: str) -> dict[str, str]:
    """The header of an API client of the user's."""
    _token, text = ApiToken.issue(user, name="x", scopes=list(scopes) or ["read", "launch", "approve"])
    return {"Authorization": f"Bearer {text}"}


def max_of(page: str, name: str) -> str:
    """The `max` attribute of a field."""
    return re.search(rf'<input[^>]*name="{name}"[^>]*\smax="([^"]*)"', page).group(1)


@pytest.mark.parametrize("name", TYPED)
def test_the_form_says_which_field_is_beyond_the_agent_and_keeps_what_was_typed(browser: Client, name: str) -> None:
    response = browser.post("/runs/", {"task": "half of 90", name: TYPED[name]})

    page = response.content.decode()
    assert response.status_code == 422
    told = re.search(rf'id="id_{name}_error">(.*?)</div>', page, re.DOTALL).group(1)
    assert "Assistant " in told and "Only a person who may change the agent can ask for more." in told
    assert f'value="{TYPED[name]}"' in page
    assert not Run.objects.exists()


def test_the_form_shows_what_the_chosen_agent_allows(browser: Client, agent: Agent) -> None:
    Agent.objects.create(name="Small", model_names=["local/m1"], max_turns=3)

    page = browser.get("/runs/new/").content.decode()
    small = browser.get("/runs/new/model-notes/", {"agent": "Small"}).content.decode()

    assert (max_of(page, "max_turns"), max_of(page, "max_tokens"), max_of(page, "max_cost_usd")) == (
        *("20", "1000", "0.5000"),
    )
    limits = "20 turns, 4 repeats, 20 child runs, 600 seconds, 1,000 tokens, $0.50, the model offline."
    assert f"Assistant allows at most {limits}" in page
    assert "Small allows at most 3 turns, 4 repeats, 20 child runs, 600 seconds, the model local/m1." in small
    told = json.loads(unescape(re.search(r'id="id_agent"[^>]* data-ceilings="([^"]*)"', page).group(1)))
    assert told["Small"] == {"max_turns": 3, "max_repeats": 4, "max_child_runs": 20, "max_seconds": 600}


def test_to_who_may_change_agents_the_form_shows_no_ceiling(
    staff: User, agent: Agent, browser_of: Callable[[User | None], Client]
) -> None:
    page = browser_of(staff).get("/runs/new/").content.decode()

    assert "allows at most" not in page
    assert max_of(page, "max_turns") == "1000"


def test_a_copy_is_filled_in_with_no_more_than_the_agent_allows_and_can_be_launched(
    browser: Client, owner: User, agent: Agent, make_run: Callable[..., Run]
) -> None:
    more = {"max_turns": 100, "models": ["local/m2"], "strategy": "race", "max_tokens": None}
    run = make_run(owner, config=agent.snapshot() | more)

    page = browser.get(f"/runs/new/?from={run.pk}&change=max_turns").content.decode()
    browser.post("/runs/", {"task": "half of 90", "agent": agent.name, "from": str(run.pk), "max_turns": "20"})

    assert re.search(r'name="max_turns"[^>]*\s+value="20"', page)
    assert "The agent allows no more than 20" in page
    config = Run.objects.get(rerun_of=run).config
    assert {name: config[name] for name in more} == {
        "max_turns": 20,
        "models": ["offline"],
        "strategy": "fallback",
        "max_tokens": 1000,
    }


def test_a_run_at_its_agents_limit_is_resumed_with_more_by_who_may_change_the_agent_only(
    browser: Client, owner: User, staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="failed", error={"code": "limit_reached"})

    refused = browser.post(f"/runs/{run.pk}/resume/?more=max_turns", headers=HTMX)
    run.refresh_from_db()
    assert (run.status, refused.status_code) == ("failed", 204)
    assert "Assistant allows 20 turns at most, not 40. Only a person" in refused["HX-Trigger"]

    browser_of(staff).post(f"/runs/{run.pk}/resume/?more=max_turns")
    run.refresh_from_db()
    assert (run.status, run.config["max_turns"]) == ("idle", 40)


def test_a_run_below_its_agents_limit_is_resumed_with_more_up_to_it(
    browser: Client, owner: User, agent: Agent, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="failed", error={"code": "limit_reached"}, config=agent.snapshot() | {"max_turns": 15})

    browser.post(f"/runs/{run.pk}/resume/?more=max_turns")

    run.refresh_from_db()
    assert (run.status, run.config["max_turns"]) == ("idle", 20)


@pytest.mark.parametrize("name", SENT)
@pytest.mark.parametrize("door", ["runs", "rerun", "continue", "resume", "agui"])
def test_a_program_is_told_which_override_is_beyond_the_agent(
    owner: User, agent: Agent, make_run: Callable[..., Run], client: Client, door: str, name: str
) -> None:
    run = make_run(owner, status="failed" if door == "resume" else "completed")
    overrides = {name: SENT[name]}
    path, body = {
        "runs": ("/api/v1/runs", {"task": "x", "overrides": overrides}),
        "rerun": (f"/api/v1/runs/{run.pk}/rerun", {"overrides": overrides}),
        "continue": (f"/api/v1/runs/{run.pk}/continue", {"message": "x", "overrides": overrides}),
        "resume": (f"/api/v1/runs/{run.pk}/resume", {"overrides": overrides}),
        "agui": (
            "/api/v1/agui",
            {
                "threadId": "t",
                "runId": "r",
                "messages": [{"id": "m", "role": "user", "content": "x"}],
                "forwardedProps": {"overrides": overrides},
            },
        ),
    }[door]

    response = client.post(path, body, content_type="application/json", headers=token_of(owner))

    error: dict[str, Any] = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "invalid")
    assert error["message"].startswith(f"overrides.{name}: Assistant ")
    assert list(Run.objects.values_list("pk", "status")) == [(run.pk, run.status)]


def test_agents_say_what_a_launch_may_raise(owner: User, agent: Agent, client: Client) -> None:
    agent.launch_may_raise = ["limits"]
    agent.save()

    [told] = client.get("/api/v1/agents", headers=token_of(owner)).json()["items"]

    assert told["launch_may_raise"] == ["limits"]


def test_the_switch_is_set_in_the_admin(staff: User, agent: Agent, browser_of: Callable[[User | None], Client]) -> None:
    page = f"/admin/runs/agent/{agent.pk}/change/"
    sent = {"name": "Assistant", **AGENT_FORM}

    browser_of(staff).post(page, sent | {"launch_may_raise": ["models", "limits"]})
    agent.refresh_from_db()
    assert agent.launch_may_raise == ["models", "limits"]

    wrong = browser_of(staff).post(page, sent | {"launch_may_raise": ["everything"]})
    assert "Select a valid choice" in wrong.content.decode()


# --- A token without the scope `read` reads nothing ---------------------------------------------------------------


def test_a_launch_token_reads_nothing_of_the_runs_it_starts_and_stops(
    owner: User, agent: Agent, make_run: Callable[..., Run], client: Client
) -> None:
    secret = "what nobody should read"
    run = make_run(owner, task=secret, answer=secret, output={"a": secret}, config=agent.snapshot() | {"agent": secret})
    failed = make_run(owner, status="failed", task=secret, error={"code": "x", "message": secret})
    header = token_of(owner, "launch")
    key = header | {"Idempotency-Key": "one"}
    post: Any = lambda path, body, headers=header: client.post(  # noqa: E731
        f"/api/v1/runs{path}", body, content_type="application/json", headers=headers
    )
    launched = post("", {"task": "x"}, key)
    Run.objects.filter(pk=launched.json()["id"]).update(status="completed", answer=secret)

    answers = [
        post("", {"task": "x"}, key),
        post(f"/{run.pk}/cancel", {}),
        post(f"/{run.pk}/force", {}),
        post(f"/{run.pk}/rerun", {}),
        post(f"/{run.pk}/continue", {"message": "And?"}),
        post(f"/{failed.pk}/resume", {}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 201, 201, 202]
    assert [answer.json()["id"] for answer in answers][:3] == [launched.json()["id"], str(run.pk), str(run.pk)]
    assert not [answer for answer in answers if secret in answer.content.decode()]
    reads = [
        "/runs",
        f"/runs/{run.pk}",
        f"/runs/{run.pk}/steps",
        f"/runs/{run.pk}/export",
        "/calls",
        "/agents",
        "/tools",
    ]
    assert {client.get(f"/api/v1{path}", headers=header).status_code for path in reads} == {403}
    stream = {"threadId": "t", "runId": "r", "messages": [{"id": "m", "role": "user", "content": "x"}]}
    assert client.post("/api/v1/agui", stream, content_type="application/json", headers=header).status_code == 403


def test_an_approve_token_is_not_told_what_a_call_asks(
    owner: User, make_run: Callable[..., Run], client: Client
) -> None:
    call = waiting_call(make_run(owner, status="waiting", waiting_for="approval"))
    sent = {"arguments_hash": call.arguments_hash}

    answer = client.post(
        f"/api/v1/calls/{call.pk}/approve", sent, content_type="application/json", headers=token_of(owner, "approve")
    )

    assert (answer.status_code, answer.json()["state"], answer.json()["arguments"]) == (200, "approved", None)


def test_everything_beyond_the_agent_is_marked_at_once(
    owner: User, agent: Agent, browser_of: Callable[..., Any]
) -> None:
    sent = {"task": "x", "agent": agent.name, "max_turns": "999", "max_seconds": "86000", "model": "openai:gpt-6-astra"}

    page = browser_of(owner).post("/runs/", sent)

    assert page.status_code == 422
    assert {"max_turns", "max_seconds", "model"} <= set(page.context["form"].errors)
