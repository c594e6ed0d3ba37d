"""Agents ask a person before they act, and the person decides, on a desktop or on a phone."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import LINE_STAYS_MS, launch, launch_unseen, wait_for_status
from tests.live_site import LiveSite

MAY_CHANGE_AGENTS = """
from django.contrib.auth.models import Permission, User
User.objects.get(username="ada").user_permissions.add(Permission.objects.get(codename="change_agent"))
"""

pytestmark = pytest.mark.browser

SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}


ALWAYS_ASKS = "from runs.models import Agent; Agent.objects.update(approval='always')"


@pytest.fixture(scope="module")
def careful_site(shared_site: LiveSite) -> LiveSite:
    """The file's server, whose agent asks before every call."""
    shared_site.ask(ALWAYS_ASKS)
    return shared_site


@pytest.fixture
def site(careful_site: LiveSite) -> LiveSite:
    """The file's server, with an ada of this test's own."""
    careful_site.create_user("ada")
    return careful_site


async def show_three_that_wait(page: Page) -> None:
    """Launch three runs of the page's user, each with a call that waits for a decision, and open the inbox."""
    for task in ("What is 1 + 1?", "What is 2 + 2?", "What is 3 + 3?"):
        await launch_unseen(page, task)
    await page.goto("/inbox/")
    await expect(page.locator("[data-inbox-call]")).to_have_count(3)


@pytest.mark.parametrize("screen", SCREENS)
async def test_what_waits_comes_to_the_inbox_is_changed_and_approved_and_goes(site, open_page, screen):
    inbox = await open_page(site, session=site.session_of("ada"), **SCREENS[screen])
    await inbox.clock.install()
    await inbox.goto("/inbox/")
    await expect(inbox.get_by_text("All clear.")).to_be_visible()
    run = await inbox.context.new_page()
    await launch(run, "What is 17 * 23?")
    await wait_for_status(run, "waiting")

    calls = inbox.locator("[data-inbox-call]")
    await expect(calls).to_have_count(1)
    await expect(inbox).to_have_title("(1) Inbox · Agentsite")
    await expect(inbox.locator("[data-waiting-badge]:visible")).to_have_text(re.compile("1"))
    overflow = await inbox.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    await calls.get_by_text("Edit arguments").click()
    await expect(calls.locator(".argument-form input.input").first).to_be_focused()
    await calls.locator(".argument-form input.input").first.fill("17 * 2")
    await calls.get_by_role("button", name="Approve with 1 change").click()

    await expect(calls.locator(".inbox-result")).to_have_text("Approved calculator. The run goes on.")
    await expect(calls.locator(".inbox-result > svg:not(.inbox-denied)")).to_have_count(1)
    await expect(calls.locator(".inbox-result > svg")).to_have_count(1)
    await inbox.clock.fast_forward(LINE_STAYS_MS)
    await expect(calls).to_have_count(0)
    await expect(inbox).to_have_title("Inbox · Agentsite")
    await wait_for_status(run, "completed")
    await expect(run.locator("[data-step-kind=approval]").last).to_contain_text("17 * 2")
    await expect(run.locator("[data-step-kind=tool_result]")).to_contain_text("34")
    row = run.locator("[data-step-kind=tool_call]")
    await expect(row.locator("[id$=-arguments] td")).to_have_text("17 * 2")
    await expect(row).to_contain_text("Changed by ada")
    await expect(run.locator(".decide button")).to_have_count(0)
    await run.reload()
    await expect(run.locator(".decide button")).to_have_count(0)


async def test_an_approval_is_taken_back_with_a_key_and_its_card_comes_back(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["desk"])
    await launch(page, "What is 6 * 7?")
    await wait_for_status(page, "waiting")
    site.ask("from runs.models import ToolCall; ToolCall.objects.update(effect='unsafe')")
    await page.goto("/inbox/")
    cards = page.locator("[data-inbox-call]")
    await cards.focus()

    await page.keyboard.press("a")
    await expect(cards.locator(".inbox-result")).to_contain_text("Approved calculator.")
    await expect(cards.get_by_role("button", name=re.compile(r"Undo\s+\d s"))).to_be_visible()
    await page.keyboard.press("u")
    await expect(cards.get_by_role("button", name="Approve")).to_be_visible()
    await expect(cards).to_be_focused()
    await expect(page).to_have_title("(1) Inbox · Agentsite")

    await page.goto(f"/runs/{await cards.evaluate('card => card.closest(`[data-inbox-run]`).dataset.inboxRun')}/")
    await page.get_by_role("button", name="Approve").click()
    await page.locator("#stage").get_by_role("button", name="Undo").click()
    await page.locator("#stage").get_by_role("button", name="Approve").click()
    await expect(page.locator("#stage")).to_contain_text("It runs in a moment.")
    await wait_for_status(page, "completed")
    await expect(page.locator("#stage")).to_contain_text("42")


async def test_a_card_keeps_its_undo_when_the_list_comes_before_the_answer_to_its_approval(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["desk"])
    await launch(page, "What is 6 * 7?")
    await wait_for_status(page, "waiting")
    site.ask("from runs.models import ToolCall; ToolCall.objects.update(effect='unsafe')")
    await page.clock.install()
    await page.goto("/inbox/")

    async def answer_after_the_list(route):
        async with page.expect_response(
            lambda response: "/inbox/" in response.url and "known=" in response.url
        ) as listed:
            answer = await route.fetch()
        await (await listed.value).finished()
        await route.fulfill(response=answer)

    await page.route("**/approve/", answer_after_the_list)
    cards = page.locator("[data-inbox-call]")
    await cards.get_by_role("button", name="Approve").click()

    await expect(cards.locator(".inbox-result")).to_contain_text("Approved calculator.")
    await expect(cards.get_by_role("button", name=re.compile(r"Undo\s+\d s"))).to_be_visible()
    await page.clock.fast_forward(LINE_STAYS_MS)
    await expect(cards).to_have_count(0)


async def test_many_are_denied_at_once_and_each_run_says_why(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["phone"])
    await page.clock.install()
    await show_three_that_wait(page)

    await page.goto("/inbox/")
    bar = page.locator("#inbox-bulk")
    await expect(bar).to_be_hidden()
    await page.get_by_role("button", name="Select", exact=True).click()
    await page.locator("[data-choose-all]").check()
    await expect(bar).to_contain_text("3 selected")
    await expect(bar).to_contain_text("calculator × 3")
    await bar.get_by_text("Deny…").click()
    await page.fill("#bulk-reason", "No sums today.")
    await bar.get_by_role("button", name="Deny 3").click()
    await expect(page.locator("[data-inbox-call] .inbox-result")).to_have_count(3)
    await page.clock.fast_forward(LINE_STAYS_MS)

    await expect(page.get_by_text("All clear.")).to_be_visible()
    await page.goto("/runs/")
    await page.get_by_role("link", name="What is 1 + 1?").click()
    await expect(page.locator("[data-step-kind=approval]").last).to_contain_text("No sums today.")


async def test_a_call_is_decided_on_its_runs_page_with_the_keyboard_and_the_other_window_sees_it(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "waiting")
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_role("button", name="Approve")).to_be_visible()

    await page.get_by_role("button", name="Approve").focus()
    await page.keyboard.press("Enter")
    await wait_for_status(page, "completed")

    await expect(other.locator(".decided")).to_have_text("Approved by ada")
    await expect(other.locator("[data-answer]")).to_contain_text("391")


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_runs_page_leads_to_the_open_arguments_of_a_call_ready_to_type(site, open_page, screen):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS[screen])
    await page.clock.install()
    await show_three_that_wait(page)
    await launch(page, "What is 4 + 4 and what is 5 + 5?")
    await wait_for_status(page, "waiting")

    await page.get_by_role("link", name="Edit arguments").last.click()

    field = page.locator(".argument-form input.input:focus")
    await expect(field).to_have_value("5 + 5")
    await expect(field).to_be_in_viewport(ratio=1)
    assert await field.evaluate(IS_UNCOVERED)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("5 + 6")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-inbox-call] .inbox-result")).to_have_count(1)
    await page.clock.fast_forward(LINE_STAYS_MS)
    await expect(page.locator("[data-inbox-call]")).to_have_count(4)
    await page.get_by_role("link", name="What is 4 + 4 and what is 5 + 5?").first.click()
    await expect(page.locator("[data-step-kind=approval]").last).to_contain_text("5 + 6")


IS_UNCOVERED = """field => {
    const {left, right, top, bottom} = field.getBoundingClientRect();
    const x = (left + right) / 2;
    return [top + 1, bottom - 1].every(y => document.elementFromPoint(x, y) === field);
}"""


async def test_the_bar_counts_what_waits_at_once_and_when_a_phone_is_taken_up_again(live_site: LiveSite, open_page):
    live_site.ask(ALWAYS_ASKS)
    live_site.create_user("root", staff=True)  # who sees everybody's runs
    session = live_site.session_of("root")
    phone = await open_page(live_site, session=session, **SCREENS["phone"])
    await phone.add_init_script("window.setInterval = () => 0")  # Switches the poll every 15 s off, as in a pocket.
    await launch(phone, "What is 17 * 23?")
    await wait_for_status(phone, "waiting")
    await expect(phone).to_have_title(re.compile(r"^\(1\) "))
    nav = phone.get_by_role("navigation", name="Main")
    badge = nav.locator("[data-waiting-badge]")
    await expect(badge).to_be_visible()
    assert await nav.evaluate("nav => nav.scrollWidth - nav.clientWidth") <= 0

    await phone.get_by_role("button", name="Approve").click()
    await wait_for_status(phone, "completed")

    await expect(phone).not_to_have_title(re.compile(r"^\("))
    await expect(badge).to_be_hidden()

    await phone.goto("/tools/")
    await expect(badge).to_be_hidden()
    desk = await open_page(live_site, session=session, **SCREENS["desk"])
    await launch(desk, "What is 17 * 23?")
    await wait_for_status(desk, "waiting")

    await phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(badge).to_be_visible()

    await desk.get_by_role("button", name="Approve").click()
    await wait_for_status(desk, "completed")
    await phone.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await expect(badge).to_be_hidden()


async def test_calls_are_decided_with_single_keys_and_many_unsafe_ones_after_a_question(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["desk"])
    sums = [f"what is {number} + {number}" for number in range(1, 10)]
    await launch(page, " and ".join(sums))
    await wait_for_status(page, "waiting")
    site.ask(f"from runs.models import ToolCall; ToolCall.objects.update(effect='unsafe')\n{MAY_CHANGE_AGENTS}")
    await page.clock.install()
    await page.goto("/inbox/")
    cards, focused = page.locator("[data-inbox-call]:not([data-decided])"), page.locator("[data-inbox-call]:focus")
    await expect(page.locator('[data-connection="live"]')).to_be_visible()
    names = await cards.evaluate_all("cards => cards.map(card => card.dataset.inboxCall)")
    assert len(names) == 9

    await page.keyboard.press("a")
    await expect(focused).to_have_attribute("data-inbox-call", names[0])  # The first press chooses the card.
    await expect(cards).to_have_count(9)
    await page.locator(":focus .inbox-menu > summary").press("Enter")
    await page.keyboard.press("a")  # goes to the open menu, which has no such key
    await page.keyboard.press("Escape")
    await expect(page.locator(".inbox-menu > summary:focus")).to_be_visible()
    await expect(cards).to_have_count(9)
    await page.keyboard.press("a")
    await expect(page.locator(".inbox-result > span")).to_have_text("Approved calculator. 8 more calls in this run.")
    await page.get_by_text("8 more like this").click()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(focused).to_have_attribute("data-inbox-call", names[2])
    await page.evaluate("localStorage.setItem('keys', 'off')")
    await page.keyboard.press("k")
    await expect(focused).to_have_attribute("data-inbox-call", names[2])
    await page.evaluate("localStorage.removeItem('keys')")
    await page.keyboard.press("d")
    await expect(page.locator("[data-inbox-call] input[name=reason]:focus")).to_be_visible()
    await page.keyboard.type("No sums adjk")
    await expect(page.locator(":focus")).to_have_value("No sums adjk")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(focused).to_have_attribute("data-inbox-call", names[3])
    await expect(cards).to_have_count(7)

    await expect(page.get_by_text("6 more like this")).to_be_visible()
    await page.get_by_role("button", name="Select all 7").click()
    await page.get_by_role("button", name="Approve 7").click()
    question = page.get_by_role("dialog")
    await expect(question).to_contain_text("Approve 7 calls that change things outside?")
    await page.keyboard.press("Escape")
    await expect(cards).to_have_count(7)
    await page.get_by_role("button", name="Approve 7").press("Enter")
    await question.get_by_role("button", name="Approve 7").click()
    await expect(question).to_be_hidden()
    await expect(cards).to_have_count(0)
    await page.clock.fast_forward(LINE_STAYS_MS)
    await expect(page.get_by_text("All clear.")).to_be_visible()
    await expect(page.locator("[data-last-decision]")).to_contain_text("Last decision: Approved calculator")
    await page.get_by_role("link", name="Decided").click()
    await expect(page.locator("[data-decision=approved]")).to_have_count(8)
    await expect(page.locator("[data-decision=denied]")).to_contain_text("No sums adjk")


async def test_changed_arguments_are_what_the_key_approves_also_after_a_reload_and_a_refusal(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["desk"])
    await launch(page, "How many feet are in 2 meters?")
    await wait_for_status(page, "waiting")
    address = page.url
    await page.goto("/inbox/")
    card = page.locator("[data-inbox-call]")
    field, first = card.locator(".argument-form input.input").first, card.locator(".button-primary:visible")
    unchanged = card.get_by_role("button", name="Approve unchanged")

    await card.get_by_text("Edit arguments").click()
    await field.fill("20")
    await expect(first).to_have_text(re.compile("Approve with 1 change"))
    await expect(unchanged).to_be_visible()
    await expect(card.locator("input[name=call]")).to_be_disabled()
    await field.fill("2")
    await expect(unchanged).to_have_count(0)
    await expect(card.locator("input[name=call]")).to_be_enabled()
    await field.fill("two")
    await field.press("Enter")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(unchanged).to_be_visible()
    await field.fill("30")
    await page.reload()
    await expect(field).to_have_value("30")
    await expect(unchanged).to_be_visible()
    await card.get_by_text("Edit arguments").click()
    await expect(field).to_be_hidden()
    await card.focus()
    await page.keyboard.press("a")
    await expect(field).to_be_visible()  # What is out of sight is shown before it is approved.
    await card.focus()
    await page.keyboard.press("a")
    await expect(page.get_by_text("All clear.")).to_be_visible()

    await page.goto(address)
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-step-kind=tool_result]")).to_contain_text("98.4")


async def test_the_page_of_a_call_says_that_its_button_leaves_changes_out(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["desk"])
    run_id = await launch(page, "How many feet are in 2 meters?")
    await wait_for_status(page, "waiting")
    answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
    await page.goto(f"/runs/{run_id}/calls/{(await answer.json())['items'][0]['call_id']}/")
    field = page.locator(".argument-form input.input").first

    await page.get_by_text("Edit arguments").click()
    await field.fill("20")
    await expect(page.get_by_role("button", name="Approve unchanged")).to_be_visible()
    await page.reload()
    await expect(field).to_have_value("20")  # Kept changes are not out of sight.
    await expect(field).to_be_visible()
    await page.get_by_role("button", name="Approve with 1 change").click()
    await expect(page).to_have_url(re.compile("/inbox/$"))

    await page.goto(f"/runs/{run_id}/")
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-step-kind=tool_result]")).to_contain_text("65.6")


@pytest.mark.parametrize("keys", ["Enter", "Control+Enter"])
async def test_enter_in_the_reason_denies_and_never_approves(site, open_page, keys):
    page = await open_page(site, session=site.session_of("ada"), **SCREENS["desk"])
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "waiting")
    await page.goto("/inbox/")
    card = page.locator("[data-inbox-call]")

    await card.get_by_text("Deny…").click()
    await card.locator("input[name=reason]").fill("No sums today.")
    await page.keyboard.press(keys)
    await expect(card.locator(".inbox-result")).to_contain_text("Denied calculator.")
    await expect(card.locator(".inbox-result > svg")).to_have_class(re.compile("inbox-denied"))

    await page.goto("/inbox/?tab=decided")
    await expect(page.locator("[data-decision=denied]")).to_contain_text("No sums today.")
    await expect(page.locator("[data-decision]")).to_have_count(1)
