"""Text typed about a question: sent, it is no longer shown as unsent; refused or lost, it stays."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.live_site import LiveSite
from tests.wire import Answer, WireServer

pytestmark = pytest.mark.browser

KEPT = "You had typed, and it was not sent"
ELSEWHERE = """
from runs.engine import control
from runs.models import Question, Surface
asked = Question.objects.get(state="open")
control.answer(asked.pk, by=asked.call.run.user, answer="R-1", surface=Surface.API)
"""
ANSWERING = re.compile("/questions/|/answer")
SEND = "Send the answer"


async def asked(page: Page, wire_server: WireServer, *, in_thread: bool = False) -> str:
    """Open the page of a run, or of its thread, that asks for a reference, and type R-17; returns the run's id."""
    wire_server.script(
        Answer("", calls=[("ask_person", {"question": "What is the reference?"})]), Answer("All is clear.")
    )
    run_id = await launch(page, "Send the parcel.", model=MODEL)
    await wait_for_status(page, "waiting")
    if in_thread:
        await page.goto(f"/threads/{run_id}/")
    await page.get_by_role("textbox", name="Answer", exact=True).fill("R-17")
    return run_id


@pytest.mark.parametrize("in_thread", [False, True], ids=["run", "thread"])
async def test_an_answer_whose_reply_comes_after_the_news_of_it_is_not_called_unsent(page, wire_server, in_thread):
    await asked(page, wire_server, in_thread=in_thread)

    async def reply_after_the_news(route: Route) -> None:
        response = await route.fetch(max_redirects=0)
        await expect(page.get_by_text("All is clear.").first).to_be_visible()
        await expect(page.get_by_text(KEPT)).to_have_count(0)
        await route.fulfill(response=response)

    await page.route(ANSWERING, reply_after_the_news)
    async with page.expect_response(ANSWERING):
        await page.get_by_role("button", name=SEND).click()

    await expect(page.locator(".toast")).to_contain_text("Answered")
    await expect(page.get_by_text(KEPT)).to_have_count(0)


@pytest.mark.parametrize("in_thread", [False, True], ids=["run", "thread"])
@pytest.mark.parametrize("how", ["refused", "unreachable"])
async def test_an_answer_that_does_not_arrive_stays_when_its_field_has_gone_before(
    page: Page, site: LiveSite, wire_server: WireServer, how: str, in_thread: bool
) -> None:
    await asked(page, wire_server, in_thread=in_thread)

    async def answer_elsewhere_first(route: Route) -> None:
        site.ask(ELSEWHERE)
        await expect(page.get_by_role("textbox", name="Answer", exact=True)).to_have_count(0)
        await (route.continue_() if how == "refused" else route.abort())

    await page.route(ANSWERING, answer_elsewhere_first)
    await page.get_by_role("button", name=SEND).click()

    await expect(page.get_by_label(KEPT)).to_have_value("R-17")
    said = "Nothing was changed." if how == "refused" else "No connection. Try again."
    await expect(page.locator(".toast")).to_contain_text(said)


async def test_what_is_typed_after_an_answer_was_sent_stays(page, wire_server):
    await asked(page, wire_server)

    async def type_on(route: Route) -> None:
        await page.get_by_role("textbox", name="Answer", exact=True).fill("R-17, and it is urgent")
        await route.continue_()

    await page.route(ANSWERING, type_on)
    await page.get_by_role("button", name=SEND).click()

    await expect(page.get_by_label(KEPT)).to_have_value("R-17, and it is urgent")


async def test_a_reason_that_was_sent_is_not_called_unsent_and_one_beside_an_approval_is(page):
    for task, action, count in (("What is 6 * 7?", "Deny", 0), ("What is 7 * 8?", "Approve", 1)):
        await launch(page, task, model="offline", approval="always")
        await wait_for_status(page, "waiting")
        await page.get_by_text("Deny…").click()
        await page.locator(".decide-reason input").fill("No sums today")

        await page.get_by_role("button", name=action, exact=True).click()

        await wait_for_status(page, "completed")
        await expect(page.get_by_label(KEPT)).to_have_count(count)
