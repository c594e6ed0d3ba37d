"""The connection between page and server is cut, again and again."""

import threading
from itertools import count

import pytest
from playwright.async_api import expect

from tests.journeys.cable import Cable
from tests.journeys.conftest import MODEL, launch
from tests.wire.http import Request
from tests.wire.outcomes import Answer, Hang

pytestmark = pytest.mark.browser

CUTS = 5
TURNS_BETWEEN = 7
TURNS = (CUTS + 1) * TURNS_BETWEEN + 2
CALLS = 6
STEPS_PER_TURN = 1 + 2 * CALLS
"""The reasoning, the calls and their results."""
STEPS = TURNS * STEPS_PER_TURN + 1
"""With the answer: about 570, more than a page keeps."""

# Every step ever inserted into the page, in order of arrival: also cards that were removed from a long page.
NOTE_ARRIVALS = """
    window.arrivals = [];
    new MutationObserver(changes => {
        for (const change of changes) for (const node of change.addedNodes) {
            // Each card is inserted by itself, a result into the card of its call.
            if (node.dataset?.stepSeq) window.arrivals.push(Number(node.dataset.stepSeq));
        }
    }).observe(document, {childList: true, subtree: true});
"""


class LongWinded:
    """A model that calls tools for many turns, and waits before each cut until it has been made."""

    def __init__(self) -> None:
        self.go_on = threading.Semaphore(0)
        self._turns = count(1)

    def reply(self, _: Request) -> Answer:
        """The wire server's next reply."""
        turn = next(self._turns)
        if turn > TURNS:
            return Answer("That was long.")
        if turn % TURNS_BETWEEN == 0 and turn <= CUTS * TURNS_BETWEEN:
            self.go_on.acquire(timeout=60)
        return Answer(reasoning="Once more.", calls=[("calculator", {"expression": f"17 * {turn}"})] * CALLS)


async def test_a_page_that_is_cut_off_five_times_in_a_long_run_shows_every_step_once(site, open_page, wire_server):
    model = LongWinded()
    wire_server.otherwise = model.reply

    async with Cable(site.url) as cable:
        page = await open_page(site, session=site.session_of("ada"), through=cable.url)
        await page.add_init_script(NOTE_ARRIVALS)
        await launch(page, "Calculate for a while", model=MODEL, max_turns="1000")
        for cut in range(1, CUTS + 1):
            seen = (cut * TURNS_BETWEEN - 1) * STEPS_PER_TURN
            await page.wait_for_selector(f"#step-{seen}", state="attached", timeout=60_000)
            await cable.pull()
            model.go_on.release()
        await page.wait_for_selector("[data-run-status=completed]", timeout=120_000)
        await expect(page.locator("[data-answer]")).to_contain_text("That was long.")
        arrivals = await page.evaluate("window.arrivals")

    assert arrivals == list(range(1, STEPS + 1))


NOTE_OUTAGES = """
    let outage = 0;
    Date.prototype.toLocaleTimeString = () => `outage ${++outage}`;
    window.said = [];
    new MutationObserver(() => {
        const text = document.querySelector("[data-connection=offline]")?.textContent.trim();
        if (text?.startsWith("Offline since") && text !== window.said.at(-1)) window.said.push(text);
    }).observe(document, {childList: true, subtree: true, characterData: true, attributes: true});
"""


async def test_each_outage_is_dated_by_its_own_beginning(site, open_page, wire_server):
    wire_server.script(Hang())

    async with Cable(site.url) as cable:
        page = await open_page(site, session=site.session_of("ada"), through=cable.url)
        await page.add_init_script(NOTE_OUTAGES)
        await launch(page, "Wait", model=MODEL)
        connection = page.locator("[data-connection]")
        for number in (1, 2):
            await expect(connection).to_have_attribute("data-connection", "live")
            await cable.pull()
            await page.wait_for_function("count => window.said.length >= count", arg=number)
        said = await page.evaluate("window.said")

    assert said == ["Offline since outage 1", "Offline since outage 2"]
