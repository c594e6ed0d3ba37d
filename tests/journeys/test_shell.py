"""The frame around every page: side bar, tab bar, palette and keys, with a browser."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

IS_NOTED = """async () => (await (await fetch("/palette/")).text()).includes("Used last")"""
"""The page that notes what was used is left at once, and the browser then reports no response to it."""


async def test_a_run_is_found_and_opened_from_any_page_with_the_keyboard(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    run_id = await launch(page, "half of 90")
    await wait_for_status(page, "completed")
    await page.goto("/settings/tokens/")

    await page.keyboard.press("Control+k")
    await page.keyboard.type("half")
    await page.keyboard.press("Enter")  # before the rows are there

    await page.wait_for_url(f"**/runs/{run_id}/")


async def test_a_task_typed_into_the_search_box_is_filled_into_the_launch_form(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/")

    await page.get_by_role("searchbox", name="Search or jump to").first.click()
    await expect(page.get_by_role("combobox", name="Search or jump to")).to_be_focused()
    await page.keyboard.type("water the plants")
    await expect(page.locator("#palette").get_by_role("option", selected=True)).to_have_text(
        "Run “water the plants” with Assistant"
    )
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("textbox", name="Task")).to_have_value("water the plants")


async def test_the_arrows_move_the_selection_which_the_field_names_and_escape_gives_the_focus_back(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    before = page.get_by_role("link", name="Inbox").first
    await before.focus()
    await page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search or jump to")
    selected = page.locator("#palette").get_by_role("option", selected=True)
    await expect(selected).to_contain_text("New run")

    await page.keyboard.press("ArrowDown")

    await expect(selected).not_to_contain_text("New run")
    await expect(field).to_have_attribute("aria-activedescendant", await selected.get_attribute("id") or "none")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(selected).to_have_id(
        await page.locator("#palette").get_by_role("option").last.get_attribute("id") or "none"
    )
    await page.keyboard.press("Escape")
    await expect(field).to_be_hidden()
    await expect(before).to_be_focused()


async def test_the_palette_presses_the_buttons_of_the_page_and_knows_what_was_used_last(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await launch(page, "What is 6 * 7?")
    await wait_for_status(page, "completed")
    selected = page.locator("#palette").get_by_role("option", selected=True)

    await page.keyboard.press("Control+k")
    await page.keyboard.type("run again")
    await expect(selected).to_have_text("Run again")
    first = page.url
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: url != first)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("threads")
    await expect(selected).to_contain_text("Threads")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/threads/")
    await page.wait_for_function(IS_NOTED)
    await page.keyboard.press("Control+k")

    used = page.get_by_role("group", name="Used last").get_by_role("option").first
    await expect(used).to_contain_text("Threads")


async def test_what_goes_wrong_under_an_open_dialog_is_said_in_it(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await page.keyboard.press("Control+k")
    await page.context.set_offline(True)

    await page.keyboard.type("runs")

    toast = page.get_by_role("dialog").locator(".toast")
    await expect(toast).to_contain_text("No connection. Try again.")
    await toast.get_by_role("button", name="Dismiss").click()
    await expect(page.locator(".toast")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.locator(":not(dialog) > #toasts")).to_have_count(1)


async def test_the_palette_the_keyboard_map_and_the_menus_have_no_accessibility_violation(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    await page.goto("/")
    faults: list[str] = []

    await page.keyboard.press("Control+k")
    await expect(page.locator("#palette").get_by_role("option", selected=True)).to_be_visible()
    faults += await faults_on_both(page)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    faults += await faults_on_both(page)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.locator("[data-menu] > summary:visible").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    faults += await faults_on_both(page)

    assert faults == []


async def test_two_keys_in_a_row_go_to_a_page_but_not_while_text_is_typed(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")

    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await page.wait_for_url("**/runs/")
    await page.keyboard.press("n")
    await page.wait_for_url("**/runs/new/")
    task = page.get_by_role("textbox", name="Task")
    await task.focus()
    await page.keyboard.type("g r n ? [ /")

    await expect(task).to_have_value("g r n ? [ /")
    assert page.url.endswith("/runs/new/")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_single_keys_can_be_switched_off(shared_site: LiveSite, session: str, open_page: Any) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await page.keyboard.press("?")
    await page.get_by_role("checkbox", name="Single keys are on").uncheck()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)

    await page.keyboard.press("[")
    await page.keyboard.press("?")

    await expect(page.locator("body")).not_to_have_attribute("data-side", "folded")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.keyboard.press("Control+k")  # not a single key
    await expect(page.get_by_role("combobox", name="Search or jump to")).to_be_visible()


async def test_a_folded_side_bar_keeps_its_names_and_stays_folded(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, viewport={"width": 1280, "height": 800})
    await page.goto("/")

    await page.keyboard.press("[")
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    await page.wait_for_url("**/runs/")

    side = await page.locator(".side-bar").bounding_box()
    assert side is not None and side["width"] == 56
    await page.get_by_role("button", name="Fold the side bar").click()
    side = await page.locator(".side-bar").bounding_box()
    assert side is not None and side["width"] == 224


async def test_all_pages_have_one_left_edge_and_none_is_wider_than_the_window(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, viewport={"width": 320, "height": 700})
    run_id = await launch(page, "half of 90")
    addresses = (
        "/", "/runs/", "/inbox/", "/runs/new/", "/templates/", "/threads/", "/settings/tokens/", "/search/",
        f"/runs/{run_id}/",
    )  # fmt: skip

    edges = {}
    for address in (*addresses, "/no-such-page/"):
        await page.set_viewport_size({"width": 320, "height": 700})
        await page.goto(address)
        for width in (320, 640, 1024):
            await page.set_viewport_size({"width": width, "height": 700})
            assert await page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            ), (address, width)
        if address in addresses:
            await page.set_viewport_size({"width": 1720, "height": 900})
            edges[address] = await page.evaluate(LEFT_EDGES)

    assert edges == {address: [248, 248] for address in addresses}


async def test_on_a_phone_the_tab_bar_leads_everywhere_and_leaves_the_room_to_the_keyboard(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    await page.goto("/")
    tabs = page.get_by_role("navigation", name="Main")

    await tabs.get_by_role("link", name="New run").click()
    await page.wait_for_url("**/runs/new/")
    await page.get_by_role("textbox", name="Task").focus()
    await expect(page.locator(".tab-bar")).not_to_be_visible()
    await page.get_by_role("textbox", name="Task").blur()
    await expect(page.locator(".tab-bar")).to_be_visible()
    await page.get_by_text("More", exact=True).click()
    await page.get_by_role("link", name="API tokens").click()

    await page.wait_for_url("**/settings/tokens/")


async def test_without_javascript_search_and_menus_work(shared_site: LiveSite, session: str, open_page: Any) -> None:
    with_scripts = await open_page(shared_site, session=session)
    run_id = await launch(with_scripts, "half of 90")
    page = await open_page(shared_site, session=session, java_script_enabled=False)
    await page.goto("/")

    await page.get_by_role("searchbox", name="Search or jump to").fill("half")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="half of 90").click()
    await page.wait_for_url(f"**/runs/{run_id}/")
    await page.locator("[aria-label^=Account]").click()
    await page.get_by_role("button", name="Sign out").click()

    await page.wait_for_url("**/accounts/login/")


LEFT_EDGES = """() => [".top-bar-title > *", "main > *"].map(part => {
    const seen = [...document.querySelectorAll(part)].filter(e => e.checkVisibility() && e.offsetWidth > 1);
    return Math.round(Math.min(...seen.map(e => e.getBoundingClientRect().left)));
})"""
