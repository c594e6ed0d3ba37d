"""Messages to a run in progress, on the page of its thread."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs import markdown
from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.notes import SoFarPayload
from runs.agent.payloads.steps import MessagePayload
from runs.engine import control
from runs.models import Run, Step
from tests.web.conftest import HTMX
from tests.web.identities import permission_of

MakeRun = Callable[..., Run]
Browser = Callable[[User | None], Client]


@pytest.fixture
def browser(owner: User, browser_of: Browser) -> Client:
    return browser_of(owner)


def page_of(browser: Client, run: Run) -> str:
    response = browser.get(f"/threads/{run.thread_id}/")
    assert response.status_code == 200
    return response.content.decode()


def has_composer(page: str, run: Run) -> bool:
    return f'action="/runs/{run.pk}/messages/"' in page


def record(run: Run, *steps: tuple[str, str, Any]) -> None:
    """Give the run these steps: kind, text, and payload. An answer has its HTML."""
    for sequence, (kind, content, payload) in enumerate(steps, 1):
        fields = {"metadata": {} if payload is None else as_json(payload), "turn": 1}
        fields["html"] = str(markdown.render(content)) if kind in ("note", "answer") else ""
        Step.objects.create(run=run, sequence=sequence, epoch=1, kind=kind, content=content, **fields)
    Run.objects.filter(pk=run.pk).update(next_sequence=len(steps) + 1)


def test_a_thread_whose_last_run_works_takes_messages_to_it_and_shows_those_that_wait(
    owner: User, say: Callable[..., Run], make_run: MakeRun, browser: Client
) -> None:
    first = say(owner, "half of 90")
    run = make_run(owner, status="waiting", waiting_for="resume", continues=first, thread=first.pk)
    message, _ = control.send_message(run.pk, by=owner, text="In <b>words</b>.")

    page = page_of(browser, run)

    assert has_composer(page, run)
    assert not has_composer(page, first)
    waiting = page[page.index('id="run-messages"') :]
    assert "In &lt;b&gt;words&lt;/b&gt;." in waiting and "Read when the run is resumed." in waiting
    assert f"/runs/{run.pk}/messages/{message.pk}/withdraw/" in waiting
    assert page.count('id="run-messages"') == 1


def test_the_page_asks_for_a_run_with_the_messages_that_wait_then(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="thinking")
    control.send_message(run.pk, by=owner, text="In words.")

    entry = browser.get(f"/threads/{run.pk}/runs/{run.pk}/").content.decode()

    assert "In words." in entry and "Withdraw" in entry


def test_a_thread_that_has_ended_takes_a_follow_up_only(owner: User, say: Callable[..., Run], browser: Client) -> None:
    run = say(owner, "half of 90")

    page = page_of(browser, run)

    assert not has_composer(page, run)
    assert f'action="/runs/{run.pk}/continue/"' in page


def test_who_only_sees_a_run_sends_it_nothing(owner: User, make_run: MakeRun, browser_of: Browser) -> None:
    run = make_run(owner, status="thinking")
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(permission_of("runs.view_run"))

    page = page_of(browser_of(watcher), run)

    assert not has_composer(page, run)


def test_who_may_not_launch_still_steers_runs_of_their_own(owner: User, make_run: MakeRun, browser_of: Browser) -> None:
    run = make_run(owner, status="thinking")
    owner.user_permissions.add(permission_of("runs.decide_run"))

    page = page_of(browser_of(User.objects.get(pk=owner.pk)), run)

    assert has_composer(page, run)
    assert f'action="/runs/{run.pk}/continue/"' not in page


def test_without_scripts_a_message_of_a_thread_leads_back_to_it(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="thinking")

    sent = browser.post(f"/runs/{run.pk}/messages/", {"text": "In words.", "thread": "1"})

    assert (sent.status_code, sent["Location"]) == (302, f"/threads/{run.pk}/?at={run.pk}#run-{run.pk}")


@pytest.mark.parametrize("text", ["", "In words."])
def test_the_form_comes_back_as_that_of_the_thread(owner: User, make_run: MakeRun, browser: Client, text: str) -> None:
    run = make_run(owner, status="thinking")

    answer = browser.post(f"/runs/{run.pk}/messages/", {"text": text, "thread": "1"}, headers=HTMX)

    assert answer.status_code == (200 if text else 422)
    assert '<input type="hidden" name="thread" value="1">' in answer.content.decode()
    assert ("sent" in answer.headers.get("HX-Trigger", "")) == bool(text)


def test_an_answer_after_which_the_run_went_on_is_an_answer_of_the_conversation(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="completed", answer="It is IV.")
    record(
        run,
        ("reasoning", "Two and two.", None),
        ("note", "It is **4** <b>sharp</b>.", SoFarPayload(answer="It is 4.")),
        (
            "message",
            "In Roman numerals.",
            MessagePayload(message_id="m", by=owner.username, sent_at=0.0, interrupts=False),
        ),
        ("answer", "It is IV.", None),
    )

    page = page_of(browser, run)

    entry = page[page.index(f'id="run-{run.pk}"') :]
    places = [
        entry.index(words) for words in ("Answer so far", "<strong>4</strong>", "In Roman numerals.", "data-answer")
    ]
    assert places == sorted(places)
    assert "&lt;b&gt;sharp&lt;/b&gt;" in entry
    assert (entry.count("data-so-far"), len(re.findall(r"data-answer[ >]", entry))) == (1, 1)
    assert entry.count('data-fold="') == 2  # the thought before, and the end


def test_an_edit_that_comes_after_the_message_was_read_can_be_sent_as_another_one(
    owner: User, make_run: MakeRun, browser: Client
) -> None:
    run = make_run(owner, status="thinking")
    message, _ = control.send_message(run.pk, by=owner, text="In feet.")
    run.messages.update(state="read", read_before_turn=2)

    answer = browser.post(f"/runs/{run.pk}/messages/{message.pk}/", {"text": "In metres, please."})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "It was read before turn 2." in page and "In feet." in page
    assert has_composer(page, run) and "In metres, please.</textarea>" in page
    assert not has_composer(browser.get(f"/runs/{run.pk}/messages/{message.pk}/").content.decode(), run)


@pytest.mark.parametrize("where", ["threads", "runs"])
def test_what_cannot_be_seen_in_a_message_is_shown_by_name_and_markup_is_text(
    owner: User, make_run: MakeRun, browser: Client, where: str
) -> None:
    run = make_run(owner, status="thinking")
    hostile = "</textarea><script>alert(1)</script>\x1b[31m\u202eevil\u2066 {{ task }} {% include 'x' %}"
    message, _ = control.send_message(run.pk, by=owner, text=hostile)

    page = browser.get(f"/{where}/{run.pk}/").content.decode()
    form = browser.get(f"/runs/{run.pk}/messages/{message.pk}/").content.decode()

    assert not any(hidden in page for hidden in ("\x1b", "\u202e", "\u2066"))
    assert "<script>alert" not in page and "<script>alert" not in form
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "{{ task }}" in page
    assert form.count("</textarea>") == 1
