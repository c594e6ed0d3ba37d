"""Errors and refusals on the pages of a reader of German. What is stored, and what the API says, stays English."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.engine import control
from runs.models import Agent, ApiToken, Run, Spending, Step
from tests.web.conftest import HTMX
from tests.web.waiting_fixtures import Ask, address

BrowserOf = Callable[[User | None], Client]
GERMAN = {"Accept-Language": "de"}
ADVICE = "Raise max_turns and run again, or ask for less at once"
MESSAGE = "The run reached its limit max_turns: 20 of 20 turns."


def failed_run(user: User, make_run: Callable[..., Run]) -> Run:
    error = {"code": "limit_max_turns", "message": MESSAGE, "severity": "warning", "context": {}, "recoverable": True}
    run = make_run(user, status="failed", error={**error, "suggested_action": ADVICE})
    about = {"suggested_action": ADVICE, "severity": "warning", "metadata": {"code": "limit_max_turns", "context": {}}}
    Step.objects.filter(run=run).delete()
    Step.objects.create(run=run, sequence=1, epoch=1, kind="error", content=MESSAGE, **about)
    Run.objects.filter(pk=run.pk).update(next_sequence=2)
    return run


def test_the_pages_of_a_failed_run_say_its_error_and_what_to_do_in_german(
    owner: User, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    run, browser = failed_run(owner, make_run), browser_of(owner)

    page = browser.get(f"/runs/{run.pk}/", headers=GERMAN).content.decode()
    step = browser.get(f"/runs/{run.pk}/steps/1/", headers=GERMAN).content.decode()
    runs = browser.get("/runs/", headers=GERMAN).content.decode()

    told, todo = (
        "Der Lauf hat seine Grenze „Runden höchstens“ erreicht: 20 von 20 (Runden).",
        "Die Grenze „Runden höchstens“ erhöhen",
    )
    assert told in page and todo in page
    assert todo in step and told in runs
    assert MESSAGE not in page and ADVICE not in page


def test_a_reader_of_german_changes_nothing_that_is_stored_or_that_the_api_says(
    owner: User, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    run, browser = failed_run(owner, make_run), browser_of(owner)
    _token, text = ApiToken.issue(owner, name="x", scopes=["read"])

    browser.get(f"/runs/{run.pk}/", headers=GERMAN)
    told = Client().get(f"/api/v1/runs/{run.pk}", headers={"Authorization": f"Bearer {text}"}).json()

    run.refresh_from_db()
    step = run.steps.get()
    assert (run.error["message"], step.content, step.suggested_action) == (MESSAGE, MESSAGE, ADVICE)
    assert (told["error"]["message"], told["error"]["suggested_action"]) == (MESSAGE, ADVICE)


def test_a_decision_that_comes_second_is_refused_in_german(owner: User, browser_of: BrowserOf, ask: Ask) -> None:
    call = ask(owner)
    control.deny(call.pk, by=None, arguments_hash=call.arguments_hash)

    refused = browser_of(owner).post(
        address(call, "approve"), {"arguments_hash": call.arguments_hash}, headers=GERMAN | HTMX
    )

    assert refused.status_code == 409
    assert "Dieser Aufruf hat schon einen anderen Stand: abgelehnt." in refused.content.decode()


def test_a_decision_about_a_run_that_has_ended_is_refused_in_german(
    owner: User, browser_of: BrowserOf, ask: Ask
) -> None:
    call = ask(owner)
    Run.objects.filter(pk=call.run_id).update(status="cancelled", ended_at=timezone.now(), waiting_for="")

    refused = browser_of(owner).post(
        "/inbox/decide/", {"action": "approve", "call": f"{call.pk}:{call.arguments_hash}"}, headers=GERMAN, follow=True
    )

    assert "Der Lauf ist gestoppt." in refused.content.decode()


def test_a_launch_beyond_the_agent_is_refused_in_german(owner: User, agent: Agent, browser_of: BrowserOf) -> None:
    agent.launch_may_raise, agent.max_cost_usd = [], Decimal("0.5")
    agent.save()

    launch = {"task": "half of 90", "max_turns": "2000" if agent.max_turns >= 1000 else "1000", "max_cost_usd": "0.75"}
    page = browser_of(owner).post("/runs/", launch, headers=GERMAN).content.decode()

    assert f"erlaubt höchstens {agent.max_turns} (Runden), nicht 1.000." in page
    assert "darf höchstens 0,50 $ kosten, nicht 0,75 $." in page
    assert "Mehr verlangen darf nur, wer den Agenten ändern darf." in page


def test_a_launch_beyond_the_limits_of_a_person_is_refused_in_german(
    owner: User, agent: Agent, make_run: Callable[..., Run], browser_of: BrowserOf, settings: Any
) -> None:
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 2
    browser = browser_of(owner)
    for _ in range(2):
        make_run(owner)
    fast = browser.post("/runs/", {"task": "half of 90"}, headers=GERMAN).content.decode()
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 100
    settings.AGENTSITE_DAILY_USD_PER_USER = Decimal(5)
    Spending.objects.create(user=owner, day=timezone.now().date(), tokens=1, cost=Decimal("5.5"))

    costly = browser.post("/runs/", {"task": "half of 90"}, headers=GERMAN).content.decode()

    assert "In einer Minute wurden 2 Läufe gestartet, und das ist die Grenze." in fast
    assert "heute 5,50 $ verbraucht, von 5,00 $ am Tag" in costly


def test_a_model_without_a_server_is_refused_in_german(owner: User, agent: Agent, browser_of: BrowserOf) -> None:
    page = browser_of(owner).post("/runs/", {"task": "half of 90", "model": "gpt-5"}, headers=GERMAN)

    assert "War openai:gpt-5 gemeint?" in page.content.decode()


def test_the_columns_of_the_admin_are_in_german(
    staff: User, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    run, browser = failed_run(staff, make_run), browser_of(staff)

    listed = browser.get("/admin/runs/run/", headers=GERMAN).content.decode()
    shown = browser.get(f"/admin/runs/run/{run.pk}/change/", headers=GERMAN).content.decode()

    assert "Schritte" in listed and "Konfiguration" in shown
    assert "Der Lauf hat seine Grenze „Runden höchstens“ erreicht" in shown
