"""Files on the launch form and on the page of their run, in a real browser against a real model server."""

import asyncio
import base64
import json

import pytest
from playwright.async_api import Page, Route, expect

from tests.agent.files import documents
from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.wire import Answer

pytestmark = pytest.mark.browser

CSV = b"region,sum\n" + b"north,3\n" * 200_000
"""1.6 MB: more than one request may carry."""
DROP = """([name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type }));
  const form = document.querySelector("#launch-form");
  for (const kind of ["dragover", "drop"]) {
    form.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""
LAUNCHED = "**/runs/*-*-*-*-*/"


def file(name: str, media_type: str, content: bytes):
    return {"name": name, "mimeType": media_type, "buffer": content}


async def open_form(page: Page, **fields: str) -> None:
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "What is in the files?")
    if fields:
        await page.locator(".launch-options > summary").click()
    for name, value in fields.items():
        await page.fill(f"[name={name}]", value)


async def test_files_are_chosen_dropped_removed_sent_and_read_by_the_agent(site, wire_server, open_page):
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    wire_server.script(
        Answer("", calls=[("read_file", {"name": "notes.md"}), ("search_documents", {"query": "refund"})]),
        Answer("Refunds take 30 days."),
    )
    await open_form(page, model="local/m1")
    await page.set_input_files("#id_upload", [file("sales.csv", "text/csv", CSV), file("old.txt", "text/plain", b"x")])
    await page.evaluate(DROP, ["notes.md", "text/markdown", "# Policy\n\nRefunds take 30 days."])
    await expect(page.locator(".file-chip[data-file]")).to_have_count(3)
    await page.get_by_role("button", name="Remove old.txt").click()
    assert await faults_on_both(page) == []
    await page.click("[data-launch]")
    await page.wait_for_url(LAUNCHED)
    await wait_for_status(page, "completed")

    links = page.locator(".run-files a")
    await expect(links).to_have_count(2)
    await expect(links.first).to_contain_text("sales.csv")
    async with page.expect_download() as download:
        await links.first.click()
    downloaded = await (await download.value).path()
    assert downloaded.read_bytes() == CSV
    assert "[lines 1-3]\\n# Policy" in json.dumps(wire_server.requests[1].body)
    assert await faults_on_both(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def test_a_form_submitted_while_a_file_is_on_its_way_waits_for_it(site, wire_server, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    wire_server.script(Answer("Seen."))
    await open_form(page, model="local/m1")
    is_let_through = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_let_through.wait()
        await route.continue_()

    await page.route("**/content/**", hold)
    await page.set_input_files("#id_upload", [file("a.txt", "text/plain", b"text")])
    await page.click("[data-launch]")
    await expect(page.locator("[data-file-status]")).to_have_text("Waiting for the files…")
    is_let_through.set()
    await page.wait_for_url(LAUNCHED)
    await expect(page.locator(".run-files a")).to_contain_text("a.txt")


async def test_a_draft_of_a_form_with_a_file_is_restored_without_it(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/new/")
    await page.evaluate("""() => {
        const form = document.querySelector("[data-draft-form]");
        const kept = { upload: "a.txt", max_turns: "7" };
        sessionStorage.setItem(form.dataset.draftForm, JSON.stringify(kept));
    }""")

    await page.reload()

    await expect(page.locator("[name=max_turns]")).to_have_value("7")
    await expect(page.locator("#id_upload")).to_have_value("")


async def test_a_draft_keeps_no_name_of_a_file(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/new/")
    await page.set_input_files("#id_upload", [file("a.txt", "text/plain", b"text")])
    await page.locator("[name=max_turns]").evaluate(
        "field => { field.value = '7'; field.dispatchEvent(new Event('input', { bubbles: true })); }"
    )

    kept = await page.evaluate("() => JSON.stringify(Object.values(sessionStorage))")

    assert "max_turns" in kept
    assert "a.txt" not in kept


async def test_a_refused_file_says_why_and_the_others_stay(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await open_form(page)
    await page.set_input_files(
        "#id_upload", [file("a.txt", "text/plain", b"text"), file("b.pdf", "application/pdf", b"no PDF")]
    )
    await expect(page.locator("[data-file-refusals]")).to_contain_text("b.pdf: The name ends in .pdf, but the content")
    await expect(page.locator(".file-chip")).to_have_count(1)


async def test_a_pasted_picture_reaches_a_model_that_sees(site, wire_server, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    wire_server.script(Answer("Red."))
    await open_form(page, model="local/m1")
    await page.set_input_files("#id_upload", [file("red.png", "image/png", documents.png())])
    await expect(page.locator(".file-chip[data-file]")).to_have_count(1)
    await page.click("[data-launch]")
    await page.wait_for_url(LAUNCHED)
    await wait_for_status(page, "completed")
    assert base64.b64encode(documents.png()).decode() in json.dumps(wire_server.requests[-1].body)


async def test_without_scripts_the_files_go_with_the_form(site, wire_server, open_page):
    page = await open_page(site, session=site.session_of("ada"), java_script_enabled=False)
    wire_server.script(Answer("Seen."))
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "What is in the file?")
    await page.locator(".launch-options > summary").click()
    await page.fill("[name=model]", "local/m1")
    await page.set_input_files("#id_upload", [file("a.txt", "text/plain", b"text")])
    await page.click("[data-launch]")
    await expect(page.locator(".run-files a")).to_contain_text("a.txt")
