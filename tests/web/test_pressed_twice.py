"""Repeated presses: the action happens once, and the second press is told the first one's result."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import ApiToken, Run, ToolCall
from tests.web.conftest import HTMX
from tests.web.waiting_fixtures import Ask, address

KEY = "0123456789abcdef"


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def said(response: Any) -> tuple[str, str]:
    """Text and level of the toast."""
    told = json.loads(response.headers["HX-Trigger"])["toast"]
    return told["text"], told["level"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_launch_that_is_sent_twice_is_one_run_and_another_text_is_another_run(
    browser: Client, agent: Any, headers: dict[str, str]
) -> None:
    sent = {"task": "half of 90", "model": "offline", "once": KEY}

    answers = [browser.post("/runs/", sent, headers=headers) for _ in range(3)]
    browser.post("/runs/", sent | {"task": "half of 92"}, headers=headers)
    browser.post("/runs/", sent | {"once": "fedcba"}, headers=headers)

    assert len({answer.headers.get("HX-Redirect", answer.headers.get("Location")) for answer in answers}) == 1
    assert sorted(Run.objects.values_list("task", flat=True)) == ["half of 90", "half of 90", "half of 92"]


def test_a_launch_that_was_refused_can_be_sent_again_with_its_key(browser: Client, agent: Any) -> None:
    refused = browser.post("/runs/", {"task": "", "once": KEY})

    again = browser.post("/runs/", {"task": "half of 90", "once": KEY})

    assert (refused.status_code, again.status_code, Run.objects.count()) == (422, 302, 1)
    assert f'name="once" value="{KEY}"' in refused.content.decode()


def test_the_key_of_one_person_says_nothing_about_anothers(
    owner: User, other: User, browser_of: Callable[[User | None], Client], agent: Any
) -> None:
    for user in (owner, other):
        browser_of(user).post("/runs/", {"task": "half of 90", "once": KEY})

    assert set(Run.objects.values_list("user", flat=True)) == {owner.pk, other.pk}


@pytest.mark.parametrize(("what", "fields"), [("rerun", {}), ("continue", {"message": "Add 10 to it"})])
def test_running_again_and_following_up_twice_launch_one_run(
    browser: Client, owner: User, make_run: Callable[..., Run], what: str, fields: dict[str, str]
) -> None:
    run = make_run(owner)

    answers = [browser.post(f"/runs/{run.pk}/{what}/", {"once": KEY, **fields}, headers=HTMX) for _ in range(3)]

    assert Run.objects.exclude(pk=run.pk).count() == 1
    assert len({answer.headers["HX-Redirect"] for answer in answers}) == 1


@pytest.mark.parametrize("what", ["approve", "deny"])
def test_a_second_click_on_a_decision_says_what_the_first_one_did(
    browser: Client, owner: User, ask: Ask, what: str
) -> None:
    call = ask(owner)
    sent = {"arguments_hash": call.arguments_hash}

    answers = [browser.post(address(call, what), sent, headers=HTMX) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert said(answers[0]) == said(answers[1])
    assert said(answers[0])[1] == "info"


def test_a_second_click_in_the_inbox_says_what_the_first_one_did(browser: Client, owner: User, ask: Ask) -> None:
    calls = [ask(owner), ask(owner)]
    sent = {"action": "deny", "call": [f"{call.pk}:{call.arguments_hash}" for call in calls], "reason": " No. "}

    answers = [browser.post("/inbox/decide/", sent, headers=HTMX) for _ in range(2)]

    assert [said(answer) for answer in answers] == [("Denied 2 calls.", "info")] * 2


@pytest.mark.parametrize("fields", [{"reason": "Another."}, {"arguments_hash": "0" * 64}])
def test_what_is_not_the_same_decision_is_still_refused(
    browser: Client,
    owner: User,
    ask: Ask,
    fields: dict[str, str],
) -> None:
    call = ask(owner)
    sent = {"arguments_hash": call.arguments_hash}
    browser.post(address(call, "deny"), sent, headers=HTMX)

    other_words = browser.post(address(call, "deny"), sent | fields, headers=HTMX)
    contrary = browser.post(address(call, "approve"), sent, headers=HTMX)

    assert (other_words.status_code, contrary.status_code) == (409, 409)


def test_another_persons_same_decision_is_told_who_was_faster(
    browser: Client,
    owner: User,
    staff: User,
    browser_of: Callable[[User | None], Client],
    ask: Ask,
) -> None:
    call = ask(owner)
    browser_of(staff).post(address(call, "approve"), {"arguments_hash": call.arguments_hash})

    response = browser.post(address(call, "approve"), {"arguments_hash": call.arguments_hash}, headers=HTMX)

    assert response.status_code == 409
    assert "approved by staff" in said(response)[0]


def test_changed_arguments_that_are_sent_twice_are_approved_once(browser: Client, owner: User, ask: Ask) -> None:
    call = ask(owner)
    sent = {
        "edited": "1",
        "arguments_hash": call.arguments_hash,
        f"call-{call.pk}-to": "eve",
        f"call-{call.pk}-copies": "3",
    }

    answers = [browser.post(address(call, "approve"), sent, headers=HTMX) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert ToolCall.objects.get().arguments == {"to": "eve", "copies": 3}


@pytest.mark.parametrize(
    ("what", "fields", "words"),
    [
        ("cancel", {"status": "idle"}, "The run is stopped."),
        ("pause", {"status": "idle"}, "The run is paused."),
        ("resume", {"status": "waiting", "waiting_for": "resume"}, "The run goes on."),
        ("resume", {"status": "failed"}, ""),
        ("try-now", {"status": "waiting", "waiting_for": "retry"}, "Trying again now."),
        ("stop-retrying", {"status": "waiting", "waiting_for": "retry"}, "No further attempt is made."),
    ],
)
def test_a_second_click_on_a_button_of_a_run_says_what_the_first_one_did(
    browser: Client, owner: User, make_run: Callable[..., Run], what: str, fields: dict[str, str], words: str
) -> None:
    run = make_run(owner, **fields)

    first = browser.post(f"/runs/{run.pk}/{what}/", headers=HTMX)
    if what in ("try-now", "stop-retrying"):  # The signal has reached the run's host.
        Run.objects.filter(pk=run.pk).update(status="thinking", waiting_for="")
    second = browser.post(f"/runs/{run.pk}/{what}/", headers=HTMX)

    assert said(second) == (words or "The run goes on.", "info")
    assert not words or said(first) == said(second)


def test_a_person_who_stops_what_has_ended_by_itself_is_told_so(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="completed")

    response = browser.post(f"/runs/{run.pk}/cancel/", headers=HTMX)

    assert said(response)[0] == "The run had already ended. Nothing was changed."


def test_a_token_form_sent_again_makes_no_other_token_and_the_first_one_lives(browser: Client, owner: User) -> None:
    sent = {"name": "Nightly", "scopes": ["read"], "lifetime": "7", "once": KEY}

    text = browser.post("/settings/tokens/", sent).context["text"]
    again = browser.post("/settings/tokens/", sent)

    token = ApiToken.objects.get()
    assert again.status_code == 409
    assert "already sent" in again.content.decode() and token.prefix in again.content.decode()
    assert Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    new_form = str(again.context["once"])
    assert browser.post("/settings/tokens/", sent | {"once": new_form}).context["text"] != text
