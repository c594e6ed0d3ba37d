"""A user reads along while a model writes, and sees the result."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.journeys.cable import Cable
from tests.journeys.conftest import MODEL, launch, step_numbers, wait_for_status
from tests.journeys.page_faults import faults_of
from tests.wire.outcomes import Answer, Hang

pytestmark = pytest.mark.browser

LONG = Answer("The tide comes in twice a day.", reasoning="Think of the moon.")


async def test_words_appear_before_their_step_and_give_way_to_it(page, wire_server):
    wire_server.script(Hang(after_chunks=8, answer=LONG))
    await launch(page, "When is high tide?", model=MODEL)

    reply = page.locator("[data-reply]")
    await expect(reply.locator("[data-said=reasoning]")).to_have_text("Think of the moon.")
    await expect(reply.locator("[data-said=text]")).to_have_text(re.compile("^The tide comes"))
    await expect(page.locator("[data-step-seq]")).to_have_count(0)
    wire_server.release()

    await expect(page.locator("[data-answer]")).to_have_text("The tide comes in twice a day.")
    await expect(reply).to_have_count(0)
    await expect(page.locator("[data-step-kind=answer]")).to_have_attribute("data-card", "1-1-1-1")


async def test_who_comes_while_a_model_writes_sees_all_it_has_said(page, wire_server):
    wire_server.script(Hang(after_chunks=8, answer=LONG))
    await launch(page, "When is high tide?", model=MODEL)
    said = await page.locator("[data-said=text]").inner_text()

    await page.reload()

    await expect(page.locator("[data-said=reasoning]")).to_have_text("Think of the moon.")
    await expect(page.locator("[data-said=text]")).to_have_text(said)


async def test_what_a_failed_attempt_had_said_stays_as_an_unfinished_reply(page, wire_server):
    wire_server.script(Hang(after_chunks=8, answer=LONG), Answer("It depends on where you are."))
    await launch(page, "When is high tide?", model=MODEL)
    await expect(page.locator("[data-said=text]")).to_have_text(re.compile("^The tide"))
    said = (await page.locator("[data-said=text]").inner_text()).strip()
    await watch_words(page, said)

    wire_server.break_off()

    left = page.locator("[data-unfinished=attempt_failed]")
    await expect(left.locator("[data-words]")).to_have_text(said)
    await expect(left).to_contain_text("the attempt failed")
    retry = page.locator("[data-step-kind=retry]")
    await expect(retry).to_contain_text("Connection lost mid-reply")
    await expect(retry.locator("del")).to_have_count(0)
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-reply]")).to_have_count(0)
    await expect(page.locator("[data-answer]")).to_have_count(1)
    await expect(page.locator("[data-answer]")).to_have_text("It depends on where you are.")
    assert await times_gone(page) == 0
    await page.reload()
    await expect(left.locator("[data-words]")).to_have_text(said)
    await expect(page.locator("[data-answer]")).to_have_count(1)


async def test_what_a_stopped_run_had_said_stays_and_is_not_its_answer(page, wire_server):
    wire_server.script(Hang(after_chunks=8, answer=LONG))
    await launch(page, "When is high tide?", model=MODEL)
    await expect(page.locator("[data-said=text]")).to_have_text(re.compile("^The tide"))
    said = (await page.locator("[data-said=text]").inner_text()).strip()
    await watch_words(page, said)

    await page.click('button[formaction$="/cancel/"]')

    await wait_for_status(page, "cancelled")
    left = page.locator("[data-unfinished=stopped]")
    await expect(left.locator("[data-words]")).to_have_text(said)
    await expect(left.locator("summary")).to_have_text("Reasoning")
    await expect(page.locator("[data-reply]")).to_have_count(0)
    await expect(page.locator("[data-answer]")).to_have_count(0)
    await expect(page.locator("[data-proof]")).to_contain_text("are kept below")
    assert await times_gone(page) == 0
    numbers = await step_numbers(page)
    assert numbers == sorted(numbers)
    await page.reload()
    await expect(left.locator("[data-words]")).to_have_text(said)


@pytest.mark.parametrize("ends", ["a stop", "its answer"])
async def test_words_that_are_read_stay_in_view_when_they_become_a_step(page, wire_server, ends):
    table = Answer("\n\n".join(f"Line {number} of the tide table." for number in range(120)))
    wire_server.script(Hang(after_chunks=600, answer=table))
    await launch(page, "When is high tide?", model=MODEL)
    await expect(page.locator("[data-said=text]")).to_contain_text("Line 90 of")
    replies = page.locator("[data-replies]")
    await replies.evaluate("box => box.scrollTo({ top: box.scrollTop - 2500, behavior: 'instant' })")
    before = await line_in_the_middle_of(replies)

    if ends == "a stop":
        await page.evaluate("""() => document.querySelector('button[formaction$="/cancel/"]').click()""")
    else:
        wire_server.release()
    await wait_for_status(page, "cancelled" if ends == "a stop" else "completed")

    await expect(page.locator("[data-reply]")).to_have_count(0)
    assert 10 < before < 85
    now = page.locator("[data-unfinished]" if ends == "a stop" else ".answer")
    assert abs(await line_in_the_middle_of(now) - before) <= (3 if ends == "a stop" else 25)


async def grown(bar):
    """True once the bar is wider than at the call."""
    before = int(await bar.get_attribute("width"))
    await expect(bar).not_to_have_attribute("width", str(before))
    return int(await bar.get_attribute("width")) > before


async def line_in_the_middle_of(box):
    """The number of the line in the middle of what is in view of the box."""
    return await box.evaluate(
        """box => {
            const { left, top, bottom } = box.getBoundingClientRect();
            const middle = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
            const { startContainer: text, startOffset } = document.caretRangeFromPoint(left + 40, middle);
            const end = text.data.indexOf("\\n", startOffset);
            const above = text.data.slice(0, end < 0 ? undefined : end);
            return Number([...above.matchAll(/Line ([0-9]+)/g)].at(-1)[1]);
        }"""
    )


async def watch_words(page, words):
    """Record at every frame of the page whether the words are on it."""
    await page.evaluate(
        """words => {
            window.timesGone = 0;
            const look = () => {
                const said = document.querySelector("#main").innerText.includes(words);
                if (!said) window.timesGone += 1;
                requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        }""",
        words,
    )


async def times_gone(page):
    """The number of frames without the words."""
    return await page.evaluate("window.timesGone")


async def test_a_page_that_was_cut_off_goes_on_with_all_that_was_said(site, open_page, wire_server):
    wire_server.script(Hang(after_chunks=8, answer=LONG))
    async with Cable(site.url) as cable:
        page = await open_page(site, session=site.session_of("ada"), through=cable.url)
        await launch(page, "When is high tide?", model=MODEL)
        said = await page.locator("[data-said=text]").inner_text()

        await cable.pull()
        await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")
        await expect(page.locator("[data-said=text]")).to_have_text(said)
        wire_server.release()

        await expect(page.locator("[data-answer]")).to_have_text("The tide comes in twice a day.")
        await expect(page.locator("[data-reply]")).to_have_count(0)


async def test_a_race_shows_its_lanes_and_leaves_no_half_reply_behind(start_site, open_page, wire_server):
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1", "m2"]}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada")
    site.ask(
        "from runs.models import Agent; "
        "Agent.objects.create(name='Racer', model_names=['local/m1', 'local/m2'], strategy='race')"
    )
    page = await open_page(site, session=site.session_of("ada"))
    half, whole = Hang(after_chunks=7, answer=LONG), Hang(after_chunks=1, answer=Answer("Twice a day."))
    wire_server.otherwise = lambda request: half if request.body["model"] == "m1" else whole

    await launch(page, "When is high tide?", agent="Racer")
    await expect(page.locator("[data-reply]")).to_contain_text("Think of the moon.")
    lanes = page.locator("#stage-face[data-face=race] .lane")
    await expect(lanes.locator(".lane-name")).to_have_text(["local/m1", "local/m2"])
    await expect(lanes.nth(0).locator("[data-lane-words]")).to_have_text(re.compile(r"^writing, ≈\d+ tokens$"))
    await expect(lanes.nth(1).locator("[data-lane-words]")).to_have_text(re.compile(r"^no word yet · \d\.\d s$"))
    begun = page.locator("[data-step-kind=race]:has(> .race-slot) > .step-body")
    await expect(begun.locator("[data-lane-words]")).to_have_text([re.compile("^writing"), re.compile("^no word yet")])
    assert await grown(lanes.nth(1).locator("rect"))
    assert await faults_of(page) == []
    wire_server.release()

    race = page.locator("[data-step-kind=race] [data-step-kind=race]")
    await expect(begun).to_be_hidden()
    await expect(race.locator("[data-bar]")).to_have_count(2)
    await expect(race.locator('[data-bar="won"]')).to_have_count(1)
    await expect(race).to_contain_text("2 requests instead of 1")
    await expect(page.locator("[data-reply]")).to_have_count(0)
    await wait_for_status(page, "completed")
