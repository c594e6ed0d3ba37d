"""A person steers a run from the page of its thread, and puts the list of threads in order."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, WebSocket, expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.journeys.page_faults import DESK, PHONE, PHONE_SIZE, SCREENS, faults_of, faults_on_both, show
from tests.live_site import LiveSite
from tests.wire import Answer, Hang, WireServer

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Any]
LONG = "The tide tables of the northern harbours say little about the wind. " * 6
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}


async def thread_of_a_new_run(page: Page, task: str) -> str:
    """Launch a run and go to its thread, live; returns the id."""
    run_id = await launch(page, task, model=MODEL)
    await page.goto(f"/threads/{run_id}/")
    await expect(page.locator("[data-connection]")).to_have_text("Live")
    return run_id


async def test_messages_of_a_thread_wait_are_withdrawn_and_read_and_the_answer_before_them_stays(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer
) -> None:
    wire_server.script(Hang(answer=Answer("It is **4**.")), Answer("It is IV."))
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    await thread_of_a_new_run(page, "What is 2 + 2?")
    field, waiting = page.get_by_label("Message to this run"), page.locator("#run-messages li")
    await expect(page.get_by_label("Follow up")).to_be_hidden()
    assert await faults_on_both(page) == []

    for text in ("In Roman numerals.", "Nothing else."):
        await field.fill(text)
        await page.keyboard.press("Control+Enter")
        await expect(field).to_have_value("")
        await expect(waiting.last).to_contain_text(text)
    buttons = waiting.last.get_by_role("link", name="Edit"), waiting.last.get_by_role("button", name="Withdraw")
    for size, has_touch in ((DESK, False), (PHONE_SIZE, True)):
        await show(page, size, has_touch=has_touch)
        boxes = [await each.bounding_box() for each in buttons]
        assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"]  # side by side
    await waiting.last.get_by_role("button", name="Withdraw").click()
    await expect(waiting).to_have_count(1)
    assert await faults_on_both(page) == []
    await page.reload()
    await expect(field).to_have_value("")  # what was sent is no draft any more
    await expect(waiting).to_have_count(1)
    wire_server.release()

    entry = page.locator("[data-thread-run]")
    await expect(entry.locator("[data-answer]")).to_have_text("It is IV.")
    await expect(entry.locator("[data-so-far]")).to_contain_text("It is 4.")
    await expect(entry.locator(".thread-message").last).to_contain_text("In Roman numerals.")
    await expect(waiting).to_have_count(0)
    await expect(page.get_by_label("Follow up")).to_be_visible()
    await expect(field).to_be_hidden()
    parts = await entry.locator(".thread-said, [data-so-far], [data-answer]").all_inner_texts()
    assert [part.splitlines()[-1] for part in parts] == [
        "What is 2 + 2?",
        "It is 4.",
        "In Roman numerals.",
        "It is IV.",
    ]
    assert await faults_on_both(page) == []


async def test_in_a_thread_a_reply_is_stopped_for_a_message(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer
) -> None:
    wire_server.script(Hang(after_chunks=60, answer=Answer(LONG)), Answer("Shorter."))
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    await thread_of_a_new_run(page, "Tell me of the tides.")
    await expect(page.locator("[data-replies]")).to_contain_text("northern harbours")

    await page.get_by_label("Message to this run").fill("Shorter, please.")
    await page.get_by_role("button", name="Stop this turn and read it now").click()

    entry = page.locator("[data-thread-run]")
    await expect(entry.locator("[data-answer]")).to_have_text("Shorter.")
    await expect(entry.locator(".thread-message").last).to_contain_text("Shorter, please.")
    assert await faults_on_both(page) == []


async def test_what_happens_while_the_page_is_answered_is_shown_as_well(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer
) -> None:
    wire_server.script(Hang(answer=Answer("It is 4.")), Answer("You are welcome."))
    page = await open_page(site, session=site.session_of("ada"))
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - Playwright takes no built-in method
    run_id = await thread_of_a_new_run(page, "What is 2 + 2?")
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        """Answer with what the server says now, once more has happened."""
        stale = None if asked.is_set() else await route.fetch()
        asked.set()
        await goes_on.wait()
        await (route.continue_() if stale is None else route.fulfill(response=stale))

    await page.route(f"**/threads/*/runs/{run_id}/", answer_late)
    await page.get_by_label("Message to this run").fill("Thank you.")
    await page.keyboard.press("Control+Enter")
    await asked.wait()

    wire_server.release()
    socket = next(each for each in reversed(sockets) if run_id in each.url)
    await socket.wait_for_event("close")  # after all that there is to tell of the run
    goes_on.set()

    await expect(page.locator("[data-thread-run] [data-answer]")).to_have_text("You are welcome.")


@pytest.mark.parametrize("place", ["thread", "run"])
async def test_what_is_being_written_when_the_run_ends_becomes_the_beginning_of_a_follow_up(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer, place: str
) -> None:
    wire_server.script(Hang(answer=Answer("It is 4.")), Answer("It is IV."))
    page = await open_page(site, session=site.session_of("ada"))
    run_id = await thread_of_a_new_run(page, "What is 2 + 2?")
    if place == "run":
        await page.goto(f"/runs/{run_id}/")
        await expect(page.locator("[data-connection]")).to_have_text("Live")
    await page.get_by_label("Message to this run").type("In Roman numerals.")

    wire_server.release()

    further = page.get_by_label("Follow up")
    await expect(further).to_have_value("In Roman numerals.")
    await expect(further).to_be_focused()
    await page.reload()
    await expect(further).to_have_value("In Roman numerals.")
    before = page.url
    await further.press("Control+Enter")
    await page.wait_for_url(lambda url: url != before)
    await expect(page.locator("[data-answer]").last).to_have_text("It is IV.")


async def test_what_is_typed_while_a_message_is_on_its_way_stays(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer
) -> None:
    wire_server.script(Hang(answer=Answer("It is 4.")))
    page = await open_page(site, session=site.session_of("ada"))
    await thread_of_a_new_run(page, "What is 2 + 2?")
    field, sent, goes_on = page.get_by_label("Message to this run"), asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        sent.set()
        await goes_on.wait()
        await route.continue_()

    await page.route("**/messages/", hold)
    await field.fill("In Roman numerals.")
    await page.keyboard.press("Control+Enter")
    await sent.wait()
    await field.press("End")
    await page.keyboard.type("\nAnd in words.")
    goes_on.set()

    await expect(page.locator("#run-messages .queued-text")).to_have_text("In Roman numerals.")
    await expect(field).to_have_value("And in words.")
    await expect(field).to_be_focused()
    wire_server.release()


async def test_a_run_that_another_tab_launches_takes_messages_here(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer
) -> None:
    wire_server.script(Answer("It is 4."), Hang(answer=Answer("It is 14.")), Answer("It is XIV."))
    page = await open_page(site, session=site.session_of("ada"))
    run_id = await launch(page, "What is 2 + 2?", model=MODEL)
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{run_id}/")
    other = await page.context.new_page()
    await other.goto(page.url)

    await other.get_by_label("Follow up").fill("And 10 more?")
    await other.get_by_role("button", name="Continue").click()
    await expect(page.locator("[data-thread-run]")).to_have_count(2)
    await page.get_by_label("Message to this run").fill("In Roman numerals.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#run-messages li")).to_contain_text("In Roman numerals.")
    wire_server.release()

    await expect(page.locator("[data-answer]").last).to_have_text("It is XIV.")
    assert await faults_of(page) == []


async def test_a_change_that_comes_too_late_is_sent_as_another_message(
    site: LiveSite, open_page: OpenPage, wire_server: WireServer
) -> None:
    wire_server.script(Hang(answer=Answer("It is 4.")), Answer("It is IV."))
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    await launch(page, "What is 2 + 2?", model=MODEL)
    run_page = page.url
    await page.get_by_label("Message to this run").fill("In Roman numerals.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.locator("#run-messages li").get_by_role("link", name="Edit").click()
    await page.get_by_label("Message to this run").fill("In words.")
    watcher = await page.context.new_page()
    await watcher.goto(run_page)

    wire_server.release()
    await expect(watcher.locator('[data-step-kind="message"]')).to_contain_text("In Roman numerals.")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_text("It was read before turn 2.")).to_be_visible()
    await expect(page.get_by_label("Message to this run")).to_have_value("In words.")
    assert await faults_on_both(page) == []


@pytest.mark.parametrize("screen", SCREENS)
async def test_several_threads_are_starred_and_archived_at_once(
    shared_site: LiveSite, session: str, open_page: OpenPage, screen: str
) -> None:
    page = await open_page(shared_site, session=session, **SCREENS[screen])
    ids = []
    for task in ("half of 90", "half of 80", "half of 70"):
        ids.append(await launch(page, task))
        await wait_for_status(page, "completed")
        await page.goto(f"/threads/{ids[-1]}/")
        await page.get_by_role("button", name="Star").click()
        await expect(page.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    rows = {run_id: page.locator(f'[data-thread="{run_id}"]') for run_id in ids}

    await page.goto("/threads/?show=starred")
    if screen == "phone":
        await page.get_by_role("button", name="Select", exact=True).click()
    for run_id in ids[:2]:
        await rows[run_id].get_by_role("checkbox").check()
    bar = page.get_by_role("form", name="Selected threads")
    await expect(bar).to_contain_text("2 selected")
    assert await faults_of(page, screen) == []
    await bar.get_by_role("button", name="Remove the star").click()
    await expect(page.locator(".toast, .messages")).to_contain_text("2 threads are without your star.")
    await expect(rows[ids[0]]).to_have_count(0)
    await expect(rows[ids[2]]).to_have_count(1)

    if screen == "phone":
        await page.get_by_role("button", name="Select", exact=True).click()
    await rows[ids[2]].get_by_role("checkbox").check()
    await page.keyboard.press("Escape")
    await expect(bar).to_be_hidden()
    await rows[ids[2]].get_by_role("checkbox").check()
    await bar.get_by_role("button", name="Archive", exact=True).click()
    await page.goto("/threads/?show=archived")
    await expect(rows[ids[2]]).to_have_count(1)


async def test_on_a_wide_screen_the_messages_are_a_list_beside_the_conversation(
    shared_site: LiveSite, session: str, open_page: OpenPage
) -> None:
    page = await open_page(shared_site, session=session, **WIDE)
    run_id = await launch(page, "What is 19 * 19?")
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{run_id}/")
    outline = page.get_by_role("navigation", name="Messages of this thread")
    await expect(outline).to_be_hidden()

    for words in ("add 10 to it", "add <b>20</b> to it"):
        before = page.url
        await page.fill("[name=message]", words)
        await page.press("[name=message]", "Control+Enter")
        await page.wait_for_url(lambda url, before=before: url != before)
        await expect(page.locator("[data-answer]").last).to_be_visible()

    await expect(outline.get_by_role("link")).to_have_text(["What is 19 * 19?", "add 10 to it", "add <b>20</b> to it"])
    assert await faults_of(page) == []
    await outline.get_by_role("link").first.click()
    await expect(outline.get_by_role("link").first).to_have_attribute("aria-current", "true")
    await expect(page.locator("[data-thread-run]").first).to_be_in_viewport()
    await page.set_viewport_size({"width": 1280, "height": 860})
    await expect(outline).to_be_hidden()
