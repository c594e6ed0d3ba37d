"""Double clicks, sleep, expired sessions and races: nothing happens twice and no typed text is lost."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.journeys.conftest import LINE_STAYS_MS, launch, launch_unseen, wait_for_status
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

POLL_MS = 5_000
"""How long the dashboard waits between two looks without a socket."""


async def show_three_that_wait(page: Page) -> None:
    """Launch three runs of the page's user, each with a call that waits for a decision, and open the inbox."""
    for number in (1, 2, 3):
        await launch_unseen(page, f"What is {number} + {number}?", model="offline", approval="always")
    await page.goto("/inbox/")
    await expect(page.locator("[data-inbox-call]")).to_have_count(3)


@pytest.fixture(scope="module")
def site(shared_site: LiveSite) -> LiveSite:
    """One server for all of these tests, and one user, ada."""
    shared_site.create_user("ada")
    return shared_site


async def runs_of(page: Page) -> int:
    """The number of runs."""
    answer = await page.request.get("/api/v1/runs?limit=100")
    return len((await answer.json())["items"])


async def finished(page: Page) -> str:
    run_id = await launch(page, "What is 17 * 23?", model="offline")
    await wait_for_status(page, "completed")
    return run_id


@pytest.mark.parametrize("how", ["double click", "Enter three times", "Back and again"])
async def test_running_again_is_one_run_however_impatient_the_person(site, open_page, how):
    page = await open_page(site, session=site.session_of("ada"))
    await finished(page)
    before, address = await runs_of(page), page.url
    button = page.get_by_role("button", name="Run again")

    if how == "double click":
        await button.dblclick()
    elif how == "Back and again":
        await button.click()
        await page.wait_for_url(lambda url: url != address)
        await page.go_back()
        await button.click()
    else:
        await button.focus()
        for _ in range(3):
            await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: url != address)
    await wait_for_status(page, "completed")

    assert await runs_of(page) == before + 1


async def test_without_scripts_a_form_sent_twice_is_one_run(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), java_script_enabled=False)
    await page.goto("/runs/new/")
    before = await runs_of(page)
    await page.fill("[name=task]", "What is 17 * 23?")

    await page.get_by_role("button", name="Launch run").dblclick()
    await page.wait_for_url("**/runs/*-*-*-*-*/")

    assert await runs_of(page) == before + 1


@pytest.mark.parametrize("name", ["Approve", "Deny", "Stop"])
async def test_a_double_click_on_a_decision_shows_no_error(site, open_page, name):
    page = await open_page(site, session=site.session_of("ada"))
    await launch(page, "What is 17 * 23?", model="offline", approval="always")
    await wait_for_status(page, "waiting")

    if name == "Deny":
        await page.get_by_text("Deny…").click()
    await page.get_by_role("button", name=name, exact=True).dblclick()
    await page.wait_for_selector("[data-run-status][data-ended]")

    assert await page.locator('.toast[data-level="error"]').count() == 0


async def call_of(page: Page, run_id: str) -> dict[str, Any]:
    answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
    return next(call for call in (await answer.json())["items"] if call["run_id"] == run_id)


@pytest.mark.parametrize("how", ["denied by another window", "run stopped"])
async def test_what_is_typed_in_the_inbox_stays_with_a_word_when_it_is_decided_elsewhere(site, open_page, how):
    page = await open_page(site, session=site.session_of("ada"))
    run_id = await launch(page, "What is 17 * 23?", model="offline", approval="always")
    await wait_for_status(page, "waiting")
    inbox = await page.context.new_page()
    await inbox.goto("/inbox/")
    call = inbox.locator(f'[data-inbox-run="{run_id}"] [data-inbox-call]')
    await call.get_by_text("Edit arguments").click()
    await call.locator(".argument-form input.input").first.fill("17 * 23 + 1")

    if "denied" in how:
        await page.get_by_text("Deny…").click()
    await page.get_by_role("button", name="Stop" if "stopped" in how else "Deny", exact=True).click()

    await expect(call.locator("[data-stands]")).to_contain_text(
        "denied" if "denied" in how else "ended", ignore_case=True
    )
    await expect(call.locator(".argument-form input.input").first).to_have_value("17 * 23 + 1")
    await expect(call.get_by_role("button", name="Approve")).to_have_count(0)
    if "denied" in how:
        await expect(call.locator("[data-stands]")).to_contain_text("ada")
    await call.get_by_role("button", name="Dismiss").click()
    await expect(call).to_have_count(0)


async def test_a_reason_typed_on_a_runs_page_stays_when_it_is_decided_elsewhere(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    await launch(page, "What is 17 * 23?", model="offline", approval="always")
    await wait_for_status(page, "waiting")
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.get_by_text("Deny…").click()
    await other.locator(".decide-reason input").fill("A reason I have thought about")

    await page.get_by_role("button", name="Approve", exact=True).click()

    await expect(other.locator("[data-kept] textarea")).to_have_value("A reason I have thought about")


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_follow_up_sent_when_the_sign_in_had_ended_is_there_after_signing_in(site, open_page, scripts):
    name = f"person-{scripts}"
    site.create_user(name)
    page = await open_page(site, session=site.session_of(name))
    run_id = await finished(page)
    reader = await open_page(site, session=site.session_of(name), java_script_enabled=scripts)
    await reader.goto(f"/runs/{run_id}/")
    await reader.fill("[name=message]", "Add 10 to it, please")
    await reader.context.clear_cookies(name="sessionid")

    await reader.get_by_role("button", name="Continue").click()
    await reader.wait_for_selector("[name=username]")
    assert "please" not in reader.url
    await reader.fill("[name=username]", name)
    await reader.fill("[name=password]", "a good long password")
    await reader.get_by_role("button", name="Sign in").click()

    await expect(reader.locator("[name=message]")).to_have_value("Add 10 to it, please")
    await reader.get_by_role("button", name="Continue" if scripts else "Send it now").click()
    await reader.wait_for_url(lambda url: "/runs/" in url and run_id not in url)


@pytest.mark.parametrize("slowly", [True, False])
async def test_enter_in_the_search_makes_one_entry_and_back_has_the_filter_before(site, open_page, slowly):
    page = await open_page(site, session=site.session_of("ada"))
    await page.goto("/runs/?status=completed")
    entries = await page.evaluate("history.length")

    for word in ("seventeen", " times"):
        await page.locator("#id_q").press_sequentially(word)
        if slowly:
            await page.wait_for_url(f"**{word.strip()}*")
    async with page.expect_response(lambda answer: "times" in answer.url):
        await page.press("#id_q", "Enter")
    await page.wait_for_url("**times**")

    assert await page.evaluate("history.length") == entries + 1
    await page.go_back()
    await page.wait_for_url("**/runs/?status=completed")
    await expect(page.locator("[name=status][value=completed]")).to_be_checked()


async def test_without_sockets_the_dashboard_and_the_inbox_look_again_and_say_so(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    await page.clock.install()
    await page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose({code: 1006})) } close() {} }"
    )
    await page.goto("/")
    pill = page.locator("[data-connection]")
    await expect(pill).to_have_text("Live, every 5 s")
    answer = await page.request.get("/api/v1/runs")
    assert answer.ok
    other = await open_page(site, session=site.session_of("ada"))

    run_id = await launch(other, "What is 17 * 23?", model="offline")
    await wait_for_status(other, "completed")
    await page.clock.fast_forward(POLL_MS)

    await expect(page.locator(f'[data-run-list="finished"] [data-run-row="{run_id}"]')).to_be_visible()
    await page.goto("/inbox/")
    await expect(pill).to_have_text("Live, every 10 s")


SILENT = """
window.sockets = [];
window.WebSocket = class extends WebSocket { constructor(url) { super(url); sockets.push(this); } };
window.late = 0;
const now = Date.now;
Date.now = () => now() + window.late;
"""


@pytest.mark.parametrize("event", ["online", "focus", "visibilitychange"])
@pytest.mark.parametrize("address", ["/", "run"])
async def test_after_a_sleep_the_first_sign_of_life_opens_a_new_connection(site, open_page, event, address):
    page = await open_page(site, session=site.session_of("ada"))
    if address == "run":
        address = f"/runs/{await launch(page, 'What is 17 * 23?', model='offline', approval='always')}/"
    await page.add_init_script(SILENT)
    await page.goto(address)
    pill = page.locator("[data-connection]")
    await expect(pill).to_have_attribute("data-connection", "live")

    await page.evaluate(
        "(name) => { late = 60_000; (name === 'visibilitychange' ? document : window).dispatchEvent(new Event(name)) }",
        event,
    )

    assert await page.evaluate("sockets.length") == 2
    assert await page.evaluate("sockets[0].readyState >= WebSocket.CLOSING")
    await expect(pill).to_have_attribute("data-connection", "live")


async def test_a_browser_that_says_it_is_offline_is_believed_at_once(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    await page.goto("/")
    pill = page.locator("[data-connection]")
    await expect(pill).to_have_attribute("data-connection", "live")

    # In one go: the next word of the server would say otherwise.
    said = await pill.evaluate("pill => dispatchEvent(new Event('offline')) && pill.dataset.connection")

    assert said == "offline"


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_launch_that_fails_keeps_every_field(site, open_page, status):
    page = await open_page(site, session=site.session_of("ada"))
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "A task I have thought about")
    await page.get_by_text("Options", exact=True).click()
    await page.fill("[name=max_turns]", "7")

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, body=json.dumps({}), content_type="application/json")

    await page.route("**/runs/", refuse)
    await page.get_by_role("button", name="Launch run").click()
    await expect(page.locator('.toast[data-level="error"]')).to_be_visible()
    assert await page.input_value("[name=task]") == "A task I have thought about"
    assert await page.input_value("[name=max_turns]") == "7"
    await page.unroute("**/runs/")
    await page.reload()

    await expect(page.locator("[name=task]")).to_have_value("A task I have thought about")
    await expect(page.locator("[name=max_turns]")).to_have_value("7")
    await expect(page.get_by_text("Your unsent draft was restored.")).to_be_visible()
    await page.get_by_role("button", name="Clear").click()
    await expect(page.locator("[name=task]")).to_have_value("")
    await expect(page.locator("[name=max_turns]")).to_have_value("")
    await page.reload()
    await expect(page.locator("[name=task]")).to_have_value("")
    await expect(page.get_by_text("Your unsent draft was restored.")).to_be_hidden()


@pytest.mark.parametrize("delay_ms", [250, 500, 900])
@pytest.mark.parametrize("name", ["Approve", "Deny"])
async def test_a_second_click_in_the_inbox_decides_about_no_other_call(site, open_page, name, delay_ms):
    who = f"hasty-{name.lower()}-{delay_ms}"
    site.create_user(who)
    page = await open_page(site, session=site.session_of(who))
    await page.clock.install()
    await show_three_that_wait(page)
    calls = page.locator("[data-inbox-call]")
    if name == "Deny":
        await calls.first.get_by_text("Deny…").click()
    button = calls.first.get_by_role("button", name=name, exact=True)
    place = await button.bounding_box()
    assert place is not None

    at = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    await page.mouse.click(*at)
    await page.wait_for_timeout(delay_ms)  # The delay between two clicks.
    await page.mouse.click(*at)

    done = "Approved" if name == "Approve" else "Denied"
    await expect(calls.locator(".inbox-result")).to_have_text([f"{done} calculator. The run goes on."])
    await page.clock.fast_forward(LINE_STAYS_MS)
    await expect(calls).to_have_count(2)
    answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
    assert len((await answer.json())["items"]) == 2


async def test_a_click_does_not_act_on_a_call_that_has_just_slid_under_the_pointer(site, open_page):
    site.create_user("still")
    page = await open_page(site, session=site.session_of("still"))
    await show_three_that_wait(page)
    other = await page.context.new_page()
    await other.goto("/inbox/")
    await page.goto("/inbox/")
    calls = page.locator("[data-inbox-call]")
    await calls.first.get_by_role("button", name="Approve", exact=True).hover()
    await page.evaluate(
        "const list = document.getElementById('inbox-list');"
        "new MutationObserver((_, observer) => "
        "{ observer.disconnect(); requestAnimationFrame(() => window.slid?.()); })"
        ".observe(list, { childList: true, subtree: true });"
    )
    slid = asyncio.ensure_future(page.evaluate("new Promise((resolve) => { window.slid = resolve; })"))

    await other.locator("[data-inbox-call]").first.get_by_text("Deny…").click()
    await other.locator("[data-inbox-call]").first.get_by_role("button", name="Deny", exact=True).click()
    await slid
    await page.mouse.down()
    await page.mouse.up()

    await expect(calls).to_have_count(2)
    answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
    assert len((await answer.json())["items"]) == 2


async def test_without_scripts_a_second_click_in_the_inbox_finds_nothing_to_press(site, open_page):
    site.create_user("plain")
    page = await open_page(site, session=site.session_of("plain"))
    await show_three_that_wait(page)
    reader = await open_page(site, session=site.session_of("plain"), java_script_enabled=False)
    await reader.goto("/inbox/")
    button = reader.locator("[data-inbox-call]").first.get_by_role("button", name="Approve", exact=True)
    place = await button.bounding_box()
    assert place is not None

    at = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    await reader.mouse.click(*at)
    await expect(reader.locator(".inbox-said")).to_contain_text("Approved calculator.")
    await reader.mouse.click(*at)

    await expect(reader.locator("[data-inbox-call]")).to_have_count(2)
    await expect(reader.locator("[data-inbox-call] .button-primary").first).not_to_be_in_viewport()
    answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
    assert len((await answer.json())["items"]) == 2
