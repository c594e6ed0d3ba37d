"""What the admin deletes, and what it keeps and says why."""

from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from runs.agent.tools.person_questions import PersonQuestion
from runs.models import Agent, ApiToken, Question, Run
from tests.asked_questions import asked_question
from tests.web.identities import make_groups
from tests.web.permission_site import waiting_call


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("who", ["superuser", "administrator"])
def test_tokens_go_with_their_owner(
    who: str, language: str, other: User, staff: User, browser_of: Callable[..., Client]
) -> None:
    token, _text = ApiToken.issue(other, name="x", scopes=["read"])
    token.revoke()
    if who == "administrator":
        make_groups()
        staff.is_superuser = False
        staff.save()
        staff.groups.add(Group.objects.get(name="Administrators"))

    page = f"/admin/auth/user/{other.pk}/delete/"
    browser_of(staff).post(page, {"post": "yes"}, headers={"Accept-Language": language})

    assert not User.objects.filter(pk=other.pk).exists()
    assert not ApiToken.objects.exists()


def test_an_account_with_runs_or_decisions_says_that_they_stay_and_what_to_do_instead(
    owner: User, other: User, staff: User, make_run: Callable[..., Run], browser_of: Callable[..., Client]
) -> None:
    call = waiting_call(make_run(owner))
    call.decided_by = other
    call.save()
    answered = asked_question(make_run(owner), PersonQuestion(text="Where?"))
    Question.objects.filter(pk=answered.pk).update(answered_by=other)
    ApiToken.issue(owner, name="x", scopes=["read"])
    browser = browser_of(staff)

    pages = [browser.get(f"/admin/auth/user/{user.pk}/delete/").content.decode() for user in (owner, other)]
    ids = [owner.pk, other.pk]
    bulk = browser.post("/admin/auth/user/", {"action": "delete_selected", "_selected_action": ids}).content.decode()
    forced = browser.post(f"/admin/auth/user/{owner.pk}/delete/", {"post": "yes"})

    launched = "owner: 2 runs of theirs would lose their name, and are kept. Switch the account off instead"
    decided = "other: 2 decisions they took would lose their name, and are kept. Switch the account off instead"
    assert launched in pages[0] and decided in pages[1]
    assert launched in bulk and decided in bulk
    for page in (*pages, bulk):
        assert "have permission to delete" not in unescape(page)
    assert forced.status_code == 200
    assert User.objects.filter(pk__in=ids).count() == 2


def test_what_the_admin_never_deletes_says_why(
    owner: User, staff: User, make_run: Callable[..., Run], browser_of: Callable[..., Client]
) -> None:
    run = make_run(owner, steps=1)
    token, _text = ApiToken.issue(owner, name="x", scopes=["read"])
    pages = [f"runs/run/{run.pk}", f"runs/step/{run.steps.get().pk}", f"runs/toolcall/{waiting_call(run).pk}"]

    answers = [browser_of(staff).get(f"/admin/{page}/delete/") for page in pages]
    of_token = browser_of(staff).get(f"/admin/runs/apitoken/{token.pk}/delete/")

    assert {answer.status_code for answer in [*answers, of_token]} == {403}
    assert all("What a run did is kept as it was." in answer.content.decode() for answer in answers)
    assert "A token is revoked rather than deleted." in of_token.content.decode()


def test_an_agent_with_runs_can_be_deleted_and_the_runs_keep_what_they_were_launched_with(
    owner: User, agent: Agent, staff: User, make_run: Callable[..., Run], browser_of: Callable[..., Client]
) -> None:
    run = make_run(owner)

    browser_of(staff).post(f"/admin/runs/agent/{agent.pk}/delete/", {"post": "yes"})

    run.refresh_from_db()
    assert (run.agent, run.config["agent"]) == (None, "Assistant")
