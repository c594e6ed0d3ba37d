"""An API from its document to the run that called it: another site of ours, at a desk and on a phone."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_of
from tests.live_site import LiveSite
from tests.wire import Answer, WireServer

pytestmark = pytest.mark.browser

TASK = "What is 17 * 23?"
ISSUE = """
from django.contrib.auth.models import User
from runs.models import ApiToken
print(ApiToken.issue(User.objects.get(username="grace"), name="x", scopes=["read", "launch"])[1])
"""
GIVE = """
from runs.models import Agent
Agent.objects.update(model_names=["local/m1"], tools=["other__launch_run", "other__list_runs"])
"""
SHOW = """
from runs.models import Step, ToolCall, ToolSource
print([list(each.objects.values()) for each in (Step, ToolCall, ToolSource)])
"""


async def picture(page: Page, name: str) -> None:
    """A picture for somebody who looks, where a variable names a folder."""
    if folder := os.environ.get("APIS_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def refused(page: Page, screen: str) -> list[str]:
    """A document that is none, which leaves nothing. The findings of axe on the way."""
    await page.goto("/tools/")
    faults = await faults_of(page, screen)
    await page.get_by_role("link", name="Add an API", exact=True).click()
    await page.fill("#id_name", "other")
    await page.fill("#id_text", "swagger: '2.0'")
    await page.get_by_role("button", name="Read the document").click()
    await expect(page.get_by_role("alert")).to_contain_text("a document of Swagger 2.0")
    faults += await faults_of(page, screen)
    await picture(page, f"refused-{screen}")
    return faults


async def added(page: Page, url: str) -> None:
    """Add the site at `url` as the API `other`, with two tools and a token, from the form of a refusal."""
    await page.fill("#id_text", "")
    await page.fill("#id_url", f"{url}/api/v1/openapi.json")
    await page.get_by_role("button", name="Read the document").click()
    await page.wait_for_url("**/tools/apis/other/")
    await expect(page.locator("main")).to_contain_text("Agentsite API")
    await expect(page.locator("#id_server")).to_have_value(url)
    await page.get_by_label("token", exact=True).select_option("OTHER_LOGIN")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_label("token", exact=True)).to_have_value("OTHER_LOGIN")
    for name in ("launch_run", "list_runs"):
        await page.get_by_role("button", name=f"Turn on other__{name}", exact=True).click()
        await expect(page.get_by_role("button", name=f"Turn off other__{name}", exact=True)).to_be_visible()


async def shown(page: Page, screen: str) -> list[str]:
    """The API and the list of APIs, which a person can change. The findings of axe."""
    await page.goto("/tools/apis/other/")
    await page.get_by_role("button", name="Save", exact=True).click(trial=True)
    await page.get_by_role("button", name="Turn off other__launch_run", exact=True).click(trial=True)
    faults = await faults_of(page, screen)
    await picture(page, f"api-{screen}")
    await page.goto("/tools/apis/")
    await expect(page.locator(".library-list")).to_contain_text("2 of")
    faults += await faults_of(page, screen)
    await picture(page, f"apis-{screen}")
    return faults


async def test_another_site_is_added_as_an_api_and_a_run_launches_a_run_there(
    start_site: Callable[..., LiveSite],
    start_wired: Callable[..., LiveSite],
    wire_server: WireServer,
    open_page: Callable[..., Any],
) -> None:
    other = start_site()
    other.create_user("grace")
    token = other.ask(ISSUE).strip()
    site = start_wired(
        OTHER_LOGIN=token,
        AGENTSITE_HTTP_HOSTS=json.dumps({other.url: {}}),
        AGENTSITE_API_SECRETS=json.dumps({other.url: ["OTHER_LOGIN"]}),
    )
    site.create_user("root", staff=True, superuser=True)
    session = site.session_of("root")
    page = await open_page(site, session=session, viewport={"width": 1280, "height": 800})
    phone = await open_page(site, session=session, **PHONE)

    faults = await refused(page, "desk") + await refused(phone, "phone")
    await added(page, other.url)
    faults += await shown(page, "desk") + await shown(phone, "phone")
    site.ask(GIVE)
    wire_server.script(
        Answer("", calls=[("other__launch_run", {"body": {"task": TASK}})]),
        Answer("", calls=[("other__list_runs", {"q": "17"})]),
        Answer("It was launched."),
    )
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "Ask the other site.")
    await page.click("[data-launch]")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    await phone.goto(page.url)
    at_a_desk, on_a_phone = [
        each.locator("#stage").get_by_role("button", name="Approve").first for each in (page, phone)
    ]
    await at_a_desk.click(trial=True)
    await on_a_phone.click()
    for each, screen in ((page, "desk"), (phone, "phone")):
        await wait_for_status(each, "completed")
        faults += await faults_of(each, screen)

    launched, listed = (json.dumps(each.body["messages"][-1]) for each in wire_server.requests[1:])
    assert TASK in launched and "201" in launched
    assert TASK in listed
    assert token not in await page.content()
    assert token not in site.ask(SHOW)
    assert other.ask("from runs.models import Run; print(Run.objects.get().task)").strip() == TASK
    assert faults == []
