"""Approvals that are taken back in their grace: in the inbox, on the page of the run, and through the API."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.engine import control
from runs.models import Run, ToolCall
from tests.web.conftest import HTMX
from tests.web.waiting_fixtures import Ask, address

BrowserOf = Callable[[User | None], Client]


def approve(browser: Client, call: ToolCall, **fields: str) -> None:
    """Approve a call as the inbox does without scripts."""
    browser.post(address(call, "approve"), {"arguments_hash": call.arguments_hash, "inbox": "1", **fields})


def undo_forms(page: str) -> list[str]:
    return re.findall(r'action="([^"]+/undo/)"', page)


def test_an_unsafe_call_approved_without_scripts_can_be_taken_back_in_the_inbox(
    owner: User, browser_of: BrowserOf, ask: Ask
) -> None:
    browser, call = browser_of(owner), ask(owner)

    approve(browser, call)
    approved = browser.get("/inbox/").content.decode()
    answer = browser.post(address(call, "undo"), {"inbox": "1"})
    undone = browser.get("/inbox/").content.decode()

    assert undo_forms(approved) == [address(call, "undo")]
    assert "data-inbox-call=" not in approved
    assert (answer.status_code, answer["Location"]) == (302, "/inbox/")
    assert f'data-inbox-call="{call.pk}"' in undone
    assert undo_forms(undone) == []
    call.refresh_from_db()
    assert (call.state, call.decided_by) == ("awaiting_approval", None)


@pytest.mark.parametrize("decide", ["approve", "deny"])
def test_without_scripts_the_inbox_tells_a_decision_once(
    owner: User, browser_of: BrowserOf, ask: Ask, decide: str
) -> None:
    browser, call = browser_of(owner), ask(owner)

    browser.post(address(call, decide), {"inbox": "1", "arguments_hash": call.arguments_hash})
    page = browser.get("/inbox/").content.decode()

    assert len(re.findall(rf"(?:Approved|Denied) {call.tool_name}\.", page)) == 1


def test_the_page_of_the_run_offers_to_take_the_approval_back_until_its_grace_is_over(
    owner: User, browser_of: BrowserOf, ask: Ask
) -> None:
    browser, call = browser_of(owner), ask(owner)
    second = ask(owner, run=call.run, to="eve")

    approve(browser, call)
    in_grace = browser.get(f"/runs/{call.run_id}/").content.decode()
    approve(browser, second)
    all_decided = browser.get(f"/runs/{call.run_id}/").content.decode()
    call.run.calls.update(undo_until=timezone.now())
    control.end_graces()
    after = browser.get(f"/runs/{call.run_id}/").content.decode()

    of = {each: f'formaction="{address(each, "undo")}"' for each in (call, second)}
    assert of[call] in in_grace and of[second] not in in_grace
    assert f'formaction="{address(second, "approve")}"' in in_grace
    assert all(each in all_decided for each in of.values())
    assert "It runs in a moment." in all_decided
    assert not any(each in after for each in of.values())
    assert Run.objects.get(pk=call.run_id).status == "idle"


def test_the_answer_to_the_inbox_says_where_and_until_when_to_undo(
    owner: User, browser_of: BrowserOf, ask: Ask
) -> None:
    browser, call = browser_of(owner), ask(owner)
    fields = {"arguments_hash": call.arguments_hash, "inbox": "1"}

    approved = browser.post(address(call, "approve"), fields, headers=HTMX)
    again = browser.post(address(call, "approve"), fields, headers=HTMX)
    undone = [browser.post(address(call, "undo"), {"inbox": "1"}, headers=HTMX) for _ in range(2)]

    told = json.loads(approved["HX-Trigger"])["decided"]
    assert (told["text"], told["undo"]["url"]) == (f"Approved {call.tool_name}.", address(call, "undo"))
    assert 0 < told["undo"]["until"] / 1000 - timezone.now().timestamp() <= control.GRACE_S
    assert (again.status_code, again["HX-Trigger"]) == (204, approved["HX-Trigger"])
    assert [(each.status_code, json.loads(each["HX-Trigger"])) for each in undone] == [
        (204, {"undone": {"call": str(call.pk)}})
    ] * 2


def test_a_question_asked_again_shows_the_deadline_it_has_now(owner: User, browser_of: BrowserOf, ask: Ask) -> None:
    browser, call = browser_of(owner), ask(owner)
    soon = timezone.now() + timedelta(seconds=10)
    question = call.run.steps.get(kind="approval")
    question.metadata["expires_at"] = soon.timestamp()
    question.save()
    ToolCall.objects.update(expires_at=soon)

    approve(browser, call)
    browser.post(address(call, "undo"))
    page = browser.get(f"/runs/{call.run_id}/").content.decode()

    call.refresh_from_db()
    assert call.expires_at is not None
    assert f'data-countdown="{round(call.expires_at.timestamp() * 1000)}"' in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_approval_is_not_taken_back_by_another_person_or_too_late(
    owner: User, staff: User, browser_of: BrowserOf, ask: Ask, headers: dict[str, str]
) -> None:
    first, second = ask(owner), ask(owner)
    browser = browser_of(owner)
    for call in (first, second):
        approve(browser, call)
    second.run.calls.update(undo_until=timezone.now())

    theirs = browser_of(staff).post(address(first, "undo"), headers=headers)
    late = browser.post(address(second, "undo"), headers=headers)

    assert (theirs.status_code, late.status_code) == (409, 409)
    assert "already approved by owner" in theirs.content.decode()
    assert "too late" in late.content.decode()
    assert set(ToolCall.objects.values_list("state", flat=True)) == {"approved"}
