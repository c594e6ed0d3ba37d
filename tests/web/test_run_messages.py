"""Messages to a run in progress, on its page."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.engine.control import run_messages
from runs.models import Run, RunMessage
from tests.web.conftest import HTMX

MakeRun = Callable[..., Run]
KEY = "0123456789abcdef"


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    return browser_of(owner)


def sent(run: Run, owner: User, text: str = "Use metres.", **options: Any) -> RunMessage:
    message, _ = control.send_message(run.pk, by=owner, text=text, **options)
    return message


def page_of(browser: Client, run: Run) -> str:
    return browser.get(f"/runs/{run.pk}/").content.decode()


def test_the_page_lists_what_waits_and_says_when_it_is_read(owner: User, make_run: MakeRun, browser: Client) -> None:
    run = make_run(owner, status="waiting", waiting_for="resume")
    first, second = sent(run, owner, "Use <b>metres</b>."), sent(run, owner, "And be short.", interrupts=True)

    page = page_of(browser, run)

    assert page.index(f"message-{first.pk}") < page.index(f"message-{second.pk}")
    assert "Use &lt;b&gt;metres&lt;/b&gt;." in page
    assert "Read when the run is resumed." in page
    assert 'id="compose"' in page
    assert f"/runs/{run.pk}/messages/{first.pk}/withdraw/" in page


def test_a_message_that_is_sent_twice_is_one_message(owner: User, make_run: MakeRun, browser: Client) -> None:
    run = make_run(owner, status="idle")

    answers = [browser.post(f"/runs/{run.pk}/messages/", {"text": "Shorter.", "once": KEY}) for _ in range(2)]
    browser.post(f"/runs/{run.pk}/messages/", {"text": "Longer.", "once": KEY})

    assert [(each.status_code, each["Location"]) for each in answers] == [(302, f"/runs/{run.pk}/")] * 2
    assert list(run.messages.values_list("text", flat=True)) == ["Shorter.", "Longer."]


def test_htmx_gets_an_empty_form_with_another_key(owner: User, make_run: MakeRun, browser: Client) -> None:
    run = make_run(owner, status="idle")

    answer = browser.post(
        f"/runs/{run.pk}/messages/", {"text": "Shorter.", "interrupt": "1", "once": KEY}, headers=HTMX
    )

    assert answer.status_code == 200
    assert json.loads(answer.headers["HX-Trigger"])["toast"]["text"] == "The message is queued."
    html = answer.content.decode()
    assert 'id="compose"' in html
    assert "Shorter." not in html
    assert KEY not in html
    assert run.messages.get().interrupts


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_refused_message_keeps_what_was_typed(
    owner: User, make_run: MakeRun, browser: Client, headers: dict[str, str]
) -> None:
    run = make_run(owner)

    empty = browser.post(f"/runs/{run.pk}/messages/", {"text": ""}, headers=headers)
    late = browser.post(f"/runs/{run.pk}/messages/", {"text": "Shorter.", "once": KEY}, headers=headers)

    assert (empty.status_code, late.status_code) == (422, 409)
    assert "Type what the agent should know." in empty.content.decode()
    html = late.content.decode()
    assert "Shorter." in html
    assert "The run has ended meanwhile. Send it as a follow-up." in html
    assert "data-refused" in html


def test_a_message_has_a_page_where_its_text_is_changed(owner: User, make_run: MakeRun, browser: Client) -> None:
    run = make_run(owner, status="idle")
    message = sent(run, owner)
    address = f"/runs/{run.pk}/messages/{message.pk}/"

    shown = browser.get(address).content.decode()
    saved = browser.post(address, {"text": "Use feet."})

    assert "Use metres." in shown
    assert (saved.status_code, saved["Location"]) == (302, f"/runs/{run.pk}/")
    message.refresh_from_db()
    assert message.text == "Use feet."


def test_who_changes_a_message_too_late_reads_which_turn_has_read_it(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="idle")
    message = sent(run, owner)
    run.messages.update(state="read", read_before_turn=7)

    late = browser.post(f"/runs/{run.pk}/messages/{message.pk}/", {"text": "Use feet."})
    toast = browser.post(f"/runs/{run.pk}/messages/{message.pk}/withdraw/", headers=HTMX)

    assert late.status_code == 409
    assert "It was read before turn 7." in late.content.decode()
    assert json.loads(toast.headers["HX-Trigger"])["toast"] == {
        "text": "It was read before turn 7.",
        "level": "error",
        "untilRest": False,
    }


def test_a_withdrawn_message_leaves_the_page(owner: User, make_run: MakeRun, browser: Client) -> None:
    run = make_run(owner, status="idle")
    message = sent(run, owner)

    answer = browser.post(f"/runs/{run.pk}/messages/{message.pk}/withdraw/")

    assert answer.status_code == 302
    assert f"message-{message.pk}" not in page_of(browser, run)


def test_what_an_ended_run_has_not_read_becomes_a_follow_up_once(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="idle")
    message = sent(run, owner)
    control.cancel(run.pk, by=owner)

    page = page_of(browser, run)
    address = f"/runs/{run.pk}/messages/{message.pk}/follow-up/"
    answers = [browser.post(address, {"once": KEY}) for _ in range(2)]

    assert "The run has ended without reading this." in page
    assert address in page
    further = Run.objects.get(continues=run)
    assert further.task == "Use metres."
    assert {each["Location"] for each in answers} == {f"/runs/{further.pk}/"}


def test_a_person_who_only_sees_the_run_is_offered_no_message(
    owner: User, make_run: MakeRun, browser_of: Callable[[User | None], Client], other: User
) -> None:
    from django.contrib.auth.models import Permission

    other.user_permissions.add(Permission.objects.get(codename="view_run"))
    run = make_run(owner, status="idle")
    sent(run, owner)

    page = page_of(browser_of(User.objects.get(pk=other.pk)), run)

    assert 'id="compose"' not in page
    assert "may-not-decide" in page


def test_of_two_people_who_change_a_message_the_second_sees_what_the_first_has_written(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="idle")
    address = f"/runs/{run.pk}/messages/{sent(run, owner, 'In feet.').pk}/"
    seen = [re.findall(r'name="instead_of" value="(\w+)"', browser.get(address).content.decode())[0] for _ in range(2)]

    first, second = (
        browser.post(address, {"text": text, "instead_of": shown})
        for text, shown in zip(("In metres.", "In <b>miles</b>."), seen, strict=True)
    )

    page = second.content.decode()
    assert (first.status_code, second.status_code) == (302, 409)
    assert run.messages.get().text == "In metres."
    assert "Somebody has changed the message meanwhile." in page
    assert page.index("It says now:") < page.index("In metres.") < page.index("In &lt;b&gt;miles&lt;/b&gt;.</textarea>")
    again = re.findall(r'name="instead_of" value="(\w+)"', page)[0]
    browser.post(address, {"text": "In miles.", "instead_of": again})
    assert run.messages.get().text == "In miles."


def test_the_same_change_from_two_tabs_is_one(owner: User, make_run: MakeRun, browser: Client) -> None:
    run = make_run(owner, status="idle")
    address = f"/runs/{run.pk}/messages/{sent(run, owner, 'In feet.').pk}/"
    (shown,) = re.findall(r'name="instead_of" value="(\w+)"', browser.get(address).content.decode())

    answers = [browser.post(address, {"text": "In metres.", "instead_of": shown}) for _ in range(2)]

    assert [each.status_code for each in answers] == [302, 302]


def test_a_message_that_is_far_too_long_is_refused_before_it_is_searched_for_secrets(
    owner: User, make_run: MakeRun, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(owner, status="idle")
    searched: list[str] = []
    monkeypatch.setattr(run_messages, "without_secrets", searched.append)

    answer = browser.post(f"/runs/{run.pk}/messages/", {"text": "x" * 1_000_000}, headers=HTMX)

    assert answer.status_code == 409
    assert "A message has at most 32 KiB." in answer.content.decode()
    assert not searched and not run.messages.exists()
