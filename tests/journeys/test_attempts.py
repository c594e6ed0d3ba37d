"""A user watches attempts fail, and cuts the waits short; and parallel tools."""

import re

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import MODEL, launch, step_numbers, wait_for_status
from tests.journeys.page_faults import PHONE, faults_of, faults_on_both
from tests.wire.outcomes import Answer, Status

pytestmark = pytest.mark.browser

SUMS = [("calculator", {"expression": f"17 * {number}"}) for number in (23, 24)]


async def test_try_now_ends_the_wait(page, wire_server):
    wire_server.script(Status(503, retry_after="50"), Answer("Here I am."))
    await launch(page, "Say something", model=MODEL)
    await expect(page.locator("[data-countdown]")).to_contain_text(re.compile(r"\d s"))
    assert await faults_of(page) == []
    await expect(page).to_have_title(re.compile(r"^⟳ \d\d s · Say something · Agentsite$"))
    await expect(page.locator("#run-state .pill")).to_have_text("Retrying 1/3")
    icon = page.locator("link[rel=icon]")
    await expect(icon).to_have_attribute("href", re.compile("icons/run"))

    await page.click('button[formaction$="/try-now/"]')

    await expect(page.locator("[data-answer]")).to_contain_text("Here I am.")
    await wait_for_status(page, "completed")
    await expect(page).to_have_title("✓ Say something · Agentsite")
    await expect(icon).to_have_attribute("href", re.compile("icons/ok"))
    await expect(page.locator('button[formaction$="/try-now/"]')).to_have_count(0)


async def test_stop_retrying_ends_the_run_with_what_failed(page, wire_server):
    wire_server.script(Status(503, retry_after="50"))
    await launch(page, "Say something", model=MODEL)

    await page.click('button[formaction$="/stop-retrying/"]')

    await wait_for_status(page, "failed")
    await expect(page.locator("[data-step-kind=error]")).to_have_count(1)
    await expect(page.locator("[data-step-kind=retry]")).to_contain_text("The wait was cut short")
    assert len(wire_server.requests) == 1


async def test_runs_that_wait_for_a_retry_can_be_found_in_the_history(page, wire_server):
    wire_server.script(Status(503, retry_after="50"))
    run_id = await launch(page, "Say something", model=MODEL)
    await wait_for_status(page, "waiting")

    await page.goto("/runs/?waiting_for=retry")

    await expect(page.locator(f'[data-run-row="{run_id}"]')).to_have_count(1)
    await page.goto("/runs/?waiting_for=approval")
    await expect(page.locator("[data-run-row]")).to_have_count(0)


async def test_calls_side_by_side_are_a_waterfall(site, open_page, wire_server):
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    wire_server.script(Answer(calls=[*SUMS, ("calculator", {"expression": "1 / 0"})]), Answer("391 and 408."))
    await launch(page, "What is 17 * 23 and 17 * 24?", model=MODEL)
    await wait_for_status(page, "completed")

    calls = page.locator("[data-step-kind=tool_call]")
    await expect(page.locator(".parallel-calls")).to_have_text(re.compile("3 in parallel · "))
    steps = str(max(await step_numbers(page)))
    await expect(page.locator("[data-steps-taken]")).to_have_text([steps, steps])
    await expect(calls.locator('[data-step-kind=tool_result] [data-bar="succeeded"] rect')).to_have_count(2)
    failed = calls.filter(has=page.locator('[data-bar="failed"]'))
    await expect(failed.locator("details").first).to_have_attribute("open", "")
    await expect(failed.locator("[data-call-state=failed]")).to_contain_text("Failed")
    assert await faults_on_both(page) == []
    await page.reload()
    await expect(page.locator(".parallel-calls")).to_have_text(re.compile("3 in parallel · "))


async def test_an_error_leads_to_a_form_with_the_suggested_change(site, open_page, wire_server):
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    wire_server.script(Answer(calls=SUMS[:1]), Answer("391"))
    await launch(page, "What is 17 * 23?", model=MODEL, max_turns="1")
    await wait_for_status(page, "failed")
    assert await faults_on_both(page) == []

    await page.get_by_role("link", name="Allow more turns").click()

    await expect(page.locator("[name=task]")).to_have_value("What is 17 * 23?")
    await expect(page.locator("[name=model]")).to_have_value(MODEL)
    await expect(page.locator("[name=max_turns]")).to_have_value("2")
    await expect(page.locator("[name=max_turns]")).to_have_attribute("data-changed", "")
    assert await faults_on_both(page) == []
    await page.press("[name=task]", "Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    await wait_for_status(page, "completed")
