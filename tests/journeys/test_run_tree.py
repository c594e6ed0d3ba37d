"""A run that calls other agents: its tree on the pages of its runs, live, at a desk, on a phone and without scripts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.journeys.page_faults import faults_of
from tests.live_site import LiveSite
from tests.wire import Answer, Hang, Outcome, WireServer
from tests.wire.http import Request

pytestmark = pytest.mark.browser

DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
LONG = (
    "Count the pieces that are left of every article in the northern warehouse, and say which are to be ordered. "
    "Count those in the southern one too, in which nobody has looked since the spring, and say what they are worth."
)
DIGS = [f"Dig number {number}." for number in range(20)]
AGENTS = f"""
from runs.models import Agent
for name, callable_ in {{
    "Planner of the shop with a long name": ["Researcher", "Clerk"], "Researcher": ["Helper"], "Clerk": [], "Helper": []
}}.items():
    Agent.objects.create(
        name=name, model_names=[{MODEL!r}], agents=callable_, approval="never", max_child_runs=40,
        tools=["ask_person"] if name == "Clerk" else [],
    )
"""
BOSS = "Planner of the shop with a long name"
ASKS = ("ask_person", {"question": "Which warehouse?", "choices": ["North", "South"]})


def calls(agent: str, *tasks: str) -> Answer:
    """A reply that calls the agent once for each task."""
    return Answer("", calls=[("call_agent", {"agent": agent, "task": task}) for task in tasks])


def script(replies: dict[str, list[Outcome]]) -> Callable[[Request], Outcome]:
    """What the model says: the replies to each task, one a turn, and then that it is done."""

    def reply(request: Request) -> Outcome:
        messages = request.body["messages"]
        task = next(each["content"] for each in messages if each["role"] == "user")
        turn = sum(each["role"] == "assistant" for each in messages)
        said = next((replies[each] for each in replies if task.startswith(each)), [])
        return said[turn] if turn < len(said) else Answer(f"{task[:20]}: done.")

    return reply


@pytest.fixture
def site(start_site: Callable[..., LiveSite], wire_server: WireServer) -> LiveSite:
    """A site with agents that call each other, whose model has a price."""
    endpoint = {
        "name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"],
        "prices": {"m1": {"input": 100, "output": 200}},
    }  # fmt: skip
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada")
    site.ask(AGENTS)
    return site


def row(page: Page, task: str) -> Any:
    """The row of a run in the tree of a page."""
    return page.locator(".tree-run").filter(has_text=task)


async def address_of(page: Page, task: str) -> str:
    """The page of a run of the tree."""
    return str(await row(page, task).locator("a").get_attribute("href"))


async def test_the_tree_grows_and_changes_on_the_pages_of_all_of_its_runs(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    wire_server.otherwise = script({
        "Plan": [calls("Researcher", LONG, "Look around."), calls("Clerk", "Order it.")],
        LONG: [calls("Helper", "Fetch the list.")],
        "Look around.": [],
        "Fetch the list.": [Hang(answer=Answer("Here it is."))],
        "Order it.": [Answer("", calls=[ASKS])],
    })  # fmt: skip
    page = await open_page(site, session=site.session_of("ada"), viewport=DESK)

    await launch(page, "Plan the day.", agent=BOSS)
    await expect(row(page, "Fetch the list.")).to_contain_text("Thinking")
    await expect(page.locator(".tree-head")).to_contain_text("Tree of 4 runs")
    await expect(row(page, "Look around.")).to_contain_text("Completed")
    in_calls = page.locator(".call-child")
    await expect(in_calls).to_have_count(2)
    await expect(in_calls.first).to_contain_text("Run of Researcher Waits for child runs")

    beside, middle = await page.context.new_page(), await page.context.new_page()
    await beside.goto(await address_of(page, "Look around."))
    await middle.goto(await address_of(page, "Count the pieces"))
    await expect(row(middle, "Count the pieces")).to_contain_text("this run")
    await expect(middle.locator("[data-called-by]")).to_have_text(f"called by {BOSS} in the run Plan the day.")
    for size in (DESK, PHONE):
        for each in (page, beside, middle):
            await each.set_viewport_size(size)
            assert await faults_of(each) == []

    wire_server.release()
    for each in (page, beside, middle):
        await expect(row(each, "Order it.")).to_contain_text("Needs an answer")
        await expect(each.locator(".tree-head")).to_contain_text("3 of 5 ended")
        await expect(each.locator(".tree-head")).to_contain_text("1 waits for a person")
    await expect(in_calls.first).to_contain_text("Completed")
    await expect(in_calls.last).to_contain_text("Run of Clerk Needs an answer")

    await in_calls.last.get_by_role("link").click()
    await page.locator("#stage").get_by_role("button", name="North").click()
    for each in (page, beside, middle):
        await expect(each.locator(".tree-head")).to_contain_text("5 of 5 ended")
    await page.set_viewport_size(DESK)
    await page.get_by_label("Breadcrumb").get_by_role("link", name="Plan the day.").click()
    await wait_for_status(page, "completed")
    costs = await page.locator(".tree-cost").all_inner_texts()
    total = await page.locator(".tree-sum b").inner_text()
    dollars = [float(cost.rpartition("$")[2]) for cost in costs]
    assert len(dollars) == 5
    assert round(sum(dollars), 4) == float(total.removeprefix("$")) > 0


async def test_a_large_tree_keeps_focus_place_and_fold_while_it_changes_and_is_there_without_scripts(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    wire_server.otherwise = script({
        "Plan": [calls("Researcher", *DIGS)],
        **{task: [Hang(answer=Answer("Dug."))] for task in DIGS},
    })  # fmt: skip
    page = await open_page(site, session=site.session_of("ada"), viewport=PHONE)
    run_id = await launch(page, "Plan the day.", agent=BOSS)
    await expect(page.locator(".tree-run")).to_have_count(21)
    assert await faults_of(page) == []
    plain = await open_page(site, session=site.session_of("ada"), viewport=PHONE, java_script_enabled=False)
    await plain.goto(f"/runs/{run_id}/")
    await expect(plain.locator(".tree-run")).to_have_count(21)
    await expect(row(plain, "Plan the day.")).to_contain_text("this run")

    link = row(page, DIGS[7]).locator("a")
    await link.focus()
    scrolled = await page.locator(".tree-runs").evaluate("list => list.scrollTop")
    wire_server.release()
    await wait_for_status(page, "completed")
    await expect(page.locator(".tree-head")).to_contain_text("21 of 21 ended")

    await expect(link).to_be_focused()
    assert await page.locator(".tree-runs").evaluate("list => list.scrollTop") == scrolled
    await page.reload()
    await page.locator(".tree-head").click()
    await expect(page.locator(".tree-run").first).to_be_hidden()
