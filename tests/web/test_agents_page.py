"""The list of agents, and the page of one."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.agent.tools.registry import offered_tools
from runs.engine.files.uploads import store_document
from runs.engine.skills.uploads import store_skill
from runs.models import Agent, Library, Run
from tests.agent.skills.skill_folders import skill_md, zip_of
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]


@pytest.fixture
def clerk(db: None) -> Agent:
    """An agent with something to say about each part of it."""
    return Agent.objects.create(
        name="Clerk",
        description="Looks things up",
        instructions="The password is tulip.",
        model_names=["local/m1", "offline"],
        strategy="race",
        tools=["calculator", "gone"],
        tool_approvals={"calculator": "always"},
        max_cost_usd=Decimal("0.5"),
        approval_seconds=3600,
        output_schema={"type": "object"},
        launch_may_raise=["models"],
    )


def page_of(client: Client, address: str) -> str:
    """The words of a page, each gap one space."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_list_says_what_an_agent_is_and_how_its_runs_went(
    owner: User, clerk: Agent, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    for status in ("completed", "completed", "failed", "cancelled"):
        make_run(owner, agent=clerk, status=status, cost=Decimal("0.01"))
    make_run(owner, agent=clerk, could_not=True)
    make_run(owner, agent=clerk, created_at=timezone.now() - timedelta(days=31), cost=Decimal("0.01"))

    client = browser_of(owner)
    page = page_of(client, "/agents/")
    [row] = [each for each in client.get("/agents/").context["rows"] if each.agent == clerk]

    assert (row.statistics.recent, row.statistics.success, row.statistics.cost) == (5, 50, Decimal("0.05"))
    assert (row.model, row.further_models, len(row.tools), row.unsafe) == ("local/m1", 1, 2, 0)
    assert row.limits == "20 turns · 10 min · $0.50"
    for words in ("Clerk", "Looks things up", "50 %", "$0.05"):
        assert words in page
    assert "2 completed, 1 could not do it, 1 failed" in page_of(client, f"/agents/{clerk.pk}/")


def test_a_run_that_waits_says_since_when_and_not_of_which_agent_on_the_agents_own_page(
    owner: User, clerk: Agent, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    run = make_run(owner, agent=clerk, status="waiting", waiting_for="approval", steps=1)
    run.steps.update(ended_at=timezone.now())

    row = page_of(browser_of(owner), f"/agents/{clerk.pk}/").partition('class="run-row"')[2]

    assert "waits <time" in row and "data-elapsed" not in row
    assert "<span>Clerk</span>" not in row


def test_the_statistics_are_those_of_runs_one_may_see(
    owner: User, other: User, staff: User, clerk: Agent, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    make_run(owner, agent=clerk)

    seen = {}
    for person in (owner, other, staff):
        rows = browser_of(person).get("/agents/").context["rows"]
        seen[person.username] = next(row.statistics.recent for row in rows if row.agent == clerk)

    assert seen == {"owner": 1, "other": 0, "staff": 1}


def test_an_agent_of_the_built_in_model_is_free(
    owner: User, agent: Agent, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    make_run(owner)

    client = browser_of(owner)
    pages = ["".join(page_of(client, url).split()) for url in ("/agents/", f"/agents/{agent.pk}/")]

    assert all(">free<" in page for page in pages)


def test_a_cost_that_is_not_known_whole_is_at_least_that(
    owner: User, clerk: Agent, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    make_run(owner, agent=clerk, cost=Decimal("0.25"), tokens_used=10)
    make_run(owner, agent=clerk, cost=None, tokens_used=10)

    [row] = [each for each in browser_of(owner).get("/agents/").context["rows"] if each.agent == clerk]

    assert (row.statistics.cost, row.statistics.is_partial) == (Decimal("0.25"), True)
    assert "≥ " in page_of(browser_of(owner), "/agents/")


def test_fifty_agents_and_three_thousand_runs_are_listed_in_a_few_queries_and_at_once(
    owner: User, make_run: Callable[..., Run], browser_of: BrowserOf, django_assert_max_num_queries: Any
) -> None:
    agents = [Agent.objects.create(name=f"Agent {number}", model_names=["offline"]) for number in range(50)]
    like = make_run(owner, agent=agents[0], cost=Decimal("0.01"))
    Run.objects.bulk_create(
        Run(user=owner, agent=agents[number % 50], config={}, task="x", status="completed", cost=like.cost)
        for number in range(3000)
    )
    client = browser_of(owner)
    client.get("/agents/")

    started = process_time()
    with django_assert_max_num_queries(12):
        response = client.get("/agents/")
    took_s = process_time() - started

    assert len(response.context["rows"]) == 51
    assert took_s < 1.5, f"{took_s:.3f} s"  # 0.1 s on a machine that does nothing else


def test_without_agents_the_list_offers_one_thing_to_those_who_may(
    owner: User, staff: User, browser_of: BrowserOf
) -> None:
    Agent.objects.all().delete()

    assert "Make your first agent" in page_of(browser_of(staff), "/agents/")
    assert "Make your first agent" not in page_of(browser_of(owner), "/agents/")
    assert "Ask a person who manages this site" in page_of(browser_of(owner), "/agents/")


def test_who_may_launch_reads_what_an_agent_is_but_not_its_instructions(
    owner: User, clerk: Agent, browser_of: BrowserOf
) -> None:
    page = page_of(browser_of(owner), f"/agents/{clerk.pk}/")

    for words in (
        "Looks things up", "local/m1", "Race", "calculator", "Computes only", "Asks first", "Gone",
        "$0.50", "Denied after 1 h", "Models: others, or a dearer strategy", "Data, by a JSON Schema",
        f'href="/runs/new/?agent={clerk.name}"',
    ):  # fmt: skip
        assert words in page
    assert "tulip" not in page
    assert f"/agents/{clerk.pk}/edit/" not in page and "/agents/new/" not in page


def test_who_may_see_agents_reads_the_instructions_and_who_may_change_them_is_offered_it(
    clerk: Agent, browser_of: BrowserOf
) -> None:
    reader, editor = person_with("reader", "view_agent"), person_with("editor", "change_agent")

    read, edited = (page_of(browser_of(each), f"/agents/{clerk.pk}/") for each in (reader, editor))

    assert "tulip" in read and "tulip" in edited
    assert f"/agents/{clerk.pk}/edit/" in edited and f"/agents/{clerk.pk}/edit/" not in read
    assert "/runs/new/?agent=" in edited and "/runs/new/?agent=" not in read


def test_an_agent_with_all_tools_has_those_that_are_offered(staff: User, agent: Agent, browser_of: BrowserOf) -> None:
    response = browser_of(staff).get(f"/agents/{agent.pk}/")

    assert [tool.name for tool in response.context["tools"]] == list(offered_tools())
    assert "all, also later ones" in response.content.decode()


def test_the_runs_of_an_agent_are_those_one_may_see(
    owner: User, other: User, clerk: Agent, make_run: Callable[..., Run], browser_of: BrowserOf
) -> None:
    make_run(owner, agent=clerk, task="count the tides")

    assert "count the tides" in page_of(browser_of(owner), f"/agents/{clerk.pk}/")
    assert "count the tides" not in page_of(browser_of(other), f"/agents/{clerk.pk}/")


def test_launch_opens_the_form_with_the_agent_chosen(
    owner: User, agent: Agent, clerk: Agent, browser_of: BrowserOf
) -> None:
    page = page_of(browser_of(owner), "/runs/new/?agent=Clerk")

    assert '<option value="Clerk" selected>' in page


def test_the_agents_are_named_in_the_navigation_for_those_who_may_see_them(
    owner: User, agent: Agent, browser_of: BrowserOf
) -> None:
    nobody = person_with("nobody", "view_run")

    assert 'href="/agents/"' in page_of(browser_of(owner), "/runs/")
    assert 'href="/agents/"' not in page_of(browser_of(nobody), "/runs/")
    assert browser_of(nobody).get("/agents/").status_code == 404


def test_the_page_of_an_agent_shows_its_libraries_and_skills_with_what_is_in_them(
    owner: User, clerk: Agent, browser_of: BrowserOf
) -> None:
    library = Library.objects.create(name="Handbook", description="How we work")
    for name in ("a.md", "b.md"):
        store_document(name, b"Refunds take 30 days.\n" * 100, library=library)
    store_skill(zip_of({"expense-report/SKILL.md": skill_md(), "expense-report/a.md": "x"}), user=None, replaces=False)
    clerk.libraries, clerk.skills = ["Handbook", "sold"], ["expense-report", "lost"]
    clerk.tools = ["read_file", "read_skill"]
    clerk.save()

    page = page_of(browser_of(owner), f"/agents/{clerk.pk}/")

    assert f'href="{library.get_absolute_url()}" dir="auto">Handbook</a>' in page
    assert "2 documents · 4.3 KB" in page and "How we work" in page
    assert 'href="/skills/expense-report/" dir="auto">expense-report</a>' in page
    assert "2 files · " in page
    assert page.count("No longer there") == 2
    assert "of no use to it" not in page


def test_an_agent_without_libraries_and_skills_says_so_and_so_does_one_that_cannot_read_them(
    owner: User, clerk: Agent, browser_of: BrowserOf
) -> None:
    page = page_of(browser_of(owner), f"/agents/{clerk.pk}/")
    assert "It reads no library: only the files given with its tasks." in page
    assert "It has no skills." in page

    clerk.libraries, clerk.skills = ["Handbook"], ["expense-report"]
    clerk.save()

    page = page_of(browser_of(owner), f"/agents/{clerk.pk}/")
    assert "None of its tools reads documents" in page
    assert "None of its tools reads skills" in page
