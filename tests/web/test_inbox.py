"""Decisions about calls: on the run's page, and for all runs in the inbox."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.engine import control
from runs.live.rendering import fragments
from runs.models import Run, Step, ToolCall
from runs.web.pending_calls import MOST_SHOWN
from tests.web.conftest import HTMX
from tests.web.identities import permission_of
from tests.web.waiting_fixtures import Ask, address


def test_a_call_is_approved_on_its_runs_page_and_has_no_buttons_left(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    browser, call = browser_of(owner), ask(owner)
    before = browser.get(f"/runs/{call.run_id}/").content.decode()

    response = browser.post(address(call, "approve"), {"arguments_hash": call.arguments_hash})
    after = browser.get(f"/runs/{call.run_id}/").content.decode()

    assert f'formaction="{address(call, "approve")}"' in before
    assert f'formaction="{address(call, "approve")}"' not in after
    assert (response.status_code, response["Location"]) == (302, f"/runs/{call.run_id}/")
    assert "Approved by" in after
    call.refresh_from_db()
    assert (call.state, call.decided_by) == ("approved", owner)


def test_a_denial_takes_its_reason_from_the_calls_own_field(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    call = ask(owner)
    fields = {"arguments_hash": call.arguments_hash, f"reason-{call.pk}": "Not him.", f"reason-{uuid4()}": "Another."}

    response = browser_of(owner).post(address(call, "deny"), fields, headers=HTMX)

    assert response.status_code == 204
    call.refresh_from_db()
    assert (call.state, call.decision_reason) == ("denied", "Not him.")


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_who_comes_second_or_saw_other_arguments_is_told_how_the_call_stands(
    owner: User, staff: User, browser_of: Callable[[User | None], Client], ask: Ask, headers: dict[str, str]
) -> None:
    first, second = ask(owner), ask(owner)
    browser_of(staff).post(address(first, "deny"), {"arguments_hash": first.arguments_hash})

    late = browser_of(owner).post(address(first, "approve"), {"arguments_hash": first.arguments_hash}, headers=headers)
    other = browser_of(owner).post(address(second, "approve"), {"arguments_hash": "0" * 64}, headers=headers)

    assert (late.status_code, other.status_code) == (409, 409)
    assert "denied by staff" in late.content.decode()
    assert 'data-refused="arguments_changed" data-call-state="awaiting_approval"' in other.content.decode()


def test_the_inbox_shows_a_person_their_own_calls_and_staff_everybodys(
    owner: User, other: User, staff: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    mine, theirs = ask(owner, to="<b>bob</b>"), ask(other)

    pages = {user: browser_of(user).get("/inbox/").content.decode() for user in (owner, staff)}
    counts = [browser_of(user).get("/inbox/count/").json() for user in (owner, other, staff)]

    seen = {user: re.findall(r'data-inbox-call="([^"]+)"', page) for user, page in pages.items()}
    assert seen[owner] == [str(mine.pk)]
    assert set(seen[staff]) == {str(mine.pk), str(theirs.pk)}
    assert "&lt;b&gt;bob&lt;/b&gt;" in pages[owner]
    assert [each["count"] for each in counts] == [1, 1, 2]


def test_a_call_whose_arguments_are_to_be_changed_is_shown_however_many_have_waited_longer(
    owner: User, other: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    longest, *_ = [ask(owner) for _ in range(MOST_SHOWN)]
    last, theirs = ask(owner), ask(other)
    browser = browser_of(owner)

    pages = {
        change: browser.get(f"/inbox/?change={change}").content.decode() for change in (last.pk, theirs.pk, "nonsense")
    }

    first = {change: re.findall(r'data-inbox-call="([^"]+)"', page)[0] for change, page in pages.items()}
    assert first == {last.pk: str(last.pk), theirs.pk: str(longest.pk), "nonsense": str(longest.pk)}
    assert [len(re.findall(r'class="inbox-more"[^>]* open>', page)) for page in pages.values()] == [1, 0, 0]
    assert [page.count(" autofocus") for page in pages.values()] == [1, 0, 0]


def test_many_calls_are_decided_at_once_and_those_of_others_are_left_alone(
    owner: User, other: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    first, theirs = ask(owner), ask(other)
    second = ask(owner, run=first.run, to="eve")
    chosen = [f"{call.pk}:{call.arguments_hash}" for call in (first, second, theirs)] + ["nonsense"]

    response = browser_of(owner).post("/inbox/decide/", {"action": "approve", "call": chosen}, headers=HTMX)

    assert response.status_code == 409
    assert "Approved 2 calls." in response["HX-Trigger"]
    assert [ToolCall.objects.get(pk=call.pk).state for call in (first, second, theirs)] == [
        "approved",
        "approved",
        "awaiting_approval",
    ]
    first.run.calls.update(undo_until=timezone.now())
    control.end_graces()
    assert Run.objects.get(pk=first.run_id).status == "idle"


@pytest.mark.parametrize("action", ["approve", "deny"])
def test_who_may_only_look_at_everybodys_runs_decides_about_no_call_of_theirs(
    owner: User, other: User, browser_of: Callable[[User | None], Client], ask: Ask, action: str
) -> None:
    other.user_permissions.add(permission_of("runs.view_run"))
    mine, theirs = ask(other), ask(owner)
    chosen = [f"{call.pk}:{call.arguments_hash}" for call in (mine, theirs)]

    response = browser_of(other).post("/inbox/decide/", {"action": action, "call": chosen}, headers=HTMX)

    assert response.status_code == 409
    assert "you may not decide about it" in response["HX-Trigger"]
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.decided_by == other
    assert (theirs.state, theirs.decided_by) == ("awaiting_approval", None)


def test_arguments_are_changed_with_a_form_of_the_tools_own_types(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    call = ask(owner)
    name = f"call-{call.pk}-"
    fields = {"to": "eve", "copies": "3", "urgent": "true", "extra": '{"stamps": 2}'}
    about = {"edited": "1", "arguments_hash": call.arguments_hash}

    browser_of(owner).post(address(call, "approve"), about | {name + field: text for field, text in fields.items()})

    call.refresh_from_db()
    assert call.arguments == {"to": "eve", "copies": 3, "urgent": True, "extra": {"stamps": 2}}
    assert (call.state, call.proposed_arguments) == ("approved", {"to": "bob"})
    page = fragments.timeline_html(Step.objects.filter(run=call.run_id).order_by("sequence"))
    assert "<ins>&#x27;eve&#x27;</ins>" in page and "<del>&#x27;bob&#x27;</del>" in page


def test_an_unchanged_form_is_a_plain_approval(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    call = ask(owner, to="bob", copies=2)
    name = f"call-{call.pk}-"
    about = {"edited": "1", "arguments_hash": call.arguments_hash}

    browser_of(owner).post(address(call, "approve"), about | {f"{name}to": "bob", f"{name}copies": "2"})

    call.refresh_from_db()
    assert (call.state, call.proposed_arguments) == ("approved", None)


@pytest.mark.parametrize(("field", "typed"), [("copies", "many"), ("extra", "{"), ("extra", '{"stamps": "two"}')])
def test_arguments_that_do_not_fit_come_back_with_what_is_wrong(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask, field: str, typed: str
) -> None:
    call = ask(owner)
    name = f"call-{call.pk}-"
    fields = {"edited": "1", "arguments_hash": call.arguments_hash, f"{name}to": "bob", name + field: typed}

    htmx = browser_of(owner).post(address(call, "approve"), fields, headers=HTMX)
    plain = browser_of(owner).post(address(call, "approve"), fields)

    assert (htmx.status_code, plain.status_code) == (422, 422)
    assert re.search(r'class="(form-errors|field-error)"', htmx.content.decode())
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_an_unknown_outcome_is_settled_with_what_came_out(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    call = ask(owner)
    ToolCall.objects.filter(pk=call.pk).update(state="unknown")
    Run.objects.filter(pk=call.run_id).update(waiting_for="decision")
    browser = browser_of(owner)

    page = browser.get("/inbox/").content.decode()
    nonsense = browser.post(address(call, "settle"), {"outcome": "perhaps"}, headers=HTMX)
    browser.post(address(call, "settle"), {"outcome": "happened", "reason": "It is in the box."})

    assert "We don't know whether" in page
    assert "It didn't, run it again" in page
    assert nonsense.status_code == 422
    call.refresh_from_db()
    assert call.state == "succeeded"
    result = Step.objects.get(run=call.run_id, kind="tool_result")
    assert result.tool_output == "It is in the box."


def test_a_stopped_run_takes_the_buttons_away(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    browser, call = browser_of(owner), ask(owner)

    browser.post(f"/runs/{call.run_id}/cancel/")
    page = browser.get(f"/runs/{call.run_id}/").content.decode()

    assert "Not decided: the run was stopped" in page
    assert address(call, "approve") not in page
    assert "All clear." in browser.get("/inbox/").content.decode()


@pytest.mark.parametrize("typed", ["1e999", "NaN", '{"a": "\\ud800"}', "1" * 5000, "[" * 5000 + "]" * 5000, "\x00"])
def test_json_no_database_can_keep_is_asked_for_again(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask, typed: str
) -> None:
    call = ask(owner)
    said = {"arguments_hash": call.arguments_hash, "edited": "1", f"call-{call.pk}-to": "bob"}

    response = browser_of(owner).post(address(call, "approve"), said | {f"call-{call.pk}-extra": typed})

    call.refresh_from_db()
    assert (response.status_code, call.state) == (422, "awaiting_approval")


def test_what_nobody_touched_in_the_form_is_what_runs(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    call = ask(owner, to="Dear Bob,\n\nhello.\n", extra=None)
    said = {f"call-{call.pk}-to": "Dear Bob,\r\n\r\nhello.\r\n", f"call-{call.pk}-extra": "null"}

    browser_of(owner).post(address(call, "approve"), said | {"arguments_hash": call.arguments_hash, "edited": "1"})

    call.refresh_from_db()
    assert (call.state, call.arguments, call.proposed_arguments) == (
        "approved", {"to": "Dear Bob,\n\nhello.\n", "extra": None}, None,
    )  # fmt: skip


def test_enter_in_the_reason_decides_nothing(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    call, browser = ask(owner), browser_of(owner)

    for page in ("/inbox/", f"/runs/{call.run_id}/"):
        text = browser.get(page).content.decode()
        presses = first_submits(text)
        reasons = re.findall(r'<input[^>]*name="reason[^>]*>', text)
        assert reasons and presses
        assert all("data-no-enter" in button for button in presses.values())


def first_submits(page: str) -> dict[str, str]:
    """For each form with a reason: its first button in page order, the one that Enter presses."""
    found = {}
    for number, form in enumerate(re.findall(r"<form.*?</form>", page, re.DOTALL)):
        if 'name="reason"' in form:
            found[f"form {number}"] = re.findall(r"<button[^>]*>", form)[0]
    if 'name="reason-' in page:
        found["run-actions"] = re.findall(r'<button[^>]*form="run-actions"[^>]*>', page)[0]
    return found


def test_of_an_earlier_turn_nobody_is_asked_what_became_of_its_call(
    owner: User, browser_of: Callable[[User | None], Client], ask: Ask
) -> None:
    earlier = ask(owner, to="bob")
    run = earlier.run
    run.waiting_for = "decision"
    run.save()
    ToolCall.objects.filter(pk=earlier.pk).update(state="unknown")
    last = ask(owner, run=run, to="eve")
    ToolCall.objects.filter(pk=last.pk).update(state="unknown", turn=2)

    page = browser_of(owner).get("/inbox/").content.decode()

    assert address(last, "settle") in page
    assert address(earlier, "settle") not in page
