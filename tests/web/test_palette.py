"""The palette: what it finds for whom, and that what was typed can be run."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from runs.models import Agent, PagePreferences, Run, TaskTemplate
from tests.web.agent_fixtures import person_with

Browser = Callable[[User | None], Client]
MakeRun = Callable[..., Run]


def rows(client: Client, typed: str, **options: Any) -> dict[str, str]:
    """The words of the rows for the dialog, in order, and where each leads."""
    page = client.get("/palette/", {"q": typed}, **options).content.decode()
    found = re.findall(
        r'role="option".*?href="([^"]*)".*?<span class="palette-words"[^>]*>(.*?)</span>', page, re.DOTALL
    )
    return {html.unescape(words): html.unescape(url) for url, words in found}


def first_row(client: Client, typed: str) -> str:
    """The words of the row that Enter opens."""
    page = client.get("/palette/", {"q": typed}).content.decode()
    marked = re.findall(r'data-first.*?<span class="palette-words"[^>]*>(.*?)</span>', page, re.DOTALL)
    assert len(marked) == 1
    return html.unescape(marked[0])


def give(user: User, codename: str) -> User:
    user.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label="runs"))
    return User.objects.get(pk=user.pk)


def test_a_run_is_found_by_words_of_its_task_in_any_case(owner: User, browser_of: Browser, make_run: MakeRun) -> None:
    wanted, _another = make_run(owner, task="When is HIGH tide?"), make_run(owner, task="half of 90")

    found = rows(browser_of(owner), "high Tide")

    assert found["When is HIGH tide?"] == wanted.get_absolute_url()
    assert "half of 90" not in found


@pytest.mark.parametrize("length", [4, 8, 12, 36])
def test_a_run_is_found_by_the_beginning_of_its_id(
    owner: User, browser_of: Browser, make_run: MakeRun, length: int
) -> None:
    wanted = make_run(owner, task="half of 90")

    assert rows(browser_of(owner), str(wanted.pk)[:length])["half of 90"] == wanted.get_absolute_url()


def test_three_digits_of_an_id_are_too_few(owner: User, browser_of: Browser, make_run: MakeRun) -> None:
    run = make_run(owner, task="half of ninety")

    assert run.get_absolute_url() not in rows(browser_of(owner), str(run.pk)[:3]).values()


def test_another_persons_runs_are_found_by_nobody_who_may_not_see_them(
    owner: User, other: User, staff: User, browser_of: Browser, make_run: MakeRun
) -> None:
    run = make_run(owner, task="a secret plan")
    asked = ("a secret", str(run.pk), str(run.pk)[:8], "#secret", "")

    seen = {typed: run.get_absolute_url() in rows(browser_of(other), typed).values() for typed in asked}

    assert seen == dict.fromkeys(asked, False)
    assert run.get_absolute_url() in rows(browser_of(staff), "a secret").values()
    assert run.get_absolute_url() in rows(browser_of(owner), "").values()


def test_the_last_row_leads_to_the_launch_form_with_what_was_typed(
    owner: User, browser_of: Browser, agent: Agent
) -> None:
    client = browser_of(owner)
    words, url = list(rows(client, "Water the <plants> & trees").items())[-1]

    form = html.unescape(client.get(url).content.decode())

    assert words == "Run “Water the <plants> & trees” with Assistant"
    assert "\nWater the <plants> & trees</textarea>" in form


def test_without_a_match_enter_leads_to_a_launch_of_what_was_typed(
    owner: User, browser_of: Browser, agent: Agent
) -> None:
    client = browser_of(owner)

    assert first_row(client, "water the plants") == "Run “water the plants” with Assistant"
    assert "No match. Enter fills it in as a new task." in client.get("/palette/?q=water").content.decode()


def test_with_a_match_enter_opens_it(owner: User, browser_of: Browser, make_run: MakeRun) -> None:
    make_run(owner, task="water the plants")

    assert first_row(browser_of(owner), "water") == "water the plants"


def test_who_may_not_launch_is_offered_no_launch(owner: User, browser_of: Browser, agent: Agent) -> None:
    reader = give(owner, "view_step")

    for typed in ("", "Assistant", "@", ">run", "something new"):
        found = rows(browser_of(reader), typed)
        assert [words for words, url in found.items() if "/runs/new/" in url] == []
    assert list(rows(browser_of(reader), "something new")) == ["Search all runs for “something new”"]


def test_an_agent_is_found_by_its_name_and_leads_to_a_launch_of_it(
    owner: User, browser_of: Browser, agent: Agent
) -> None:
    Agent.objects.create(name="Order clerk", model_names=["offline"], description="Looks up stock")
    client = browser_of(owner)

    found = rows(client, "@clerk")

    assert list(found) == ["Order clerk"]
    form = client.get(found["Order clerk"]).content.decode()
    assert re.search(r'<option value="Order clerk"\s+selected>', form)


def test_a_tool_is_found_by_its_name_by_those_who_may_see_agents(owner: User, browser_of: Browser) -> None:
    stranger = person_with("stranger", "view_step")

    for typed in ("text_sta", "text+sta"):
        assert 'href="/tools/text_stats/"' in browser_of(owner).get(f"/palette/?q={typed}").content.decode()
        assert "/tools/" not in browser_of(stranger).get(f"/palette/?q={typed}").content.decode()


def test_pages_are_found_by_those_who_may_see_them(owner: User, staff: User, browser_of: Browser) -> None:
    pages = {"/models/", "/admin/"}

    theirs = {url for typed in ("Models", "Admin") for url in rows(browser_of(owner), typed).values()}
    of_staff = {url for typed in ("Models", "Admin") for url in rows(browser_of(staff), typed).values()}

    assert theirs & pages == set()
    assert of_staff & pages == pages


@pytest.mark.parametrize(("typed", "groups"), [(">", {"do"}), ("#", {"runs"}), ("@", {"agents"})])
def test_a_first_character_limits_the_search_to_one_kind(
    owner: User, browser_of: Browser, make_run: MakeRun, typed: str, groups: set[str]
) -> None:
    make_run(owner)

    page = browser_of(owner).get("/palette/", {"q": typed}).content.decode()

    assert set(re.findall(r'class="palette-title" id="palette-(\w+)"', page)) == groups


@pytest.mark.parametrize("typed", ["\x00", "%", "_", "\\", "ffff\x00", "'; --", "x" * 5_000, ">", "   "])
def test_whatever_is_typed_is_answered(owner: User, browser_of: Browser, make_run: MakeRun, typed: str) -> None:
    make_run(owner, task="half of 90")

    response = browser_of(owner).get("/palette/", {"q": typed})

    assert response.status_code == 200
    assert ("half of 90" in response.content.decode()) == (typed.strip("\x00 ") == "")


def test_an_answer_takes_few_queries_however_many_runs_there_are(
    owner: User, browser_of: Browser, make_run: MakeRun, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make_run(owner, task=f"half of {number}")
    client = browser_of(owner)

    with django_assert_max_num_queries(14):
        found = rows(client, "half of")

    assert len([words for words in found if words.startswith("half of")]) == 5


def test_the_search_page_shows_the_same_rows_as_links_that_work_without_javascript(
    owner: User, browser_of: Browser, make_run: MakeRun
) -> None:
    run = make_run(owner, task="half of 90")
    client = browser_of(owner)

    page = client.get("/search/", {"q": "half"}).content.decode()

    assert f'href="{run.get_absolute_url()}"' in page
    assert 'value="half"' in page
    assert "Run “half” with Assistant" in page
    assert "data-press" not in page and 'href="#"' not in page
    assert page.count('role="option"') == 0


def used(client: Client) -> list[str]:
    """The words of what was used last, latest first."""
    page = client.get("/palette/").content.decode()
    _before, _, rest = page.partition('aria-labelledby="palette-used"')
    text, _, _after = rest.partition('class="palette-group"')
    return [html.unescape(words) for words in re.findall(r'palette-words"[^>]*>(.*?)</span>', text)]


def test_what_was_opened_last_comes_first_and_only_while_the_person_may_see_it(
    owner: User, other: User, browser_of: Browser, make_run: MakeRun
) -> None:
    run, theirs = make_run(owner, task="half of 90"), make_run(other, task="Secret")
    client = browser_of(owner)
    for url in ("/threads/", run.get_absolute_url(), theirs.get_absolute_url(), "/inbox/", "/threads/"):
        assert client.post("/palette/used/", {"url": url}).status_code == 204
    nonsense = (
        "",
        "//x.org/",
        "/no/such/",
        "x" * 400,
        f"/agents/{2**63}/",
        "/admin/a%00b/",
        "/admin/a\x00b/",
        "/healthz",
    )
    refused = [client.post("/palette/used/", {"url": url}).status_code for url in nonsense]

    before = used(client)
    run.delete()

    assert refused == [400] * len(nonsense)
    assert before == ["Threads", "Inbox", "half of 90"]
    assert used(client) == ["Threads", "Inbox"]
    assert used(browser_of(other)) == []


def test_an_id_that_no_database_has_breaks_no_palette(staff: User, browser_of: Browser) -> None:
    PagePreferences.objects.create(user=staff, palette_used=[f"/agents/{9**40}/", "/inbox/"])

    assert used(browser_of(staff)) == ["Inbox"]


def test_the_last_eight_are_kept(owner: User, browser_of: Browser, make_run: MakeRun) -> None:
    client = browser_of(owner)
    for number in range(10):
        client.post("/palette/used/", {"url": make_run(owner, task=f"Task {number}").get_absolute_url()})

    assert used(client) == [f"Task {number}" for number in range(9, 1, -1)]


def test_a_template_is_found_by_its_name_and_opens_its_form(owner: User, browser_of: Browser, agent: Agent) -> None:
    template = TaskTemplate.objects.create(agent=agent, name="Weekly report", description="For the team", task="x")
    archived = Agent.objects.create(name="Old", model_names=["offline"], archived_at=timezone.now())
    TaskTemplate.objects.create(agent=archived, name="Weekly letter", task="x")

    page = browser_of(owner).get("/palette/", {"q": "weekly"}).content.decode()

    assert f"/runs/new/?template={template.pk}" in page
    assert "Assistant · For the team" in page and "Weekly letter" not in page
