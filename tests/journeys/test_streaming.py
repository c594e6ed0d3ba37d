"""A user reads along while a model writes Markdown: it has its final look from the start, and nothing moves."""

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.wire.outcomes import Answer, Hang

pytestmark = pytest.mark.browser

MARKDOWN = """## What is in stock

There are **12 pieces** of the coffee machine in Ghent, and *none* in Bruges.

- first the order of Ms Peeters
- then the one of the school

| article | pieces | price |
|---|---:|---:|
| A-100 | 12 | 1745.00 |
| B-200 | 3 | 12.00 |

```py
def total(pieces: int) -> float:
    return pieces * 1745.0
```

### What to do

Order it before **Wednesday**."""
LAST_WORDS = 1
"""Words after the place where the model pauses."""
WATCH_SHIFTS = """() => {
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) window.shifts += value;
    }).observe({ type: "layout-shift", buffered: true });
}"""
PLACES = """(box) => [...box.querySelectorAll("h4, ul, table, pre")].map(
    (block) => Math.round(block.getBoundingClientRect().top)
)"""


@pytest.mark.parametrize("width", [1280, 390])
async def test_markdown_is_rendered_while_it_is_written_and_does_not_move_at_its_end(
    site, open_page, wire_server, width
):
    page = await open_page(site, session=site.session_of("ada"), viewport={"width": width, "height": 860})
    words = len(MARKDOWN.split(" "))
    wire_server.script(Hang(after_chunks=words - LAST_WORDS, answer=Answer(MARKDOWN, token_delay_s=0.005)))
    await launch(page, "What is in stock?", model=MODEL)
    await page.evaluate(WATCH_SHIFTS)

    said = page.locator("[data-said=text]")
    await expect(said.locator("h4")).to_have_count(2)
    await expect(said.locator("li")).to_have_count(2)
    await expect(said.locator("td.num")).to_have_count(4)
    await expect(said.locator("pre .tok-k").first).to_be_attached()
    await expect(said.locator(".open-block")).to_contain_text("Order it")
    assert "|" not in await said.inner_text()
    before = await said.evaluate(PLACES)
    wire_server.release()
    await wait_for_status(page, "completed")

    answer = page.locator("[data-answer]")
    await expect(answer).to_contain_text("Wednesday.")
    await expect(page.locator("[data-reply]")).to_have_count(0)
    assert await answer.evaluate(PLACES) == before
    assert await page.evaluate("window.shifts") <= 0.05


async def test_who_comes_in_the_middle_has_the_rendered_blocks_and_a_selection_survives_the_next_ones(
    page, wire_server
):
    words = len(MARKDOWN.split(" "))
    wire_server.script(Hang(after_chunks=words - LAST_WORDS, answer=Answer(MARKDOWN)))
    await launch(page, "What is in stock?", model=MODEL)
    await expect(page.locator("[data-said=text] table")).to_be_attached()

    await page.reload()

    said = page.locator("[data-said=text]")
    await expect(said.locator("table")).to_be_attached()
    await expect(said.locator("pre")).to_be_attached()
    await said.locator(".open-block").evaluate("block => getSelection().selectAllChildren(block)")
    assert await page.evaluate("String(getSelection())") == "Order it"
    wire_server.release()
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("Wednesday.")
