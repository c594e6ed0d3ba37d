"""A person finds their way in a long run: by keys, by search, on the minimap, along the timeline, one step in full."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.journeys.conftest import MODEL, launch, step_numbers
from tests.journeys.long_run_page import CARDS, NUMBERS, NUMBERS_NOW, inspected
from tests.journeys.page_faults import PHONE, faults_of, faults_on_both
from tests.live_site import LiveSite
from tests.long_run import write_long_run
from tests.wire.outcomes import Answer, Hang, Status

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.closest('[data-step-seq]')?.dataset.stepSeq"


async def test_a_step_opens_beside_the_list_and_the_focus_stays_there(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(address)
    await page.locator("#step-2").focus()

    await page.keyboard.press("Enter")
    await inspected(page, 2)
    await page.keyboard.press("ArrowDown")
    await inspected(page, 3)

    assert await page.evaluate(FOCUSED) == "3"
    assert page.url.endswith("?step=3")
    await page.get_by_role("link", name="Raw JSON").click()
    await expect(page.locator("#inspector-body")).to_contain_text('"kind": "tool_result"')
    await page.locator(".side-account > summary").press("Enter")
    await page.keyboard.press("Escape")  # closes the menu, and nothing else
    await expect(page.locator("[data-menu][open]")).to_have_count(0)
    assert await page.locator("#inspector").is_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#inspector")).to_be_hidden()
    assert await page.evaluate(FOCUSED) == "3"
    assert "step=" not in page.url


async def test_a_part_of_a_step_that_is_asked_for_right_after_the_step_is_shown(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.clock.install(time=0)
    await page.goto(address)
    await page.locator("#step-2").focus()
    await page.keyboard.press("Enter")
    await inspected(page, 2)
    await page.clock.pause_at(3_600)

    async def answer_late(route: Route) -> None:
        await page.clock.run_for(1_000)
        await route.continue_()

    await page.route("**/steps/3/?tab=raw", answer_late)
    await page.keyboard.press("ArrowDown")
    await inspected(page, 3)
    await page.get_by_role("link", name="Raw JSON").click()

    await expect(page.locator("#inspector-body")).to_contain_text('"kind": "tool_result"')


async def test_on_a_phone_the_step_is_a_sheet_that_gives_the_focus_back(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session, **PHONE)
    await page.goto(address)

    await page.locator(".step-inspect[href$='/steps/4/']").tap()
    await inspected(page, 4)

    faults = await faults_of(page)
    assert await page.evaluate("document.getElementById('inspector').contains(document.activeElement)")
    assert await page.evaluate("document.querySelector('.run-views').inert")
    await page.get_by_role("button", name="Close details").tap()
    assert await page.evaluate(FOCUSED) == "4"
    assert not await page.evaluate("document.querySelector('.run-views').inert")
    assert faults == []

    await page.route("**/steps/2/**", lambda route: route.abort())
    await page.locator(".step-inspect[href$='/steps/2/']").tap()
    await expect(page.get_by_role("link", name="Try again")).to_be_visible()
    await expect(page.locator("#inspector")).to_be_focused()
    assert await page.evaluate("document.querySelector('.run-views').inert")
    assert not await page.evaluate("document.querySelector('[data-announce]').inert")


async def test_keys_walk_from_error_to_error_and_from_find_to_find(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(address)
    chips = page.locator(".step-chip:not([hidden])")
    assert [" ".join(text.split()) for text in await chips.all_inner_texts()] == [
        *("Errors 8", "Retries 10", "Approvals 7", "Notes 6"),
    ]

    await page.keyboard.press("]")
    await expect(page.locator(":focus")).to_contain_text("No such article")
    first = await page.evaluate(FOCUSED)
    await page.keyboard.press("]")
    await page.wait_for_function(f"() => Number({FOCUSED}) > {first}")
    await expect(page.locator(":focus")).to_contain_text("No such article")
    await page.keyboard.press("}")
    await page.wait_for_function(f"() => {FOCUSED} === '{first}'")
    await page.evaluate(PRESS_WITH_ALT_GR, "]")
    await page.wait_for_function(f"() => Number({FOCUSED}) > {first}")

    await page.keyboard.press("f")
    await page.keyboard.type("A-399")
    await expect(page.locator("[data-found]")).to_contain_text("1 step")
    await page.locator("a[data-go]").first.click()
    await expect(page.locator(":focus")).to_contain_text("A-399")


async def test_without_a_connection_a_jump_says_so_and_stays(shared_site, long_run, open_page):
    address, steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(address)
    await page.context.set_offline(True)

    await page.keyboard.press("]")

    await expect(page.locator(".toast")).to_contain_text("No connection. Try again.")
    await page.locator(".toast").get_by_role("button", name="Dismiss").click()
    await expect(page.locator(".toast")).to_have_count(0)
    await page.get_by_role("slider", name="Place in the run").press("End")
    await expect(page.locator(".toast")).to_contain_text("No connection. Try again.")
    assert page.url.endswith(address)
    await page.context.set_offline(False)
    await page.keyboard.press("End")
    await page.wait_for_selector(f"#step-{steps}")


async def test_steps_are_loaded_at_both_ends_and_none_is_missing_or_there_twice(shared_site, open_page):
    shared_site.create_user("ends")
    run_id, steps = write_long_run(shared_site, "ends", turns=240)
    page = await open_page(shared_site, session=shared_site.session_of("ends"))
    await page.goto(f"/runs/{run_id}/?at=360#step-360")
    await page.wait_for_function(f"() => {FOCUSED}")

    for side, reached in (("newer", steps), ("older", 1)):
        while not await page.locator(f"#step-{reached}").count():
            before = await page.locator(CARDS).evaluate_all(NUMBERS)
            await page.evaluate("window.pressedAt = undefined")
            await page.evaluate(SCROLL_TO_LINK, side)
            changed = f"side => {NUMBERS_NOW} !== {before!r} || ({PRESS_BESIDE_FOLDS})(side)"
            await page.wait_for_function(changed, arg=side, polling=100)
            assert await page.locator(CARDS).count() <= 500

    numbers = await page.locator(CARDS).evaluate_all("cards => cards.map(card => Number(card.dataset.stepSeq))")
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "none is missing, none is there twice"


async def test_steps_that_load_by_themselves_leave_an_open_menu_open(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(f"{address}?at=600#step-600")
    await page.wait_for_function(f"() => {FOCUSED}")
    await page.locator(".side-account > summary").press("Enter")
    before = await page.locator(CARDS).evaluate_all(NUMBERS)

    await page.evaluate(SCROLL_TO_LINK, "newer")
    await page.wait_for_function(f"() => {NUMBERS_NOW} !== {before!r}")

    await expect(page.locator(".side-account[open]")).to_have_count(1)


async def test_a_window_of_the_past_is_live_but_for_its_steps(page, wire_server):
    calls = [("calculator", {"expression": f"{number} + 1"}) for number in range(60)]
    wire_server.script(Answer(calls=calls), Hang(answer=Answer("All are added.")))
    run_id = await launch(page, "Add one to each", model=MODEL)
    await page.wait_for_selector("[data-step-kind=tool_result] >> nth=59")
    await page.goto(f"/runs/{run_id}/?at=1")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")

    wire_server.release()

    await expect(page.locator("[data-answer]")).to_contain_text("All are added.")
    assert await step_numbers(page) == list(range(1, 51))
    await page.evaluate(SCROLL_TO_LINK, "newer")
    await page.wait_for_selector("[data-step-kind=answer]")
    assert await step_numbers(page) == list(range(1, 122))
    await expect(page.locator("#steps[data-cut]")).to_have_count(0)


async def test_steps_that_arrive_while_a_window_is_loaded_are_not_lost(page, wire_server):
    calls = [("calculator", {"expression": f"{number} + 1"}) for number in range(59)]
    wire_server.script(
        Answer(calls=[*calls, ("calculator", {"expression": "1 / 0"})]), Hang(answer=Answer("All are added."))
    )
    run_id = await launch(page, "Add one to each", model=MODEL)
    await page.wait_for_selector("[data-step-kind=tool_result] >> nth=59")
    await page.goto(f"/runs/{run_id}/?at=1")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")

    async def answer_late(route: Route) -> None:
        answer = await route.fetch()
        wire_server.release()
        await page.wait_for_selector("#steps[data-arrived]", state="attached")
        await route.fulfill(response=answer)

    await page.route(re.compile(r"\?at="), answer_late)
    await page.keyboard.press("]")

    await page.wait_for_function(f"() => Number({FOCUSED}) > 50")
    assert (await step_numbers(page))[-1] == 120
    await page.evaluate(SCROLL_TO_LINK, "newer")
    await page.wait_for_selector("[data-step-kind=answer]")
    assert (await step_numbers(page))[-1] == 121
    await expect(page.locator("#steps[data-cut]")).to_have_count(0)


async def test_the_minimap_is_a_slider_over_the_whole_run(shared_site, long_run, open_page):
    address, steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(address)
    slider = page.get_by_role("slider", name="Place in the run")
    await expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"Step 1 of {steps:,}"))

    await slider.focus()
    await page.keyboard.press("End")
    await page.wait_for_selector(f"#step-{steps}")
    await expect(slider).to_be_focused()
    await expect(slider).not_to_have_attribute("aria-valuetext", re.compile(r"Step 1 of"))

    box = await slider.bounding_box()
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    await page.wait_for_selector(f"#step-{steps // 2}")


async def test_the_arrows_move_the_timelines_part_of_the_time_and_are_left_to_what_else_has_the_focus(
    shared_site, long_run, open_page
):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(f"{address}?view=timeline&part=0.2-0.4")
    part = page.url

    await page.locator(".view-tab").first.focus()
    await page.keyboard.press("ArrowRight")
    await page.locator(".side-account > summary").press("Enter")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Escape")
    assert page.url == part

    await page.locator("[data-row]").first.focus()
    await page.keyboard.press("ArrowRight")
    await page.wait_for_url(lambda url: url != part)


async def test_a_row_of_the_timeline_opens_its_step(shared_site, long_run, open_page):
    address, _steps, session = long_run
    page = await open_page(shared_site, session=session)
    await page.goto(address)

    await page.keyboard.press("t")
    await page.wait_for_url("**?view=timeline")
    await page.locator("[data-row]").nth(1).click()
    await inspected(page, 2)
    faults = await faults_of(page)
    await page.keyboard.press("ArrowDown")
    await inspected(page, 4)
    await page.keyboard.press("+")
    await page.wait_for_url("**from=*")
    await page.keyboard.press("s")
    await page.wait_for_url(f"**{address}")
    assert faults == []


@pytest.fixture(scope="module")
def varied_run(shared_site: LiveSite) -> tuple[str, str]:
    """The address of a run whose few turns have a step of each kind, and the session of its owner.

    Of a longer run axe looks at more of the same, and most of its time is for each text by itself.
    """
    shared_site.create_user("vera")
    run_id, _steps = write_long_run(shared_site, "vera", turns=21)
    return f"/runs/{run_id}/", shared_site.session_of("vera")


async def test_the_views_of_a_run_have_no_accessibility_violation(shared_site, varied_run, open_page):
    address, session = varied_run
    page = await open_page(shared_site, session=session, **PHONE)
    faults: list[str] = []

    for query in (
        "",
        "?step=40",
        "?only=errors",
        "?view=timeline",
        "?view=settings",
        "steps/40/?tab=around",
        "search/?q=A-7",
    ):
        await page.goto(address + query)
        faults += await faults_on_both(page)

    assert faults == []


async def test_all_of_it_works_without_javascript(shared_site, long_run, open_page):
    address, steps, session = long_run
    page = await open_page(shared_site, session=session, java_script_enabled=False)
    await page.goto(address)

    await page.locator(".step-inspect[href$='/steps/2/']").click()
    await expect(page.locator("h1")).to_have_text("Step 2")
    await page.get_by_role("link", name="Output").click()
    await expect(page.locator("#inspector-body")).to_contain_text("pieces")
    await page.get_by_role("link", name="Show among the steps").click()
    await page.get_by_role("link", name="Errors: next").click()
    await expect(page.locator(":target")).to_contain_text("No such article")
    await page.fill("#step-search", "A-399")
    await page.press("#step-search", "Enter")
    await page.locator("a[data-go]").first.click()
    await expect(page.locator(":target")).to_contain_text("A-399")
    await page.get_by_role("link", name="Last steps").or_(page.get_by_role("link", name="Timeline")).first.click()
    await page.get_by_role("link", name="Settings used").click()
    await expect(page.locator("[data-run-settings]")).to_contain_text("Max turns")
    assert steps > 1_000 and Path(page.url).name.endswith("?view=settings")


PRESS_WITH_ALT_GR = """key => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key, modifierAltGraph: true, ctrlKey: true, altKey: true, bubbles: true })
)"""
PRESS_BESIDE_FOLDS = """side => {
    const list = document.querySelector("[data-step-list]");
    if (!list.querySelector("[data-fold]") || performance.now() - (window.pressedAt ?? -Infinity) < 500) return;
    window.pressedAt = performance.now();
    list.querySelector(`:scope > [data-${side}] [hx-get]`)?.click();
}"""
SCROLL_TO_LINK = """side => {
    const link = document.querySelector(`[data-step-list] > [data-${side}]`);
    link?.scrollIntoView({ block: side === "newer" ? "end" : "start", behavior: "instant" });
}"""


async def test_the_arrows_of_a_page_that_was_open_before_are_named_for_what_they_walk(page, wire_server):
    wire_server.script(Status(500), Answer("Done."))
    await launch(page, "Say done.", model=MODEL)
    await expect(page.locator("[data-run-status=completed]")).to_be_visible()

    jump = page.get_by_role("link", name="Retries: next")

    await expect(jump).to_be_visible()
    assert (await jump.get_attribute("href")).endswith("?only=retries")
    await expect(page.get_by_role("link", name="Retries: previous")).to_be_visible()
