"""A user pauses a run, resumes it, stops one with its report, and follows one up."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_of, faults_on_both
from tests.wire.outcomes import Answer, Hang

pytestmark = pytest.mark.browser

SUM = ("calculator", {"expression": "17 * 23"})


async def test_pause_resume_stop_with_proof_and_follow_up(site, open_page, wire_server):
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    wire_server.script(Hang(answer=Answer(calls=[SUM])), Hang(answer=Answer("Never said."), after_chunks=1))
    run_id = await launch(page, "What is 17 * 23?", model=MODEL)
    await wait_for_status(page, "thinking")

    # The awaited reply is kept; its calls run after the resume.
    await page.get_by_label("More actions").press("Enter")
    await page.get_by_role("button", name="Pause").press("Enter")
    await expect(page.locator("#run-state .pill")).to_have_text("Pausing…")
    await expect(page.locator(".toast")).to_contain_text("Pausing")
    wire_server.release()
    await wait_for_status(page, "waiting")
    assert await page.locator(".toast").count() == 0
    await expect(page.locator("#run-state .pill")).to_have_text("Paused")
    await expect(page.locator("[data-step-kind=tool_result]")).to_have_count(0)
    await expect(page.locator("#steps")).to_contain_text("Paused by ada.")
    await expect(page.locator("[data-waiting]")).to_be_hidden()
    assert await faults_on_both(page) == []
    wire_server.released.clear()

    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator("[data-step-kind=tool_result]")).to_have_count(1)
    wire_server.wait_for_requests(2)

    await page.get_by_role("button", name="Stop", exact=True).press("Enter")
    await wait_for_status(page, "cancelled")
    await expect(page.get_by_role("button", name="Run again")).to_be_focused()
    proof = page.locator("[data-proof]")
    await expect(proof).to_contain_text("Spent after you pressed Stop")
    await expect(proof).to_contain_text("calculator")
    await expect(page.locator(".step-title", has_text="Stopped")).to_have_count(1)
    assert await faults_on_both(page) == []

    wire_server.script(Answer("As I said: 391."))
    await page.get_by_label("Follow up").fill("So what is it?")
    await page.get_by_label("Follow up").press("Control+Enter")
    await page.wait_for_url(lambda url: run_id not in url)
    await wait_for_status(page, "completed")
    told = json.dumps(wire_server.requests[-1].body)
    assert "What is 17 * 23?" in told and "391" in told and "So what is it?" in told
    await page.locator("[data-continues]").click()
    await expect(page.locator("[data-continued-by]")).to_contain_text("So what is it?")
    assert await faults_on_both(page) == []


async def test_a_failed_run_goes_on_with_more_of_what_it_ran_out_of_and_its_page_is_live_again(
    site, open_page, wire_server
):
    page = await open_page(site, session=site.session_of("ada"))
    wire_server.script(Answer(calls=[SUM]), Answer("391"))
    await launch(page, "What is 17 * 23?", model=MODEL, max_turns="1")
    await wait_for_status(page, "failed")

    await page.locator("#stage").get_by_role("button", name="Resume with more turns").click()

    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("391")
    await expect(page.locator("[data-step-kind=tool_call]")).to_have_count(1)
    await expect(page.locator("#steps")).to_contain_text("Resumed by ada")


async def test_a_run_that_made_all_its_tool_calls_goes_on_with_more(site, open_page, wire_server):
    page = await open_page(site, session=site.session_of("ada"))
    wire_server.script(Answer(calls=[SUM]), Answer(calls=[SUM]), Answer(calls=[SUM]), Answer("391 twice"))
    await launch(page, "What is 17 * 23? Check it.", model=MODEL, max_calls="1")
    await wait_for_status(page, "failed")
    await expect(page.locator("[data-step-kind=error]")).to_contain_text("limit max_calls: 1 of 1 tool calls")
    await expect(page.get_by_role("link", name="Allow more tool calls")).to_have_count(1)
    assert await faults_of(page) == []

    await page.locator("#stage").get_by_role("button", name="Resume with more tool calls").click()

    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("391 twice")
    await expect(page.locator("[data-step-kind=tool_call]")).to_have_count(2)


async def test_a_stop_that_is_not_heeded_can_be_forced_once_its_time_is_up(
    start_wired, open_page, wire_server, tmp_path
):
    until = tmp_path / "until"
    site = start_wired(AGENTSITE_TOOLS="tests.stubborn_tools", STUBBORN_UNTIL=str(until))
    page = await open_page(site, session=site.session_of("ada"))
    wire_server.script(Answer(calls=[("stubborn", {})]))
    run_id = await launch(page, "Wait.", model=MODEL)
    await expect(page.locator("[data-step-kind=tool_call]")).to_have_count(1)
    await wait_for_status(page, "executing")

    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.get_by_role("button", name="Stopping")).to_be_disabled()
    await expect(page.locator("#steps")).to_contain_text("Running now: stubborn")
    await expect(page.get_by_role("button", name="Force stop")).to_have_count(0)  # Not yet.
    with sqlite3.connect(site.data / "agentsite.sqlite3") as database:
        asked_at = (datetime.now(UTC) - timedelta(seconds=11)).strftime("%Y-%m-%d %H:%M:%S.%f")
        key = UUID(run_id).hex
        database.execute("UPDATE runs_run SET cancel_requested_at = ? WHERE id = ?", (asked_at, key))
    database.close()
    await page.reload()
    await page.get_by_role("button", name="Force stop").click()

    await wait_for_status(page, "cancelled")
    proof = page.locator("[data-proof]")
    await expect(proof).to_contain_text("ada forced it")
    await expect(proof.locator("[data-outcome=unknown]")).to_have_text("it may or may not have happened")
    assert await faults_of(page) == []
    until.touch()
