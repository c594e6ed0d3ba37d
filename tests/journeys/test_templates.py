"""A template from the task of a run to the run that it was filled for, in a real browser."""

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

REPORT: FilePayload = {"name": "report.txt", "mimeType": "text/plain", "buffer": b"All is well."}
ASKS_FOR_ALL = """
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, TaskTemplate
inputs = [
    {"name": "price", "type": "number", "minimum": "0", "label": "Price", "help": "In euros."},
    {"name": "note", "type": "long_text", "required": False},
    {"name": "place", "label": "Place", "max_length": 40},
    {"name": "reader", "type": "choice", "choices": ["a child", "an expert"]},
    {"name": "day", "type": "date", "default": "today"},
    {"name": "report", "type": "file", "label": "The report"},
]
task = "What is 21% of {{ price }}? {{ note }} {{ place }} {{ reader }} {{ day }} {{ report }}"
template = TaskTemplate(agent=Agent.objects.get(is_default=True))
name = "A template whose name is as long as the names of some templates are, which is long"[:80]
print(save_template(template, name=name, description="Words. " * 20, task=task, inputs=inputs).pk)
"""


async def test_a_run_becomes_a_template_that_is_filled_again(live_site: LiveSite, open_page):
    live_site.create_user("root", staff=True, superuser=True)
    page: Page = await open_page(live_site, session=live_site.session_of("root"), **PHONE)
    await page.goto("/templates/")
    await expect(page.locator("main")).to_contain_text("No templates yet")
    assert await faults_on_both(page) == []
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "completed")

    await page.locator(".run-menu > summary").click()
    await page.get_by_role("link", name="Save as template").click()
    await page.wait_for_url("**/templates/new/**")
    await expect(page.locator("#id_task")).to_have_value("What is 17 * 23?")
    await page.locator("#id_task").evaluate("field => field.setSelectionRange(8, 10)")
    await page.get_by_role("button", name="Make the selection an input").click()
    await page.wait_for_load_state()
    await expect(page.locator("#id_task")).to_have_value("What is {{ input_17 }} * 23?")
    await expect(page.locator("[name=type-input_17]")).to_have_value("number")
    await expect(page.locator("[name=default-input_17]")).to_have_value("17")
    await expect(page.get_by_label("Least")).to_be_visible()
    await expect(page.get_by_label("Values to choose from, one a line")).to_be_hidden()
    assert await faults_on_both(page) == []
    await page.fill("#id_task", "What is {{ first }} * 23?")
    await page.get_by_role("button", name="Find inputs").click()
    await page.wait_for_load_state()
    await page.fill("[name=label-first]", "The first factor")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Give it a name.")).to_be_visible()
    assert await faults_on_both(page) == []
    await page.fill("#id_name", "Product")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.wait_for_url("**/agents/1/#templates")
    assert await faults_on_both(page) == []

    await page.goto("/runs/new/")
    await page.get_by_role("link", name="Templates 1").click()
    await page.wait_for_url("**/templates/")
    await page.get_by_role("link", name="Product").click()
    await page.wait_for_url("**/runs/new/?template=*")
    await page.fill("[name=input-first]", "many")
    await page.click("[data-launch]")
    await expect(page.get_by_text("A number is needed here")).to_be_visible()
    assert await faults_on_both(page) == []
    await page.reload()
    await expect(page.get_by_label("The first factor")).to_have_value("many")  # the draft
    await page.fill("[name=input-first]", "19")
    await page.click("[data-launch]")
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("437")
    await page.locator(".run-head summary").first.click()
    await expect(page.locator(".run-inputs")).to_contain_text("The first factor")
    assert await faults_on_both(page) == []

    await page.locator(".run-menu > summary").click()
    await page.get_by_role("link", name="Edit & run again").click()
    await page.wait_for_url("**/runs/new/?from=*")
    await expect(page.get_by_label("The first factor")).to_have_value("19")
    assert await faults_on_both(page) == []


async def test_a_form_of_every_type_uploads_its_file_and_keeps_it(shared_site: LiveSite, root_session: str, open_page):
    template = shared_site.ask(ASKS_FOR_ALL).strip()
    page: Page = await open_page(shared_site, session=root_session, **PHONE)
    await page.goto(f"/runs/new/?template={template}")
    assert await faults_on_both(page) == []

    await page.set_input_files("#id_input-report", REPORT)
    await expect(page.locator(".file-chip", has_text="report.txt")).to_be_visible()
    await page.select_option("[name=input-reader]", "a child")
    await page.click("[data-launch]")
    for name in ("price", "place"):
        await expect(page.locator(f"#id_input-{name}_error")).to_have_text("A value is needed here.")
    await expect(page.locator(".file-chip", has_text="report.txt")).to_be_visible()
    assert await faults_on_both(page) == []
    await page.fill("[name=input-price]", "200")
    await page.fill("[name=input-place]", "{{ note }} <b>Paris</b>")
    await page.click("[data-launch]")
    await wait_for_status(page, "completed")

    await expect(page.locator(".run-head")).to_contain_text("{{ note }} <b>Paris</b>")
    await expect(page.locator(".run-head")).to_contain_text("report.txt")
    await expect(page.locator(".run-head")).to_contain_text("a child")
    assert await faults_on_both(page) == []
    await page.goto("/templates/?q=template+whose")
    assert await faults_on_both(page) == []
    await page.goto(f"/templates/{template}/edit/")
    assert await faults_on_both(page) == []
    await page.get_by_text("Delete the template").click()
    await page.get_by_role("button", name="Delete for good").click()
    await page.wait_for_url("**/agents/1/#templates")


async def test_without_scripts_a_template_is_made_and_filled(shared_site: LiveSite, root_session: str, open_page):
    page: Page = await open_page(shared_site, session=root_session, java_script_enabled=False)
    await page.goto("/agents/1/templates/new/")
    await page.fill("#id_name", "Product")
    await page.fill("#id_task", "What is {{ a }} * 23? {{ notes }}")
    await page.get_by_role("button", name="Find inputs").click()
    await page.select_option("[name=type-a]", "number")
    await page.select_option("[name=type-notes]", "file")
    await page.get_by_role("button", name="Save & launch").click()
    await page.fill("[name=input-a]", "17")
    await page.set_input_files("[name=upload-notes]", REPORT)
    await page.fill("[name=input-a]", "x")
    await page.get_by_role("button", name="Launch run").click()
    await expect(page.get_by_text("A number is needed here")).to_be_visible()
    await expect(page.locator(".file-chip", has_text="report.txt")).to_be_visible()
    await page.fill("[name=input-a]", "17")
    await page.get_by_role("button", name="Launch run").click()
    await page.wait_for_url("**/runs/*-*/")
    await expect(page.locator("h1")).to_contain_text("What is 17 * 23? report.txt")
