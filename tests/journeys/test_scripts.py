"""A script on the page of its run: its calls below it, and the question about one of them."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import MODEL, launch, step_numbers, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.wire.outcomes import Answer

pytestmark = pytest.mark.browser

CODE = """\
total = sum(price_with_tax(net=net) for net in [10, 20])
try:
    stock_level(article="B-1")
except RuntimeError as error:
    print(error)
[round(total, 2), send_invoice(order="R-7")]"""
SCRIPT = Answer(calls=[("run_python", {"code": CODE})])


async def test_the_calls_of_a_script_are_below_it_and_one_of_them_is_approved(start_wired, open_page, wire_server):
    site = start_wired(AGENTSITE_APPS="tests.example_app")
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    wire_server.script(SCRIPT, Answer("It is sent."))

    run_id = await launch(page, "Send the invoice", model=MODEL)
    await wait_for_status(page, "waiting")
    calls = page.locator(".nested-calls > [data-step-kind=tool_call]")
    await expect(calls).to_have_count(4)
    await expect(page.locator("#stage")).to_contain_text("send_invoice")
    assert await faults_on_both(page) == []
    await picture(page, "waiting")

    await page.goto("/inbox/")
    await expect(page.locator("[data-inbox-call]")).to_contain_text("from a script")
    assert await faults_on_both(page) == []
    await picture(page, "inbox")
    await page.goto(f"/runs/{run_id}/")
    await page.locator("#stage").get_by_role("button", name="Approve").first.click()

    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("It is sent.")
    await expect(calls).to_have_count(4)
    numbers = await step_numbers(page)
    assert await faults_on_both(page) == []
    await picture(page, "completed")
    await page.reload()
    await expect(calls).to_have_count(4)
    assert await step_numbers(page) == numbers
    await expect(page.locator("[data-turn] .turn-slot > [data-step-kind=tool_call]")).to_have_count(1)
    await picture(page, "reloaded")
    script = page.locator(".turn-slot > [data-step-kind=tool_call]")
    await script.locator(":scope > details > summary").click()
    await expect(script).to_contain_text("price_with_tax(net=net)")
    assert await faults_on_both(page) == []
    await picture(page, "open")
    await page.goto(f"/runs/{run_id}/?view=timeline")
    await expect(page.locator("main")).to_contain_text("↳ send_invoice")
    assert await faults_on_both(page) == []
    await picture(page, "timeline")


async def picture(page: Page, name: str) -> None:
    """Take a picture for somebody who looks, in light and dark colours, if SCRIPT_PICTURES names a folder."""
    if folder := os.environ.get("SCRIPT_PICTURES"):
        for colours in ("light", "dark"):
            await page.emulate_media(color_scheme=colours)
            await page.screenshot(path=Path(folder) / f"{name}-{colours}.png", full_page=True)
        await page.emulate_media(color_scheme="light")
