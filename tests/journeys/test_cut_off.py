"""The connection between page and server is cut, again and again."""

import json
from itertools import count

import pytest
from playwright.async_api import expect

from tests.journeys.cable import Cable
from tests.journeys.conftest import launch
from tests.wire.outcomes import Answer

pytestmark = pytest.mark.browser

CALLS = 6
TURNS = 62
STEPS = TURNS * (1 + 2 * CALLS) + 1
"""Per turn the reasoning, the calls and their results; at the end the answer: about 800."""
CUTS = 5

# Every step ever put into the page, in the order of arrival: an old card that leaves a long page was still shown.
NOTE_ARRIVALS = """
    window.arrivals = [];
    new MutationObserver(changes => {
        for (const change of changes) for (const node of change.addedNodes) {
            if (!(node instanceof Element)) continue;
            for (const step of [node, ...node.querySelectorAll("[data-step-seq]")]) {
                if (step.dataset?.stepSeq) window.arrivals.push(Number(step.dataset.stepSeq));
            }
        }
    }).observe(document, {childList: true, subtree: true});
"""


async def test_a_page_that_is_cut_off_five_times_in_a_long_run_shows_every_step_once(
    start_site, open_page, wire_server
):
    turns = count(1)
    calculation = Answer(reasoning="Once more.", calls=[("calculator", {"expression": "17 * 23"})] * CALLS)
    wire_server.otherwise = lambda _: calculation if next(turns) <= TURNS else Answer("That was long.")
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada")

    async with Cable(site.url) as cable:
        page = await open_page(site, session=site.session_of("ada"), through=cable.url)
        await page.add_init_script(NOTE_ARRIVALS)
        await launch(page, "Calculate for a while", model="local/m1", max_turns="1000")
        for cut in range(1, CUTS + 1):
            await page.wait_for_selector(f"#step-{cut * STEPS // (CUTS + 1)}", state="attached", timeout=120_000)
            await cable.pull()
        await page.wait_for_selector("[data-run-status=completed]", timeout=120_000)
        await expect(page.locator("[data-answer]")).to_contain_text("That was long.")
        arrivals = await page.evaluate("window.arrivals")

    assert arrivals == list(range(1, STEPS + 1))
