"""Runs that a person has sent messages to."""

from playwright.async_api import expect

from tests.screenshots.desk import Desk
from tests.screenshots.replies import ANSWER, PROSE, TASK
from tests.wire import Hang

SAID = ("Only orders of this week, please.", "And say for each what it costs,\nwith and without the tax.")


async def steered(desk: Desk) -> str:
    """The page of a run that writes, with messages that wait."""
    run_id = await desk.launch(TASK, Hang(after_chunks=60, answer=PROSE))
    await desk.settled(run_id, "thinking")
    await _send(desk, run_id, *SAID)
    return f"/runs/{run_id}/"


async def steered_in_thread(desk: Desk) -> str:
    """The same in its thread."""
    return (await steered(desk)).replace("/runs/", "/threads/")


async def answered_twice(desk: Desk) -> str:
    """The page of a run that went on after an answer, because of a message."""
    run_id = await desk.launch(TASK, Hang(answer=ANSWER), PROSE)
    await desk.settled(run_id, "thinking")
    await _send(desk, run_id, SAID[0])
    desk.wire.release()
    await desk.settled(run_id, "completed")
    desk.wire.released.clear()
    return f"/runs/{run_id}/"


async def answered_twice_in_thread(desk: Desk) -> str:
    """The same in its thread."""
    return (await answered_twice(desk)).replace("/runs/", "/threads/")


async def _send(desk: Desk, run_id: str, *texts: str) -> None:
    page = await desk.page("ada")
    try:
        await page.goto(f"/runs/{run_id}/")
        for number, text in enumerate(texts, 1):
            await page.get_by_label("Message to this run").fill(text)
            await page.get_by_role("button", name="Send").click()
            await page.locator("#run-messages li").nth(number - 1).wait_for()
            await expect(page.get_by_label("Message to this run")).to_have_value("")
    finally:
        await page.context.close()
