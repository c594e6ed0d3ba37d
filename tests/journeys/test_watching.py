"""A user watches a model work, fail, recover and stop."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import MODEL, launch, step_numbers, wait_for_status
from tests.wire.outcomes import Answer, Hang, Status

pytestmark = pytest.mark.browser

CALCULATION = Answer(reasoning="Multiply first.", calls=[("calculator", {"expression": "17 * 23"})])


async def must_not_reload(page: Page) -> None:
    """From here on, a reload of the page makes `never_reloaded` fail."""
    await page.evaluate("window.stillTheSamePage = true")


async def never_reloaded(page: Page) -> bool:
    """True if the page is the one `must_not_reload` saw."""
    return bool(await page.evaluate("window.stillTheSamePage === true"))


async def test_steps_appear_while_the_run_works_without_a_reload(page, wire_server):
    wire_server.script(CALCULATION, Hang(answer=Answer("It is 391.")))
    await launch(page, "What is 17 * 23?", model=MODEL)
    await must_not_reload(page)

    await expect(page.locator("[data-step-kind=tool_call]")).to_contain_text("17 * 23")
    await expect(page.locator("[data-step-kind=tool_result]")).to_contain_text("391")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")
    await expect(page.locator("[data-answer]")).to_have_count(0)
    wire_server.release()

    await expect(page.locator("[data-answer]")).to_contain_text("It is 391.")
    await wait_for_status(page, "completed")
    assert await never_reloaded(page)


async def test_a_reload_in_the_middle_loses_nothing(page, wire_server):
    wire_server.script(CALCULATION, Hang(answer=Answer("It is 391.")))
    await launch(page, "What is 17 * 23?", model=MODEL)
    await page.wait_for_selector("[data-step-kind=tool_result]")
    before = await step_numbers(page)

    await page.reload()
    assert await step_numbers(page) == before
    wire_server.release()

    await wait_for_status(page, "completed")
    after = await step_numbers(page)
    assert after == list(range(1, len(after) + 1))
    assert len(after) > len(before)


COUNTS_DOWN = """shown => {
    const time = document.querySelector("[data-step-kind=retry][data-attempt='1'] [data-countdown]");
    return parseFloat(time.textContent) < shown;
}"""


async def test_a_model_that_fails_twice_and_then_answers_shows_both_attempts_and_counts_down(page, wire_server):
    wire_server.script(Status(503, retry_after="4"), Status(429, retry_after="1"), Answer("Third time lucky."))
    await launch(page, "Say something", model=MODEL)
    await must_not_reload(page)

    first = page.locator("[data-step-kind=retry][data-attempt='1']")
    await expect(first).to_contain_text(re.compile("1 of 3"))
    await expect(first).to_have_attribute("data-severity", re.compile("info|warning|error"))
    countdown = first.locator("[data-countdown]")
    await expect(countdown).to_contain_text(re.compile(r"\b[1-4](\.\d)? s"))
    shown_s = float((await countdown.inner_text()).removesuffix(" s"))
    await page.wait_for_function(COUNTS_DOWN, arg=shown_s)
    await expect(page.locator("[data-step-kind=retry][data-attempt='2']")).to_contain_text(re.compile("2 of 3"))

    await expect(page.locator("[data-answer]")).to_contain_text("Third time lucky.")
    await expect(page.locator("[data-step-kind=retry]")).to_have_count(2)
    assert await never_reloaded(page)


async def test_a_refused_key_is_an_error_card_with_its_severity_and_what_to_do(page, wire_server):
    wire_server.script(Status(401, message="Incorrect API key provided.", error_type="invalid_request_error"))
    await launch(page, "Say something", model=MODEL)
    await wait_for_status(page, "failed")

    card = page.locator("[data-step-kind=error]")
    await expect(card).to_have_attribute("data-severity", re.compile("error|critical"))
    await expect(card).to_contain_text("key")
    await expect(page.locator("[data-step-kind=retry]")).to_have_count(1)
    assert len(wire_server.requests) == 1, "trying again would not help"


async def test_a_page_that_sees_its_run_fail_says_how_many_others_failed_the_same_way(page, wire_server):
    refused = Status(401, message="Incorrect API key provided.", error_type="invalid_request_error")
    line = page.locator("#stage a", has_text="failed the same way")
    wire_server.script(refused, refused)
    await launch(page, "Say something", model=MODEL)
    await wait_for_status(page, "failed")
    await expect(line).to_have_count(0)

    await launch(page, "Say something again", model=MODEL)

    await expect(line).to_have_text("1 other run failed the same way in the last 7 days")
    await line.click()
    await expect(page.locator("[data-run-row]")).to_have_count(2)


async def test_stopping_a_run_ends_its_call_and_says_so(page, wire_server):
    wire_server.script(Hang())
    await launch(page, "Take your time", model=MODEL)
    wire_server.wait_for_requests(1)
    await must_not_reload(page)

    await page.click('button[formaction$="/cancel/"]')

    await wait_for_status(page, "cancelled")
    wire_server.wait_for_client_to_leave()
    await expect(page.locator("[data-answer]")).to_have_count(0)
    assert await never_reloaded(page)


async def test_running_again_is_a_new_run_of_the_same_task(page, wire_server):
    wire_server.script(Answer("First."), Answer("Second."))
    first = await launch(page, "Say which time this is", model=MODEL)
    await wait_for_status(page, "completed")

    await page.click('button[formaction$="/rerun/"]')
    await page.wait_for_url(lambda url: "/runs/" in url and first not in url)

    await expect(page.locator("[data-answer]")).to_contain_text("Second.")
    await expect(page.locator("h1")).to_contain_text("Say which time this is")


async def test_the_dashboard_shows_a_run_from_its_launch_to_its_end(page, site, open_page, wire_server):
    wire_server.script(Hang(answer=Answer("Done.")))
    await page.goto("/")
    await must_not_reload(page)
    elsewhere = await open_page(site, session=site.session_of("ada"))

    run_id = await launch(elsewhere, "Take your time", model=MODEL)

    await expect(page.locator(f'[data-run-row="{run_id}"][data-status="thinking"]')).to_have_count(1)
    wire_server.release()
    await expect(page.locator(f'[data-run-row="{run_id}"][data-status="completed"]')).to_have_count(1)
    assert await never_reloaded(page)


async def test_a_run_and_its_open_page_survive_the_death_of_the_server(page, site, wire_server):
    wire_server.script(CALCULATION, Hang(), Answer("It is 391."))
    await launch(page, "What is 17 * 23?", model=MODEL)
    await page.wait_for_selector("[data-step-kind=tool_result]")
    wire_server.wait_for_requests(2)
    await must_not_reload(page)

    site.kill()
    await expect(page.locator("[data-connection]")).not_to_have_attribute("data-connection", "live")
    site.start()

    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("It is 391.")
    numbers = await step_numbers(page)
    assert numbers == list(range(1, len(numbers) + 1))
    assert await never_reloaded(page)
