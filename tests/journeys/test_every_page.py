"""Every page, for accessibility and layout."""

import pytest
from playwright.async_api import Page

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, SMALLEST, faults_of, faults_on_both, layout_faults_of
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser


OTHER_AGENT = """
from django.utils import timezone
from runs.models import Agent, Library, Skill, SkillFile, StoredFile
Agent.objects.create(name="An agent with a name that is as long as the names of some agents are", instructions="Help.")
shelf = Library.objects.create(name="A library whose name is as long as the names of some libraries are")
name = "a_document_whose_name_has_no_space_and_is_long_" * 3 + ".pdf"
StoredFile.objects.create(name=name, size=9, library=shelf, state="ready")
words = "Words of a description. " * 40
skill = Skill.objects.create(name="a" * 64, description=words, size=9, uploaded_at=timezone.now())
SkillFile.objects.create(skill=skill, path="SKILL.md", content=b"a_line_without_a_space_" * 40)
SkillFile.objects.create(skill=skill, path="references/" + "a" * 180, content=b"")
"""


async def finished_run(page: Page) -> str:
    """A run with reasoning, two tool calls and an answer."""
    run_id = await launch(page, "What is 17 * 23 and what is 2**10?")
    await wait_for_status(page, "completed")
    return run_id


async def test_no_page_of_a_new_site_has_an_accessibility_violation_or_is_wider_than_the_window(
    live_site: LiveSite, open_page
):
    faults: list[str] = []
    stranger = await open_page(live_site)
    for address in (live_site.line.removeprefix("Sign in: "), "/accounts/login/", "/accounts/first/used-up/"):
        await stranger.goto(address)
        faults += await faults_on_both(stranger)

    live_site.create_user("root", staff=True, superuser=True)
    live_site.ask(OTHER_AGENT)
    page = await open_page(live_site, session=live_site.session_of("root"))
    for address in (
        "/", "/runs/", "/inbox/", "/threads/", "/models/", "/settings/password/", "/settings/tokens/", "/search/",
        "/settings/notifications/", "/settings/notifications/rules/new/", "/settings/notifications/channels/new/",
        "/settings/webhooks/", "/settings/webhooks/new/",
        "/libraries/", "/libraries/1/", "/tools/", "/tools/?q=nothing-like-it", "/tools/read_file/",
        "/skills/", "/skills/" + "a" * 64 + "/", "/templates/", "/templates/?q=nothing-like-it",
        "/agents/1/templates/new/", "/agents/?archived=1", "/agents/import/", "/agents/2/", "/agents/2/edit/",
        "/agents/2/versions/", "/agents/2/versions/1/", "/agents/2/compare/", "/triggers/", "/triggers/new/",
            "/alerts/",
    ):  # fmt: skip
        await page.goto(address)
        faults += await faults_on_both(page)

    assert faults == []


async def test_the_styleguide_has_no_accessibility_violation_and_is_not_wider_than_the_window(
    shared_site: LiveSite, root_session: str, open_page
):
    page = await open_page(shared_site, session=root_session)
    await page.goto("/styleguide/")

    assert await faults_on_both(page) == []


async def test_no_page_of_a_site_with_runs_has_an_accessibility_violation_or_is_wider_than_the_window(
    live_site: LiveSite, open_page
):
    faults: list[str] = []
    live_site.create_user("root", staff=True, superuser=True)
    page = await open_page(live_site, session=live_site.session_of("root"))
    run_id = await finished_run(page)
    waiting_id = await launch(page, "What is 17 * 23?", approval="always")
    await wait_for_status(page, "waiting")
    answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
    call = f"/runs/{waiting_id}/calls/{(await answer.json())['items'][0]['call_id']}/"
    for address in (
        "/", "/runs/", "/runs/?q=nothing-like-it", "/runs/new/", f"/runs/{run_id}/", "/runs/no-such-page/",
        "/inbox/", call, "/search/?q=17", "/tools/", "/tools/calculator/",
        f"/threads/{run_id}/", f"/threads/{waiting_id}/", "/threads/?q=nothing-like-it", "/threads/?show=starred",
        "/threads/?show=archived", f"/runs/{run_id}/ask-again/",
    ):  # fmt: skip
        await page.goto(address)
        faults += await faults_on_both(page)

    assert faults == []


async def test_a_run_fits_a_window_of_320_px_in_every_state(shared_site, session, open_page):
    small = PHONE | {"viewport": SMALLEST}
    page, german = [await open_page(shared_site, session=session, locale=each, **small) for each in ("en-GB", "de-DE")]
    faults: list[str] = []

    for task, fields, status in (
        ("Write a poem about the sea", {}, "completed"),
        ("What is 17 * 23 and what is 2**10?", {"approval": "always"}, "waiting"),
    ):
        run_id = await launch(page, task, **fields)
        await wait_for_status(page, status)
        own = f"/runs/{run_id}/"
        for address in (own, f"{own}?view=timeline", f"{own}?view=settings", f"/threads/{run_id}/"):
            await page.goto(address)
            faults += await faults_of(page) + await page.evaluate(LABELS_OVER_EACH_OTHER)
            await german.goto(address)
            # The language changes how wide the words are, and nothing else that axe asks for.
            faults += await layout_faults_of(german) + await german.evaluate(LABELS_OVER_EACH_OTHER)

    assert faults == []
    assert await german.get_attribute("html", "lang") == "de"
    for each in (page, german):
        assert (await each.locator("#compose textarea").bounding_box())["width"] > SMALLEST["width"] / 2
        await each.goto(f"{own}?view=settings")
        group, row = each.locator(".settings-group").first, each.locator("tr:has(> .settings-group)").first
        assert (await group.bounding_box())["width"] == (await row.bounding_box())["width"]


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_the_launch_buttons_share_a_line_and_nothing_shows_below_them(shared_site, session, open_page, locale):
    page = await open_page(shared_site, session=session, locale=locale, **PHONE | {"viewport": SMALLEST})
    await page.goto("/runs/new/")

    await page.focus("[name=task]")

    first, second = [await page.locator(name).bounding_box() for name in ("[data-launch]", "[data-stay]")]
    assert first["x"] + first["width"] <= second["x"]
    assert first["y"] == second["y"]
    assert second["x"] + second["width"] <= SMALLEST["width"]
    assert await page.evaluate(WORDS_CUT_OFF) == []
    assert await page.locator(".form-actions").evaluate("bar => getComputedStyle(bar).boxShadow") != "none"


async def test_the_form_of_a_launch_comes_before_the_card_of_its_agent(shared_site, session, open_page):
    page = await open_page(shared_site, session=session, viewport={"width": 1280, "height": 800})

    await page.goto("/runs/new/")

    assert await page.locator("#launch-form ~ #launch-agent").count() == 1
    form, card = [await page.locator(name).bounding_box() for name in ("#launch-form", "#launch-agent")]
    assert form["y"] == card["y"]
    assert form["x"] < card["x"]


async def test_the_status_of_a_run_lies_over_no_task_in_german(shared_site, session, open_page):
    page = await open_page(shared_site, session=session, locale="de-DE")
    await launch(page, "What is 17 * 23?", approval="always")
    await wait_for_status(page, "waiting")

    await page.goto("/")

    pill, task = page.locator(".run-row .pill").first, page.locator(".run-row-words").first
    pill_box, task_box = await pill.bounding_box(), await task.bounding_box()
    assert pill_box["x"] + pill_box["width"] < task_box["x"]


async def test_a_launch_without_a_task_says_so_where_the_cursor_is(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/new/")

    async with page.expect_response(lambda response: response.request.method == "POST") as posted:
        await page.click("#launch-form [type=submit], form:has([name=task]) [type=submit]")

    assert (await posted.value).status == 422
    await page.wait_for_selector("[name=task][aria-invalid=true]")
    assert await faults_of(page) == []


@pytest.mark.parametrize("address", ["/", "/runs/", "/runs/new/"])
async def test_a_page_can_be_walked_with_the_keyboard_alone(shared_site, session, open_page, address):
    page = await open_page(shared_site, session=session)
    await page.goto(address)
    reachable = await page.evaluate(FOCUSABLE)

    reached = set()
    await page.evaluate("document.body.focus()")
    for _ in range(reachable + 2):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate(PLACE_OF_FOCUS))

    assert len(reached - {None}) >= reachable


LABELS_OVER_EACH_OTHER = """() => {
    const boxes = [...document.querySelectorAll(".timeline-ticks text")].map(each => each.getBoundingClientRect());
    const shown = boxes.filter(box => box.width);
    return shown.filter((box, at) => at && box.left < shown[at - 1].right).map(box => `a label at ${box.left}`);
}"""
WORDS_CUT_OFF = """() => [...document.querySelectorAll(".form-actions .button")]
    .filter(button => button.scrollWidth > button.clientWidth).map(button => button.innerText)"""
FOCUSABLE = """() => {
    const seen = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")];
    return seen.filter(e => !e.disabled && e.type !== "hidden" && e.tabIndex >= 0 && e.checkVisibility()).length;
}"""
PLACE_OF_FOCUS = """() => {
    const e = document.activeElement;
    return e === document.body ? null : [...document.querySelectorAll("*")].indexOf(e);
}"""
