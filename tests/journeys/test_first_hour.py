"""The first hour with a new installation."""

import re

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, step_numbers, wait_for_status

pytestmark = pytest.mark.browser

PASSWORD = "a good long password"


async def test_the_sign_in_link_makes_the_first_person_once(live_site, open_page):
    page = await open_page(live_site)
    link = live_site.line.removeprefix("Sign in: ")

    await page.goto(link)
    await page.fill("[name=username]", "ada")
    await page.fill("[name=password1]", PASSWORD)
    await page.fill("[name=password2]", PASSWORD)
    await page.press("[name=password2]", "Enter")
    await page.wait_for_url(f"{live_site.url}/")
    again = await page.goto(link)

    assert again.status in (403, 404, 410)


async def test_a_task_is_typed_worked_on_and_answered_on_one_page(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await page.goto("/runs/new/")

    await page.fill("[name=task]", "What is 17 * 23 and what is 2**10?")
    await page.press("[name=task]", "Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    await wait_for_status(page, "completed")

    answer = page.locator("[data-answer]")
    await expect(answer).to_contain_text("391")
    await expect(answer).to_contain_text(re.compile("1,?024"))
    numbers = await step_numbers(page)
    assert numbers == list(range(1, len(numbers) + 1))
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "ended")


async def test_a_run_stands_in_the_history_and_can_be_found_by_its_words(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    wanted = await launch(page, "How many seconds in a day")
    await wait_for_status(page, "completed")
    other = await launch(page, "half of 90")
    await wait_for_status(page, "completed")

    await page.goto("/runs/")
    await expect(page.locator(f'[data-run-row="{wanted}"][data-status="completed"]')).to_be_visible()
    await page.fill("#id_q", "seconds")

    await expect(page.locator(f'[data-run-row="{other}"]')).to_have_count(0)
    await expect(page.locator(f'[data-run-row="{wanted}"]')).to_be_visible()


async def test_another_persons_run_is_not_there(shared_site, session, open_page):
    shared_site.create_user("grace")
    ada = await open_page(shared_site, session=session)
    run_id = await launch(ada, "half of 90")
    grace = await open_page(shared_site, session=shared_site.session_of("grace"))

    response = await grace.goto(f"/runs/{run_id}/")

    assert response.status == 404
    await grace.goto("/runs/")
    await expect(grace.locator("[data-run-row]")).to_have_count(0)


async def test_staff_find_a_run_in_the_admin_and_go_to_its_live_page(shared_site, open_page):
    shared_site.create_user("root", staff=True, superuser=True)
    page = await open_page(shared_site, session=shared_site.session_of("root"))
    run_id = await launch(page, "average of 3, 4 and 8")
    await wait_for_status(page, "completed")

    await page.goto("/admin/runs/run/?q=average")
    await page.click("#result_list tbody th a")
    await page.click(f'a[href$="/runs/{run_id}/"] >> nth=0')

    await expect(page.locator("[data-answer]")).to_contain_text("5")
