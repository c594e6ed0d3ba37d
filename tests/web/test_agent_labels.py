"""Labels and the archive on the pages of agents, and the choice of a version on the launch form."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Agent, LabelMove, Run
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


@pytest.fixture
def clerk(agent: Agent) -> Agent:
    """An agent beside the default one, with two versions."""
    clerk = Agent.objects.create(name="Clerk", model_names=["offline"], instructions="Be brief.")
    clerk.instructions = "Be kind."
    clerk.save()
    return clerk


def set_label(browser: Client, clerk: Agent, **fields: str) -> str:
    return browser.post(f"/agents/{clerk.pk}/labels/", fields, follow=True).text


def test_a_label_is_set_moved_and_removed_and_the_page_says_who_did_it(browser: Client, clerk: Agent) -> None:
    for number in ("1", "2"):
        page = set_label(browser, clerk, name="production", number=number)

    assert 'data-label-name="production"' in page and "Who moved them" in page
    assert [(move.number, move.author.get_username()) for move in LabelMove.objects.all() if move.author] == [
        (2, "staff"),
        (1, "staff"),
    ]
    assert 'data-label-name="production"' not in set_label(browser, clerk, name="production", do="remove")


def test_what_is_no_label_or_no_version_is_refused_in_words(browser: Client, clerk: Agent) -> None:
    assert "lower-case letters" in set_label(browser, clerk, name="Production!", number="1")
    assert "There is no such version." in set_label(browser, clerk, name="production", number="9")
    assert "There is no such version." in set_label(browser, clerk, name="production", number="one")
    assert not clerk.labels.exists()


def test_labels_are_moved_by_people_who_may_change_agents_only(browser_of: BrowserOf, clerk: Agent) -> None:
    reader = browser_of(person_with("reader", "view_agent"))

    answer = reader.post(f"/agents/{clerk.pk}/labels/", {"name": "production", "number": "1"})

    assert (answer.status_code, clerk.labels.count()) == (404, 0)


def test_the_launch_form_offers_labels_and_to_readers_of_agents_versions(
    browser: Client, browser_of: BrowserOf, clerk: Agent, owner: User
) -> None:
    address = "/runs/new/versions/?agent=Clerk"
    assert browser_of(owner).get(address).text.strip() == ""
    control.set_label(clerk.pk, "production", 1, by=None)

    assert browser_of(owner).get(address).context["versions"] == [("Clerk@production", "production → v1")]
    assert ("Clerk@1", "Version 1") in browser.get(address).context["versions"]


def test_a_run_is_launched_with_the_chosen_version(browser: Client, clerk: Agent) -> None:
    control.set_label(clerk.pk, "production", 1, by=None)

    answer = browser.post("/runs/", {"task": "Count.", "agent": "Clerk", "version": "Clerk@production"})

    run = Run.objects.get()
    assert (answer.status_code, run.version, run.config["instructions"]) == (302, 1, "Be brief.")


@pytest.mark.parametrize(
    ("named", "version", "complaint"),
    [("Assistant", "Clerk@1", "The version is one of Clerk."), ("Clerk", "Clerk@9", "Clerk has no version 9.")],
)
def test_a_version_that_the_agent_does_not_have_comes_back_with_the_form(
    browser: Client, clerk: Agent, named: str, version: str, complaint: str
) -> None:
    answer = browser.post("/runs/", {"task": "Count.", "agent": named, "version": version})

    assert answer.status_code == 422
    assert complaint in str(answer.context["form"].errors)
    assert not Run.objects.exists()


def test_an_archived_agent_is_offered_nowhere_and_found_in_the_archive(browser: Client, clerk: Agent) -> None:
    browser.post(f"/agents/{clerk.pk}/archive/", {"archived": "1"})

    assert "Archived: no run is launched with it." in browser.get(f"/agents/{clerk.pk}/").text
    for address in ("/runs/new/", "/", "/agents/"):
        assert "Clerk" not in browser.get(address).text
    assert "Clerk" in browser.get("/agents/?archived=1").text
    assert browser.post("/runs/", {"task": "Count.", "agent": "Clerk"}).status_code == 422

    browser.post(f"/agents/{clerk.pk}/archive/", {"archived": ""})

    assert "Clerk" in browser.get("/agents/").text


def test_the_default_agent_stays_in_use(browser: Client, agent: Agent) -> None:
    page = browser.post(f"/agents/{agent.pk}/archive/", {"archived": "1"}, follow=True).text

    assert "The default agent is not archived." in page
