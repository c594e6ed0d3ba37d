"""Equal turns of a long run are one line, which opens for whatever leads into it."""

import pytest
from playwright.async_api import expect

from tests.journeys.long_run_page import CARDS, NUMBERS, NUMBERS_NOW, inspected
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite
from tests.long_run import first_step_of, write_long_run

pytestmark = pytest.mark.browser

# The turns 164 to 190 of the long run are equal.
IN_FOLD, BEFORE_FOLD, PAST_FOLD = first_step_of(177), first_step_of(164) - 1, first_step_of(195)
FOLD = f"[data-fold]:has(#step-{IN_FOLD})"


@pytest.fixture(scope="module")
def even_run(shared_site: LiveSite) -> tuple[str, int, str]:
    """The same of a long run whose turns are all equal."""
    shared_site.create_user("eva")
    run_id, steps = write_long_run(shared_site, "eva", turns=400, is_even=True)
    return f"/runs/{run_id}/", steps, shared_site.session_of("eva")


async def test_a_link_the_search_and_the_keys_open_the_fold_of_equal_turns_that_a_step_is_in(
    shared_site, long_run, open_page
):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    fold, card = page.locator(FOLD), page.locator(f"#step-{IN_FOLD}")
    await page.goto(f"{address}?at={IN_FOLD}#step-{IN_FOLD}")
    await expect(card).to_be_focused()
    await page.goto(f"{address}?before={PAST_FOLD}#step-{IN_FOLD}")
    await expect(card).to_be_focused()

    await page.goto(f"{address}?before={PAST_FOLD}")
    await expect(fold).to_contain_text("Turns 164 to 190 · 27 × stock_level · all ok · 52.9 s")
    await expect(card).to_be_hidden()
    await page.keyboard.press("f")
    await page.keyboard.type("A-177")
    await page.locator("a[data-go]").first.click()
    await expect(page.locator(":focus")).to_contain_text("A-177")

    await fold.locator(":scope > summary").click()
    await expect(card).to_be_hidden()
    await page.keyboard.press("]")
    await expect(page.locator(":focus")).to_contain_text("A-177")
    await expect(card).to_be_visible()


async def test_the_panel_opens_the_fold_that_its_step_is_in(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(f"{address}?before={PAST_FOLD}")
    await page.locator(f"#step-{BEFORE_FOLD}").focus()
    await page.keyboard.press("Enter")
    await inspected(page, BEFORE_FOLD)
    await expect(page.locator(f"#step-{BEFORE_FOLD + 1}")).to_be_hidden()

    await page.get_by_role("link", name="Next step").first.click()

    await inspected(page, BEFORE_FOLD + 1)
    await expect(page.locator(f"#step-{BEFORE_FOLD + 1}")).to_be_visible()


async def test_a_fold_has_no_accessibility_violation_closed_or_open(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session, **PHONE)
    faults: list[str] = []

    for query in (f"?before={PAST_FOLD}", f"?at={IN_FOLD}"):
        await page.goto(address + query)
        await expect(page.locator(FOLD)).to_be_visible()
        faults += await faults_on_both(page)

    assert faults == []


async def test_a_fold_works_without_javascript(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session, java_script_enabled=False)
    card = page.locator(f"#step-{IN_FOLD}")

    await page.goto(f"{address}?at={IN_FOLD}#step-{IN_FOLD}")
    await expect(card).to_be_visible()
    await page.goto(f"{address}?before={PAST_FOLD}")
    await expect(card).to_be_hidden()
    await page.locator(f"{FOLD} > summary").click()

    await expect(card).to_be_visible()


async def test_a_run_of_equal_turns_is_some_lines_and_loads_no_more_than_somebody_asks_for(
    shared_site, even_run, open_page
):
    address, steps, session = even_run
    page = await open_page(shared_site, session=session)
    await page.goto(address)
    await page.wait_for_load_state("networkidle")
    assert await page.locator(CARDS).count() == 100
    assert await page.locator(CARDS).evaluate_all("all => all.filter(card => card.checkVisibility()).length") < 10

    for side, reached in (("newer", steps), ("older", 1)):
        while not await page.locator(f"#step-{reached}").count():
            before = await page.locator(CARDS).evaluate_all(NUMBERS)
            await page.locator(f"[data-step-list] > [data-{side}] a[hx-get]").click()
            await page.wait_for_function(f"() => {NUMBERS_NOW} !== {before!r}")
            assert await page.locator(CARDS).count() <= 500
    await page.wait_for_load_state("networkidle")

    numbers = await page.locator(CARDS).evaluate_all("cards => cards.map(card => Number(card.dataset.stepSeq))")
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "none is missing, none is there twice"
    assert await page.locator("[data-turn]").evaluate_all(
        "all => new Set(all.map(turn => turn.id)).size === all.length"
    )
