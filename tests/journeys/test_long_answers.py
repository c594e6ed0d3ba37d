"""A user reads answers to their end, in every script, and the error pages of a proxy."""

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.wire.outcomes import Answer, Hang

pytestmark = pytest.mark.browser

ARABIC = """# عنوان طويل

مرحبا، شغّل `git commit -m "x"` ثم اقرأ الباقي.

- عنصر أول مع `npm i`
- English item
  - عنصر داخلي

| اسم | قيمة |
|---|---|
| سرعة | 12.5 km/h |

```py
x = 1
```

The English paragraph stays as it is, and 其中 $x_1*y$ too: \\[ a_1 \\\\ b \\]
"""

WIDE_TABLE = """# Prices

| article | description | supplier | price | discount | difference | availability |
|---|---|---|---:|---:|---:|---|
| A-100 | stainless steel coffee machine with two boilers | Peeters | 1745.00 | 12.50 | 218.13 | immediately |
| B-200 | replacement | Vandenberghe | 12.00 | 0.00 | 0.00 | Wednesday |
"""

READ_ON = """() => {
  scrollTo(0, document.body.scrollHeight);
  const link = document.querySelector("[data-answer] [data-rest] a:not([data-pressed])");
  // Pressed at the next look: htmx takes a moment to make a link its own, and nobody is faster than that.
  if (link?.textContent.includes("character") && !link.toggleAttribute("data-seen")) {
    link.toggleAttribute("data-pressed", true);
    link.click();
  }
  return document.querySelector("[data-answer]")?.textContent.includes("THE END") ?? false;
}"""


async def test_an_answer_of_400_kilobytes_is_read_to_its_end_on_its_page(page, wire_server):
    answer = (
        "".join(f"Paragraph {number} of **many** words that say little.\n\n" for number in range(7_000)) + "THE END"
    )
    wire_server.script(Answer(answer, word_chars=8_000))
    await launch(page, "Write a book.", model=MODEL)
    await wait_for_status(page, "completed")
    shown = page.locator("[data-answer]")
    await expect(shown).to_contain_text("Paragraph 7 of many")
    await page.get_by_role("button", name="Show all of it").click()

    # Rendered parts are loaded on scrolling; plain text is loaded with a click.
    await page.wait_for_function(READ_ON, polling=200)

    await expect(shown).to_contain_text("THE END")
    text = await shown.inner_text()
    missing = [number for number in range(7_000) if f"Paragraph {number} of" not in text]
    assert missing == []


async def test_nothing_more_is_offered_of_a_watched_answer_that_is_shown_whole(page, wire_server):
    wire_server.script(Answer("A paragraph."))
    await launch(page, "Write.", model=MODEL)
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("A paragraph.")

    await expect(page.get_by_role("button", name="Show all of it")).to_be_hidden()
    await expect(page.locator("#stage[data-more]")).to_have_count(0)


async def test_the_gap_below_a_short_watched_answer_goes_while_it_is_out_of_sight(page, wire_server):
    wire_server.script(Hang(after_chunks=2, answer=Answer("A paragraph.")))
    await launch(page, "Write.", model=MODEL)
    await wait_for_status(page, "thinking")
    wire_server.release()
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("A paragraph.")
    height = "stage => stage.offsetHeight"
    watched = await page.locator("#stage").evaluate(height)

    await page.set_viewport_size({"width": 1280, "height": 240})
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")

    await expect(page.locator("#stage[data-fits]")).to_have_count(1)
    assert await page.locator("#stage").evaluate(height) < watched


async def test_a_watched_answer_fades_where_more_of_it_is_hidden(page, wire_server):
    wire_server.script(Answer("A paragraph.\n\n" * 60))
    await launch(page, "Write.", model=MODEL)
    await wait_for_status(page, "completed")
    answer, offer = page.locator("[data-answer]"), page.get_by_role("button", name="Show all of it")
    await expect(answer).to_contain_text("A paragraph.")

    await answer.evaluate("answer => answer.scrollTo(0, 0)")
    await expect(page.locator("#stage[data-more]")).to_have_count(1)
    await offer.click()
    await expect(page.locator("#stage[data-more]")).to_have_count(0)
    await expect(offer).to_be_visible()


@pytest.mark.parametrize("is_reloaded", [False, True], ids=["live", "from the server"])
async def test_each_block_runs_as_its_own_words_do(page, wire_server, is_reloaded):
    wire_server.script(Answer(ARABIC))
    await launch(page, "اكتب شيئا من فضلك.", model=MODEL)
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer] table")).to_be_visible()
    if is_reloaded:
        await page.reload()

    async def directions(selector: str) -> list[str]:
        found: list[str] = await page.locator(selector).evaluate_all(
            "found => found.map(each => getComputedStyle(each).direction)"
        )
        return found

    assert await directions("[data-answer] :is(h4, .prose > ul, table)") == ["rtl", "rtl", "rtl"]
    assert await directions("[data-answer] .prose > p") == ["rtl", "ltr"]
    assert await directions("[data-answer] li") == ["rtl", "ltr", "rtl"]
    assert await directions("[data-answer] :is(code, pre, .formula)") == ["ltr"] * 6
    assert await directions(".run-title") == ["rtl"]


async def test_a_wide_table_on_a_phone_scrolls_and_breaks_no_word(site, open_page, wire_server):
    page = await open_page(site, session=site.session_of("ada"), viewport={"width": 390, "height": 844})
    wire_server.script(Answer(WIDE_TABLE))
    await launch(page, "Compare prices.", model=MODEL)
    await wait_for_status(page, "completed")
    box = page.locator("[data-answer] .table-box")
    await expect(box).to_be_visible()

    # A cell of one word is one line high, however long the word is.
    lines = await box.locator("th").evaluate_all(
        "cells => cells.map(cell => { const range = document.createRange(); range.selectNodeContents(cell);"
        " return range.getClientRects().length; })"
    )
    assert lines == [1] * 7
    assert await box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    aligned = await box.locator("tbody tr:first-child td").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell).textAlign)"
    )
    assert aligned == ["start"] * 3 + ["end"] * 3 + ["start"]
    heading, words = await page.evaluate(
        """() => ["h4", "td"].map(tag =>
             parseFloat(getComputedStyle(document.querySelector(`[data-answer] ${tag}`)).fontSize))"""
    )
    assert heading > words


@pytest.mark.parametrize(
    ("status", "words"), [(413, "refused this as too large (413)"), (502, "(502)"), (503, "(503)"), (504, "(504)")]
)
async def test_what_a_proxy_says_is_told_as_that_and_nothing_typed_is_lost(page, status, words):
    html = f"<html><body><h1>{status} nginx</h1></body></html>"

    async def refuse(route):
        await route.fulfill(status=status, content_type="text/html", body=html)

    await page.goto("/runs/new/")
    await page.route("**/runs/", refuse)
    await page.fill("[name=task]", "A long task.")

    await page.press("[name=task]", "Control+Enter")

    toast = page.locator(".toast")
    await expect(toast).to_contain_text("A proxy in front of this site")
    await expect(toast).to_contain_text(words)
    await expect(page.locator("[name=task]")).to_have_value("A long task.")
    assert "nginx" not in await page.content()


async def test_the_sites_own_outage_is_not_blamed_on_a_proxy(page):
    async def refuse(route):
        policy = {"Content-Security-Policy": "default-src 'self'"}
        await route.fulfill(status=503, content_type="text/html", body="away", headers=policy)

    await page.goto("/runs/new/")
    await page.route("**/runs/", refuse)
    await page.fill("[name=task]", "A task.")

    await page.press("[name=task]", "Control+Enter")

    await expect(page.locator(".toast")).to_contain_text("The server answered 503")
