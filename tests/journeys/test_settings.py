"""Model settings: set with the keyboard, also on a phone, and shown on the run's page and in a copy."""

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser


async def unfold(page: Page, summary: str) -> None:
    """Open a folded part with the keyboard."""
    await page.get_by_text(summary, exact=True).focus()
    await page.keyboard.press("Enter")


async def test_settings_are_typed_mended_launched_and_seen_again(
    shared_site: LiveSite, session: str, open_page
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    await expect(page.get_by_label("Temperature")).to_be_hidden()

    await unfold(page, "Options")
    faults = await faults_on_both(page)
    await page.get_by_label("Reasoning effort").select_option("High")
    await page.get_by_label("Temperature").press_sequentially("0.25")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type('{"top_k": 40,')
    await page.keyboard.press("Enter")
    await page.keyboard.type('"stream": false}')
    await page.keyboard.press("Control+Enter")

    wrong = page.locator("[name=extra][aria-invalid=true]")
    await expect(wrong).to_have_value('{"top_k": 40,\n"stream": false}')
    await expect(page.get_by_text("It must not have 'stream': replies are always streamed")).to_be_visible()
    faults += await faults_on_both(page)
    await wrong.fill('{"top_k": 40}')
    await page.get_by_label("A tool call").fill("2.5")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    await wait_for_status(page, "completed")

    await page.get_by_role("link", name="Settings used").click()
    told = page.locator("[data-run-settings]")
    for fact in (
        "Reasoning effort High",
        "Temperature 0.25",
        'Further settings {"top_k": 40}',
        "A tool call within 2.5 s",
    ):
        await expect(told).to_contain_text(fact)
    faults += await faults_on_both(page)
    await page.get_by_label("More actions").click()
    await page.get_by_role("link", name="Edit & run again").click()
    await expect(page.get_by_label("Temperature")).to_have_value("0.25")
    await expect(page.get_by_label("A tool call")).to_have_value("2.5")
    await expect(page.locator("[name=reasoning_effort]")).to_have_value("high")
    assert faults == []


async def test_a_browser_set_to_german_shows_and_keeps_the_numbers(start_site, open_page) -> None:
    site = start_site(AGENTSITE_LANGUAGE="de")
    site.create_user("ada")
    page = await open_page(site, session=site.session_of("ada"), locale="de-DE")
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    await unfold(page, "Optionen")
    await page.locator("[name=temperature]").fill("0.25")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    await wait_for_status(page, "completed")

    await page.get_by_label("Weitere Aktionen").click()
    await page.get_by_role("link", name="Bearbeiten & erneut ausführen").click()

    await expect(page.locator("[name=temperature]")).to_have_value("0.25")


async def test_the_limits_of_the_form_follow_the_agent_that_is_chosen(live_site: LiveSite, open_page):
    live_site.ask(
        "from runs.models import Agent; Agent.objects.create(name='Small', model_names=['offline'], max_turns=3); "
        "Agent.objects.filter(is_default=True).update(launch_may_raise=[], max_turns=7)"
    )
    live_site.create_user("ada")
    page = await open_page(live_site, session=live_site.session_of("ada"))
    await page.goto("/runs/new/")
    most = "document.querySelector('[name=max_turns]').max"

    assert await page.evaluate(most) == "7"
    await page.select_option("#id_agent", "Small")

    await page.wait_for_function(f"{most} === '3'")
    await page.wait_for_selector("text=Small allows at most 3 turns")


async def test_changed_options_are_counted_marked_and_listed_and_a_launch_can_stay(
    shared_site: LiveSite, session: str, open_page
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    changes = page.locator("[data-launch-changes]")
    await expect(changes).to_be_hidden()
    await unfold(page, "Options")
    await expect(page.locator("[name=max_turns]")).to_have_attribute("placeholder", "Default: 20")

    await page.locator("[name=max_turns]").fill("7")
    await page.locator("[name=approval]").select_option("always")
    await expect(changes).to_have_text("2 changes: Ask me before tools run, Max turns")
    await expect(page.locator("[data-options-set]")).to_have_text("2 set")
    await expect(page.locator("[data-changed]")).to_have_count(2)
    await page.keyboard.press("Control+Shift+Enter")
    started = page.locator("[data-launched] a")
    await expect(started).to_have_text("half of 90")
    first = await started.get_attribute("href")
    await expect(page.locator("[name=max_turns]")).to_have_value("7")
    await expect(page.locator("[name=task]:focus")).to_have_value("")
    await expect(page.get_by_text("Your unsent draft was restored.")).to_be_hidden()
    await page.locator("[name=max_turns]").fill("8")
    await page.fill("[name=task]", "half of 92")
    await page.keyboard.press("Control+Shift+Enter")
    await expect(started).not_to_have_attribute("href", first)

    await expect(page.locator("[name=max_turns]")).to_have_value("8")
    await expect(page.locator("[data-options-set]")).to_have_text("2 set")
    await page.goto("/runs/new/")
    await expect(page.get_by_text("Your unsent draft was restored.")).to_be_hidden()
    await expect(page.locator("[name=task]")).to_have_value("")


async def test_a_refused_launch_is_kept_as_it_was_corrected_until_it_is_launched(
    shared_site: LiveSite, session: str, open_page
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    await unfold(page, "Options")
    await page.fill("[name=max_turns]", "7")
    await page.fill("[name=extra]", "{bad")
    await page.keyboard.press("Control+Enter")
    wrong = page.locator("[name=extra][aria-invalid=true]")
    await expect(wrong).to_have_value("{bad")

    await wrong.fill('{"top_k": 40}')
    await page.reload()
    await expect(page.locator("[name=extra]")).to_have_value('{"top_k": 40}')
    await expect(page.locator("[name=max_turns]")).to_have_value("7")
    await page.fill("[name=extra]", "{bad")
    async with page.expect_event("requestfinished", lambda request: request.method == "POST"):
        await page.keyboard.press("Control+Enter")
    await expect(page.locator("#launch-form:not(.htmx-request)[data-refused]")).to_have_count(1)
    await wrong.fill("")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")

    await page.goto("/runs/new/")
    await expect(page.get_by_text("Your unsent draft was restored.")).to_be_hidden()
    await expect(page.locator("[name=max_turns]")).to_have_value("")
    await expect(page.locator("[name=extra]")).to_have_value("")
