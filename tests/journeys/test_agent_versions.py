"""The versions of an agent in a browser: saved, listed, compared, restored, labelled, launched, imported; with scripts
and without."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_of
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 860}},
    "phone": PHONE,
    "without scripts": {"viewport": {"width": 1280, "height": 860}, "java_script_enabled": False},
}


TEN_MORE_VERSIONS = """
from runs.models import Agent
for turns in range(5, 15):
    agent = Agent.objects.get(name={name!r})
    agent.max_turns = turns
    agent.save()
"""
ONE_VERSION = """
from runs.models import Agent
for name in {names}:
    Agent.objects.create(name=name, instructions="Solve the task.", model_names=["offline"])
"""
THREE_VERSIONS = """
from runs.models import Agent
for name in {names}:
    agent = Agent(name=name, description="Looks things up", model_names=["offline"])
    for turns in (20, 21, 22):
        agent.max_turns = turns
        agent.save(message=f"{{turns}} turns")
"""
CHANGED = {True: "Cook", False: "Driver"}
LABELLED = {True: "Clerk", False: "Porter"}
IMPORTED = dict(zip(SCREENS, ("Baker", "Tailor", "Miller"), strict=True))
"""The agent of each test, with scripts and without, or on each screen."""


@pytest.fixture(scope="module")
def site(shared_site: LiveSite) -> LiveSite:
    """The site of all tests of this file, with an agent for each."""
    three = THREE_VERSIONS.format(names=[*LABELLED.values(), *IMPORTED.values()])
    shared_site.ask(ONE_VERSION.format(names=[*CHANGED.values()]) + three)
    return shared_site


async def faults_beside_a_phone(page: Page, phone: Page | None) -> list[str]:
    """The findings on the page of a desk, and on a phone that is led to the same address. None without a phone."""
    if phone is None:
        return []
    await phone.goto(page.url)
    return await faults_of(page, "desk") + await faults_of(phone, "phone")


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_change_is_a_version_that_is_compared_and_taken_back(
    site: LiveSite, root_session: str, open_page, has_scripts: bool
) -> None:
    page = await open_page(site, session=root_session, **SCREENS["desk" if has_scripts else "without scripts"])
    phone = await open_page(site, session=root_session, **PHONE) if has_scripts else None
    faults: list[str] = []

    await page.goto("/agents/")
    await page.get_by_role("link", name=CHANGED[has_scripts]).click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_role("textbox", name="Instructions").fill("Solve the task.\nAsk twice before you pay.")
    await page.get_by_label("What has changed").fill("Careful with money")
    await page.locator(".agent-save [value=save]").click()
    await expect(page.get_by_text("Careful with money")).to_be_visible()
    faults += await faults_beside_a_phone(page, phone)

    await page.get_by_role("link", name="All versions").click()
    await expect(page.get_by_role("link", name="Version 2", exact=True)).to_be_visible()
    faults += await faults_beside_a_phone(page, phone)
    await page.get_by_role("link", name="Changes of version 2").click()
    await expect(page.locator("[data-setting=instructions]").get_by_text("Ask twice before you pay.")).to_be_visible()
    faults += await faults_beside_a_phone(page, phone)

    await page.get_by_role("link", name="Version 1", exact=True).click()
    await expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    faults += await faults_beside_a_phone(page, phone)
    for each in filter(None, (phone, page)):
        await each.get_by_role("button", name="Restore version 1").click(trial=each is phone)

    await expect(page.get_by_text("Version 1 was restored, as version 3.")).to_be_visible()
    await expect(page.get_by_text("Restored from version 1")).to_be_visible()
    assert faults == []


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_run_of_a_label_says_which_version_made_it_after_ten_more_and_after_the_end_of_the_agent(
    site: LiveSite, root_session: str, open_page, has_scripts: bool
) -> None:
    page = await open_page(site, session=root_session, **SCREENS["desk" if has_scripts else "without scripts"])
    phone = await open_page(site, session=root_session, **PHONE) if has_scripts else None
    name, faults = LABELLED[has_scripts], list[str]()

    # The label points at the third version, by which the run is launched.
    await page.goto("/agents/")
    await page.get_by_role("link", name=name).click()
    labels = page.locator("section", has=page.get_by_role("heading", name="Labels"))
    await labels.get_by_label("Label", exact=True).fill("production")
    await labels.get_by_label("Version", exact=True).fill("3")
    await labels.get_by_role("button", name="Set").click()
    await expect(page.locator("[data-label-name=production]")).to_contain_text("Version 3")
    faults += await faults_beside_a_phone(page, phone)
    if phone is not None:
        await phone.get_by_role("button", name="Set").click(trial=True)
        await phone.get_by_label("More about this agent").click(trial=True)
    site.ask(TEN_MORE_VERSIONS.format(name=name))
    await page.goto(f"/runs/new/?agent={name}")
    await page.select_option("[name=version]", label="production → v3")
    await page.fill("[name=task]", "What is 17 * 23?")
    await page.locator("[data-launch]").click()
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    if has_scripts:
        await wait_for_status(page, "completed")
    run = page.url
    await expect(page.locator("[data-version]")).to_have_text("version 3")
    faults += await faults_beside_a_phone(page, phone)

    # An archived agent is offered nowhere; its run is as it was.
    await page.goto("/agents/")
    await page.get_by_role("link", name=name).click()
    await page.get_by_label("More about this agent").click()
    await page.get_by_role("button", name="Archive").click()
    await expect(page.get_by_text("Archived: no run is launched with it.")).to_be_visible()
    faults += await faults_beside_a_phone(page, phone)
    await page.goto("/runs/new/")
    assert await page.locator("[name=agent] option", has_text=name).count() == 0
    await page.goto("/agents/?archived=1")
    await expect(page.get_by_role("link", name=name)).to_be_visible()
    faults += await faults_beside_a_phone(page, phone)

    site.ask(f"from runs.models import Agent; Agent.objects.get(name={name!r}).delete()")
    await page.goto(run)
    await expect(page.locator("[data-version]")).to_have_text("version 3")
    await expect(page.locator(".run-by strong").first).to_have_text(name)
    assert faults == []


@pytest.mark.parametrize("screen", SCREENS)
async def test_an_agent_changed_in_a_text_editor_is_imported_and_the_page_says_exactly_what_has_changed(
    site: LiveSite, root_session: str, open_page, tmp_path: Path, screen: str
) -> None:
    page = await open_page(site, session=root_session, **SCREENS[screen])
    looks = screen != "without scripts"
    name, faults = IMPORTED[screen], list[str]()

    await page.goto("/agents/")
    await page.get_by_role("link", name=name).click()
    await page.get_by_label("More about this agent").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export as YAML").click()
    file = tmp_path / "clerk.yaml"
    await (await download.value).save_as(file)
    text = file.read_text().replace("max_turns: 22", "max_turns: 30")
    file.write_text(text.replace("templates: []", "templates:\n  - name: Stock\n    task: How many are there?"))

    await page.goto("/agents/import/")
    await page.set_input_files("[name=file]", file)
    await page.get_by_role("button", name="Show what would change").click()
    await expect(page.get_by_text("Replaced")).to_be_visible()
    shown = await page.locator("[data-setting]").evaluate_all("all => all.map(each => each.dataset.setting)")
    assert shown == ["max_turns", "templates"]
    await expect(page.locator("[data-setting=max_turns] .diff-before")).to_contain_text("22")
    await expect(page.locator("[data-setting=max_turns] .diff-after")).to_contain_text("30")
    await expect(page.locator("[data-setting=templates]").get_by_text("How many are there?")).to_be_visible()
    faults += await faults_of(page, screen) if looks else []
    await page.get_by_role("button", name="Import 1 agent").click()

    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("link", name="Stock", exact=True)).to_be_visible()
    await page.get_by_role("link", name="All versions").click()
    await page.get_by_role("link", name="Changes of version 4").click()
    shown = await page.locator("[data-setting]").evaluate_all("all => all.map(each => each.dataset.setting)")
    assert shown == ["max_turns"]
    faults += await faults_of(page, screen) if looks else []
    assert faults == []
