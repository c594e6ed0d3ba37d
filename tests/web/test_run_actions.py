"""Pausing, resuming, forcing and following up from the pages: messages and redirects."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import Run
from tests.markup import flat
from tests.web.conftest import HTMX


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def said(response: Any) -> str:
    """The text of the toast in a response to htmx."""
    text: str = json.loads(response["HX-Trigger"])["toast"]["text"]
    return text


def test_a_queued_run_is_paused_and_goes_on(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    run = make_run(owner, status="idle")

    paused = browser.post(f"/runs/{run.pk}/pause/", headers=HTMX)
    page = flat(browser.get(f"/runs/{run.pk}/").content.decode())
    resumed = browser.post(f"/runs/{run.pk}/resume/", headers=HTMX)

    assert (paused.status_code, said(paused)) == (204, "The run is paused.")
    assert "Paused</span>" in page and f"/runs/{run.pk}/resume/" in page
    assert (resumed.status_code, said(resumed)) == (204, "The run goes on.")
    run.refresh_from_db()
    assert (run.status, run.waiting_for) == ("idle", "")


def test_a_failed_run_goes_on_with_twice_the_turns_and_its_page_is_loaded_again(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="failed", error={"code": "limit_max_turns", "message": "Too many."})
    turns = run.config["max_turns"]
    page = browser.get(f"/runs/{run.pk}/").content.decode()

    response = browser.post(f"/runs/{run.pk}/resume/?more=max_turns", headers=HTMX)

    assert f"/runs/{run.pk}/resume/?more=max_turns" in page
    assert "Resume with more turns" in page
    assert response["HX-Refresh"] == "true"
    run.refresh_from_db()
    assert (run.status, run.config["max_turns"]) == ("idle", 2 * turns)


def test_a_completed_run_is_not_resumed_but_followed_up(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner)

    refused = browser.post(f"/runs/{run.pk}/resume/", headers=HTMX)
    followed = browser.post(f"/runs/{run.pk}/continue/", {"message": "And then?"}, headers=HTMX)

    assert "cannot go on" in said(refused)
    further = Run.objects.get(continues=run)
    assert (followed.status_code, followed["HX-Redirect"]) == (204, f"/runs/{further.pk}/")
    assert (further.task, further.user, further.config) == ("And then?", owner, run.config)
    assert f"/runs/{run.pk}/" in browser.get(f"/runs/{further.pk}/").content.decode()
    assert "And then?" in browser.get(f"/runs/{run.pk}/").content.decode()


def test_a_follow_up_without_words_or_of_a_run_that_goes_on_says_so_in_the_form(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    done, queued = make_run(owner), make_run(owner, status="idle")

    empty = browser.post(f"/runs/{done.pk}/continue/", {"message": " "}, headers=HTMX)
    early = browser.post(f"/runs/{queued.pk}/continue/", {"message": "And?"})

    assert empty.status_code == early.status_code == 422
    assert "Type what should be done next." in empty.content.decode()
    assert "has not ended yet" in early.content.decode()
    assert not Run.objects.filter(continues__isnull=False).exists()


def test_the_form_of_a_runs_buttons_does_nothing_when_it_is_sent_without_a_button(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="idle")
    tag = re.search(r'<form id="run-actions"[^>]*>', browser.get(f"/runs/{run.pk}/").content.decode())
    assert tag is not None

    answers = [browser.post(address) for address in re.findall(r'(?:action|hx-post)="([^"]*)"', tag[0])]

    assert [answer.status_code for answer in answers] == [405, 405]
    run.refresh_from_db()
    assert (run.status, run.cancel_requested_at, run.pause_requested_at) == ("idle", None, None)


def test_a_stop_can_be_forced_after_ten_seconds_and_the_button_comes_then(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="thinking", owner="a host that hangs")
    never_asked = browser.post(f"/runs/{run.pk}/force/", headers=HTMX)
    browser.post(f"/runs/{run.pk}/cancel/")
    early_page = browser.get(f"/runs/{run.pk}/").content.decode()
    early = browser.post(f"/runs/{run.pk}/force/", headers=HTMX)
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now() - timedelta(seconds=11))
    page = browser.get(f"/runs/{run.pk}/").content.decode()
    forced = browser.post(f"/runs/{run.pk}/force/", headers=HTMX)

    assert "Stop it first" in said(never_asked)
    assert " hidden>" in early_page.split("/force/")[1].split("Force stop")[0]
    assert "s left to stop it by itself" in said(early)
    assert "hidden" not in page.split("/force/")[1].split("Force stop")[0].split(">")[0]
    assert said(forced).startswith("The run is stopped.")
    run.refresh_from_db()
    assert (run.status, run.owner) == ("cancelled", None)
