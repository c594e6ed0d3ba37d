"""Behaviour of pages beyond plain HTML: forms that keep typed text, filters in the address, a theme."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.journeys.conftest import launch, wait_for_status
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

PASSWORD = "a good long password"
PREPARE = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from runs.models import Run

sessions = []
for number in range(PEOPLE):
    user = User.objects.create_user(f"person-{number}", password=PASSWORD)
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.create()
    sessions.append(session.session_key)
    if number < WITH_RUNS:
        Run.objects.bulk_create(
            Run(user=user, task=f"Task {n}", status="completed" if n % 10 else "failed") for n in range(120)
        )
print(json.dumps(sessions))
"""
WITH_RUNS = 2


@dataclass(frozen=True)
class Person:
    """A signed-in user of this module's site."""

    username: str
    session: str


@pytest.fixture(scope="module")
def site(shared_site: LiveSite) -> LiveSite:
    """One server for all of these tests: each test has a user of its own, who sees nothing of the others."""
    return shared_site


@pytest.fixture(scope="module")
def people(site: LiveSite, request: pytest.FixtureRequest) -> list[Person]:
    """As many users as tests; the first two have 120 runs each. Each test takes one from an end."""
    tests = sum(item.path == request.path for item in request.session.items)
    values = f"PEOPLE, WITH_RUNS, PASSWORD = {tests}, {WITH_RUNS}, {PASSWORD!r}"
    sessions = json.loads(site.ask(values + PREPARE))
    return [Person(f"person-{number}", session) for number, session in enumerate(sessions)]


@pytest.fixture
def person(people: list[Person]) -> Person:
    """A user without runs."""
    return people.pop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: LiveSite, person: Person, open_page: Any) -> Page:
    """The user's page."""
    opened: Page = await open_page(site, session=person.session)
    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def busy_page(site: LiveSite, people: list[Person], open_page: Any) -> Page:
    """The page of a user with 120 runs, twelve of them failed."""
    opened: Page = await open_page(site, session=people.pop(0).session)
    return opened


def rows(page: Page) -> Any:
    return page.locator("[data-run-row]")


async def test_an_impatient_person_launches_one_run(page: Page) -> None:
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")

    for _ in range(3):
        await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")

    await page.goto("/runs/")
    await expect(rows(page)).to_have_count(1)


@pytest.mark.parametrize("field", ["[name=agent]", "[name=max_turns]"])
async def test_a_run_is_launched_with_the_keyboard_from_any_field(page: Page, field: str) -> None:
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    await page.locator("#launch-form details").evaluate_all("all => all.forEach((each) => { each.open = true })")

    await page.press(field, "Control+Enter")

    await page.wait_for_url("**/runs/*-*-*-*-*/")


async def test_an_example_fills_in_the_task_and_can_be_taken_back(page: Page) -> None:
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "my own words")

    await page.click("[data-fill] >> nth=0")
    filled = await page.input_value("[name=task]")
    await page.keyboard.press("Control+z")

    assert filled != "my own words"
    await expect(page.locator("[name=task]")).to_have_value("my own words")


async def test_a_task_outlives_a_sign_in_that_ended_while_it_was_typed(page: Page, person: Person) -> None:
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    await page.context.clear_cookies(name="sessionid")
    await page.keyboard.press("Control+Enter")

    await page.wait_for_url("**/accounts/login/?next=*")
    await page.fill("[name=username]", person.username)
    await page.fill("[name=password]", PASSWORD)
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/runs/new/")
    await expect(page.locator("[name=task]")).to_have_value("half of 90")


async def test_a_launch_that_reaches_nobody_says_so_and_keeps_everything(page: Page) -> None:
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "half of 90")
    await page.route("**/runs/", lambda route: route.abort())
    button = page.locator("#launch-form [data-launch]")

    await page.keyboard.press("Control+Enter")

    await expect(page.locator(".toast[data-level=error]")).to_contain_text("No connection. Try again.")
    await expect(page.locator("[name=task]")).to_have_value("half of 90")
    await expect(button).to_be_enabled()
    await page.context.set_offline(True)
    await expect(button).to_be_disabled()
    await expect(button).to_contain_text("No connection, kept as draft")
    await page.context.set_offline(False)
    await expect(button).to_be_enabled()
    await expect(button).to_contain_text("Launch run")
    await expect(page.locator("[name=task]")).to_have_value("half of 90")


async def test_a_filter_stands_in_the_address_and_the_back_button_takes_it_away(busy_page: Page) -> None:
    page = busy_page
    await page.goto("/runs/")

    await page.get_by_text("Status", exact=True).first.click()
    await page.check('[name=status][value="failed"]')
    await page.wait_for_url("**/runs/?status=failed")
    await expect(rows(page)).to_have_count(12)
    await expect(page.locator("#run-tabs [aria-current]")).to_have_count(0)
    await page.go_back()

    await page.wait_for_url("**/runs/")
    await expect(page.locator("#run-tabs [aria-current]")).to_contain_text("All")
    await expect(rows(page)).to_have_count(50)
    await expect(page.locator("[name=status]:checked")).to_have_count(0)


async def test_the_search_stays_where_it_is_while_filters_are_chosen(page: Page) -> None:
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto("/runs/")
    place = "document.getElementById('id_q').getBoundingClientRect().top"
    middles = """[...document.querySelectorAll('#id_q, .filter-chip > summary')].slice(0, 3).map(each => {
        const {top, bottom} = each.getBoundingClientRect();
        return (top + bottom) / 2;
    })"""
    before = await page.evaluate(place)
    inside_one_row = await page.evaluate(middles)

    await page.get_by_text("Status", exact=True).first.click()
    for status in ("failed", "completed", "waiting", "idle"):
        async with page.expect_response(f"**status={status}*"):
            await page.check(f'[name=status][value="{status}"]')
        await expect(page.locator(".run-results.htmx-request")).to_have_count(0)
    await expect(page.locator("[data-chip-words]").first).to_contain_text("Failed")

    assert await page.evaluate(place) == before
    assert max(inside_one_row) - min(inside_one_row) <= 1


async def test_older_runs_are_added_below_until_there_are_no_more(busy_page: Page) -> None:
    page = busy_page
    await page.goto("/runs/")

    for count in (100, 120):
        # To the end of the page, not to an element: the link there is replaced as soon as it is seen.
        await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        await expect(rows(page)).to_have_count(count)

    await expect(page.locator("#older")).to_have_count(0)
    assert len(set(await rows(page).evaluate_all("rows => rows.map(row => row.dataset.runRow)"))) == 120


async def test_a_chosen_theme_is_remembered_and_the_system_can_have_it_back(page: Page) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto("/")

    await choose_theme(page, "Dark")
    await page.reload()
    remembered = await page.evaluate("document.documentElement.dataset.theme")
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await choose_theme(page, "System")
    await page.reload()

    assert remembered == "dark"
    assert background == "rgb(13, 14, 17)"
    assert await page.evaluate("document.documentElement.dataset.theme ?? 'system'") == "system"


async def choose_theme(page: Page, name: str) -> None:
    """With the radios of the account menu, which marks the choice."""
    await page.click(".side-account > summary")
    await page.locator(".side-account").get_by_role("radio", name=name).check()
    await page.keyboard.press("Escape")


async def test_the_account_menu_closes_on_escape_and_signs_out(page: Page) -> None:
    await page.goto("/")
    menu = page.locator(".side-account")

    await menu.locator("summary").click()
    await page.keyboard.press("Escape")
    await expect(menu).not_to_have_attribute("open", "")
    await page.keyboard.press("Enter")
    await menu.get_by_role("button", name="Sign out").click()

    await page.wait_for_url("**/accounts/login/")


async def test_the_dashboard_fills_while_somebody_watches_it(
    site: LiveSite, page: Page, person: Person, open_page: Any
) -> None:
    await page.goto("/")
    await expect(page.locator(".first-run")).to_be_visible()
    elsewhere = await open_page(site, session=person.session)

    run_id = await launch(elsewhere, "average of 3, 4 and 8")
    await wait_for_status(elsewhere, "completed")

    await expect(page.locator(f'[data-run-list="finished"] [data-run-row="{run_id}"]')).to_be_visible()
    await expect(page.locator(".first-run")).to_be_hidden()
