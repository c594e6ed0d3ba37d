"""An agent asks, and people answer: on the run's page and in the inbox, at a desk and on a phone."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.journeys.page_faults import faults_of
from tests.live_site import LiveSite
from tests.wire import Answer, WireServer

pytestmark = pytest.mark.browser

DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
FORM = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "As on a map."},
        "nights": {"type": "integer", "minimum": 1},
    },
    "required": ["city", "nights"],
}
ASKS: list[tuple[str, dict[str, Any]]] = [
    ("ask_person", {"question": "What is the reference?"}),
    ("ask_person", {"question": "How shall it be sent?", "choices": ["By train", "By car"], "deadline_seconds": 3600}),
    ("ask_person", {"question": "Where to?", "form": FORM}),
]
ANSWERED_ELSEWHERE = """
from runs.engine import control
from runs.models import Question, Surface
asked = Question.objects.get(state="open")
control.answer(asked.pk, by=asked.call.run.user, answer={"city": "Ghent", "nights": 1}, surface=Surface.API)
"""


async def test_questions_are_answered_on_the_page_and_in_the_inbox_and_each_hears_of_the_other(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    wire_server.script(Answer("", calls=ASKS), Answer("All is clear."))
    page = await open_page(site, session=site.session_of("ada"), viewport=DESK)
    await launch(page, "Send the parcel.", model=MODEL)
    await wait_for_status(page, "waiting")
    inbox = await page.context.new_page()
    await inbox.goto("/inbox/")
    cards, stage = inbox.locator("[data-inbox-call]:not([data-decided])"), page.locator("#stage")
    await expect(cards).to_have_count(3)
    await expect(stage).to_contain_text("3 questions for you")
    for size in (DESK, PHONE):
        for each in (page, inbox):
            await each.set_viewport_size(size)
            assert await faults_of(each) == []

    await stage.get_by_label("city").fill("Rom")
    await stage.get_by_role("button", name="By car").click()
    await expect(cards).to_have_count(2)
    await expect(stage).to_contain_text("2 questions for you")
    await expect(stage.get_by_label("city")).to_have_value("Rom")  # Another question's answer takes nothing away.
    await expect(page.locator("#steps")).to_contain_text("Answered by ada")

    await answer_by_keys(inbox)
    await expect(inbox.locator("[data-decided]")).to_contain_text("Answered. 1 more call waits in this run.")
    await expect(stage.get_by_label("Answer")).to_have_count(0)

    await fill_in_wrongly(inbox)
    await site_answers(site, inbox)
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_have_text("All is clear.")
    told = wire_server.requests[-1].body["messages"]
    text, choice, form = (message["content"] for message in told if message["role"] == "tool")
    assert (text, choice, json.loads(form)) == ("R-17\nurgent", "By car", {"city": "Ghent", "nights": 1})


async def answer_by_keys(inbox: Page) -> None:
    """Answer the first question with keys alone: an empty answer is not sent, and gets the focus."""
    await inbox.set_viewport_size(DESK)
    await inbox.locator("body").click(position={"x": 2, "y": 2})
    await inbox.keyboard.press("j")
    await inbox.keyboard.press("a")
    field = inbox.get_by_label("Answer")
    await expect(field).to_be_focused()
    await inbox.keyboard.type("R-17")
    await inbox.keyboard.press("Enter")
    await inbox.keyboard.type("urgent")
    await inbox.keyboard.press("Control+Enter")


async def fill_in_wrongly(inbox: Page) -> None:
    """Send a form that does not fit: it comes back with the fault at its field, which has the focus."""
    await inbox.get_by_label("city").fill("Rome")
    await inbox.get_by_label("nights").fill("0")
    await inbox.get_by_role("button", name="Send the answer").click()
    nights = inbox.get_by_label("nights")
    await expect(nights).to_have_accessible_description(re.compile("greater than or equal to 1"))
    await expect(nights).to_have_attribute("aria-invalid", "true")
    await expect(nights).to_be_focused()


async def site_answers(site: LiveSite, inbox: Page) -> None:
    """Another program answers while the form is corrected: the typed text stays, with who was first."""
    await inbox.get_by_label("nights").fill("3")
    site.ask(ANSWERED_ELSEWHERE)
    gone = inbox.locator("[data-inbox-call][data-gone]")
    await expect(gone).to_contain_text("ada answered this over the API")
    await expect(gone.get_by_label("nights")).to_have_value("3")


async def test_on_a_phone_the_end_of_a_long_form_says_that_its_answer_was_given(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    properties = {f"field_{number}": {"type": "string", "description": "As on a map."} for number in range(25)}
    asks = ("ask_person", {"question": "Where to?", "form": {"type": "object", "properties": properties}})
    wire_server.script(Answer("", calls=[asks]), Answer("All is clear."))
    page = await open_page(site, session=site.session_of("ada"), viewport=PHONE, has_touch=True, is_mobile=True)
    await launch(page, "Send the parcel.", model=MODEL)
    await wait_for_status(page, "waiting")
    await page.goto("/inbox/")
    await page.get_by_label("field_24").fill("Rom")

    await page.get_by_role("button", name="Send the answer").tap()

    await expect(page.get_by_text("Answered. The run goes on.")).to_be_in_viewport(ratio=1)
