"""A person with a browser in front of a real server."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.conftest import CHROMIUM
from tests.live_site import LiveSite
from tests.wire import WireServer

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
"""For the slowest thing a page waits for; a machine busy with other tests is slow."""
expect.set_options(timeout=PATIENCE_MS)


MODEL = "local/m1"


@pytest.fixture
def start_wired(start_site: Callable[..., LiveSite], wire_server: WireServer) -> Callable[..., LiveSite]:
    """Start a site whose model `local/m1` is the wire server, and its one user, ada."""

    def start(**environment: str) -> LiveSite:
        endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
        site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]), **environment)
        site.create_user("ada")
        return site

    return start


@pytest.fixture
def site(start_wired: Callable[..., LiveSite]) -> LiveSite:
    """Such a site with default settings."""
    return start_wired()


@pytest.fixture
async def page(site: LiveSite, open_page: Callable[..., Any]) -> Any:
    """Ada's browser."""
    return await open_page(site, session=site.session_of("ada"))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


class Complaints:
    """What a browser complained about: errors of scripts, blocked inline code, requests to other sites."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def listen_to(self, page: Page, url: str) -> None:
        """Note whatever goes wrong on `page`."""
        page.on("pageerror", lambda error: self.heard.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url, url))

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium reports every 4xx and every socket that closed as an error; tests ask for those on purpose.
        if message.type == "error" and "Content Security Policy" in message.text:
            self.heard.append(message.text)

    def _request(self, url: str, site_url: str) -> None:
        if not url.startswith((site_url, site_url.replace("http", "ws", 1), "data:", "blob:", "about:")):
            self.heard.append(f"request to another site: {url}")


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """`await open_page(site, session=…)`: a page of its own browser. Nothing may have gone wrong in it."""
    complaints = Complaints()
    contexts: list[BrowserContext] = []

    async def open_one(site: LiveSite, *, session: str | None = None, through: str = "", **options: Any) -> Page:
        url = through or site.url
        context = await browser.new_context(base_url=url, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if session is not None:
            await context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        page = await context.new_page()
        complaints.listen_to(page, url)
        return page

    yield open_one
    for context in contexts:
        await context.close()
    assert complaints.heard == []


async def launch(page: Page, task: str, **fields: str) -> str:
    """Launch a run through the form; the run's id, once its page is there."""
    await page.goto("/runs/new/")
    await page.fill("[name=task]", task)
    for name, value in fields.items():
        await page.locator(f"[name={name}]").evaluate("(field, value) => { field.value = value }", value)
    await page.press("[name=task]", "Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    return page.url.rstrip("/").rsplit("/", 1)[1]


async def wait_for_status(page: Page, status: str) -> None:
    """Return when the run page says so, without a reload."""
    await page.wait_for_selector(f'[data-run-status="{status}"]')


async def step_numbers(page: Page) -> list[int]:
    """The sequences of the steps on the page, from top to bottom."""
    numbers: list[int] = await page.locator("[data-step-seq]").evaluate_all(
        "steps => steps.map(step => Number(step.dataset.stepSeq))"
    )
    return numbers
