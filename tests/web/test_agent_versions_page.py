"""The pages of an agent's versions: their list, one of them, two side by side, and the way back to one."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine import control
from runs.models import Agent, Run
from runs.web.agent_version_rows import PER_PAGE
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


@pytest.fixture
def clerk(staff: User) -> Agent:
    """An agent with three versions."""
    agent = Agent(name="Clerk", model_names=["offline"], instructions="Be brief.\nAsk <b>twice</b> before you pay.")
    agent.save(by=staff, message="The beginning")
    agent.instructions, agent.tools = "Be brief.\nAsk <b>once</b> before you pay.", ["calculator"]
    agent.save(by=staff)
    agent.max_turns = 3
    agent.save()
    return agent


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_list_says_who_saved_what_and_when_the_latest_first(browser: Client, clerk: Agent, owner: User) -> None:
    control.launch(user=owner, task="Count.", agent=clerk)

    shown = browser.get(f"/agents/{clerk.pk}/versions/")

    rows = [(each.number, each.author, each.message, each.changed, each.runs) for each in shown.context["rows"]]
    assert rows == [
        (3, "", "", "Max turns", 1),
        (2, "staff", "", "Instructions, Tools", 0),
        (1, "staff", "The beginning", "", 0),
    ]
    assert "/runs/?agent=Clerk&amp;version=3" in shown.text


def test_many_versions_are_a_page_at_a_time(browser: Client, clerk: Agent) -> None:
    for number in range(PER_PAGE):
        clerk.max_turns = number + 10
        clerk.save()

    first = browser.get(f"/agents/{clerk.pk}/versions/")
    second = browser.get(f"/agents/{clerk.pk}/versions/?before={first.context['before']}")

    numbers = [row.number for page in (first, second) for row in page.context["rows"]]
    assert numbers == list(range(PER_PAGE + 3, 0, -1))
    assert second.context["before"] is None


def test_a_version_is_shown_as_a_whole(browser: Client, clerk: Agent) -> None:
    shown = text_of(browser.get(f"/agents/{clerk.pk}/versions/2/").text)

    assert "Version 2" in shown and "calculator" in shown and "Max turns 20" in shown
    assert "&lt;b&gt;once&lt;/b&gt;" in shown


def test_two_versions_are_compared_setting_by_setting(browser: Client, clerk: Agent) -> None:
    page = browser.get(f"/agents/{clerk.pk}/compare/?from=1&to=3")

    assert [each.key for each in page.context["settings"]] == ["instructions", "tools", "max_turns"]
    assert "<mark>twice</mark>" in page.text and "<mark>once</mark>" in page.text
    assert "<b>" not in page.text


def test_without_numbers_the_last_two_are_compared(browser: Client, clerk: Agent) -> None:
    page = browser.get(f"/agents/{clerk.pk}/compare/?from=x")

    assert (page.context["before"].number, page.context["after"].number) == (2, 3)


def test_roll_back_is_one_click_and_one_new_version(browser: Client, clerk: Agent, staff: User) -> None:
    answer = browser.post(f"/agents/{clerk.pk}/versions/1/restore/")

    assert answer["Location"] == f"/agents/{clerk.pk}/"
    clerk.refresh_from_db()
    latest = clerk.versions.get(number=4)
    assert (clerk.version, clerk.tools, clerk.max_turns) == (4, None, 20)
    assert (latest.config, latest.author, latest.restored_from) == (clerk.versions.get(number=1).config, staff, 1)
    assert clerk.versions.count() == 4


def test_restoring_what_is_there_makes_no_version(browser: Client, clerk: Agent) -> None:
    browser.post(f"/agents/{clerk.pk}/versions/3/restore/")

    assert clerk.versions.count() == 3


def test_a_version_whose_name_another_agent_has_is_not_restored(browser: Client, clerk: Agent) -> None:
    clerk.name = "Cashier"
    clerk.save()
    Agent.objects.create(name="Clerk", model_names=["offline"])

    page = browser.post(f"/agents/{clerk.pk}/versions/1/restore/", follow=True)

    assert "Another agent is called “Clerk” now" in page.text
    assert (Agent.objects.get(pk=clerk.pk).name, clerk.versions.count()) == ("Cashier", 4)


@pytest.mark.parametrize("address", ["versions/9/", "compare/?from=1&to=9", "versions/99999999999999999999/"])
def test_a_version_that_there_is_not_is_404(browser: Client, clerk: Agent, address: str) -> None:
    assert browser.get(f"/agents/{clerk.pk}/{address}").status_code == 404


def test_people_who_may_only_read_agents_see_versions_and_restore_none(browser_of: BrowserOf, clerk: Agent) -> None:
    reader = browser_of(person_with("reader", "view_agent"))

    page = reader.get(f"/agents/{clerk.pk}/versions/1/")

    assert page.status_code == 200 and "Restore" not in page.text
    assert reader.post(f"/agents/{clerk.pk}/versions/1/restore/").status_code == 404


def test_people_who_may_launch_see_the_number_on_a_run_without_a_link(
    browser_of: BrowserOf, clerk: Agent, owner: User
) -> None:
    run = control.launch(user=owner, task="Count.", agent=clerk)

    page = browser_of(owner).get(run.get_absolute_url()).text

    assert "<span data-version>version 3</span>" in page
    assert f"/agents/{clerk.pk}/versions/" not in browser_of(owner).get(f"/agents/{clerk.pk}/").text


def test_the_list_of_runs_is_filtered_by_agent_and_version(browser: Client, clerk: Agent, owner: User) -> None:
    first = control.launch(user=owner, task="Count.", agent=clerk)
    clerk.max_turns = 4
    clerk.save()
    second = control.launch(user=owner, task="Count.", agent=clerk)

    listed = [
        [run.pk for run in browser.get(f"/runs/?agent=Clerk&version={number}").context["runs"]] for number in (3, 4, 5)
    ]

    assert listed == [[first.pk], [second.pk], []]
    assert Run.objects.count() == 2
