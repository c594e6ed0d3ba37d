"""A user with a browser in front of a real server."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.conftest import HEADLESS_SHELL
from tests.journeys.warm_contexts import PATIENCE_MS, KeptContext, WarmContexts
from tests.journeys.wired_sites import (  # noqa: F401  for all journeys
    WiredSite,
    kept_sites,
    start_wired,
    wire_server,
    wired,
)
from tests.live_site import LiveSite, copy_data
from tests.long_run import write_long_run
from tests.site_ports import KeptPorts, SitePorts

JOURNEYS = Path(__file__).parent
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # For each context; see `tests/journeys/warm_contexts.py`.
    "--js-flags=--no-opt --no-maglev",  # No page of a test lives long enough for compilers that optimize.
]
expect.set_options(timeout=PATIENCE_MS)

MODEL = "local/m1"
LINE_STAYS_MS = 5_000
"""How long a decided call is a line in the inbox: see static/live/inbox_cards.js."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All journeys share an event loop: a browser lives as long as its loop, and is started once."""
    for item in items:
        if item.path.parent == JOURNEYS and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def site_ports() -> SitePorts:
    """A site gets the port of one that has ended, so that its files are in the cache of a browser."""
    return KeptPorts()


@pytest.fixture
def site(wired: WiredSite) -> LiveSite:  # noqa: F811  the fixture above
    """A wired site with default settings."""
    return wired.site


@pytest.fixture(scope="module")
def shared_site(
    prepared_data: Path, tmp_path_factory: pytest.TempPathFactory, site_ports: SitePorts
) -> Iterator[LiveSite]:
    """One server with default settings for all tests of a file. Each has a person of its own: see `session`."""
    data = tmp_path_factory.mktemp("shared") / "site"
    copy_data(prepared_data, data)
    site = LiveSite(data, port=site_ports.take())
    yield site.start()
    site.close()
    site_ports.give_back(site.port)


@pytest.fixture
def session(shared_site: LiveSite) -> str:
    """The session of a new person, who sees nothing of others."""
    name = f"person-{token_hex(4)}"
    shared_site.create_user(name)
    return shared_site.session_of(name)


@pytest.fixture
def root_session(shared_site: LiveSite) -> str:
    """The session of a new person who may do everything, and sees what others of the file have left."""
    name = f"root-{token_hex(4)}"
    shared_site.create_user(name, staff=True, superuser=True)
    return shared_site.session_of(name)


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: LiveSite, open_page: Callable[..., Any]) -> Any:
    """Ada's browser."""
    return await open_page(site, session=site.session_of("ada"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium, shared by all tests. The state of a page is in a context of its own: see `open_page`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=HEADLESS_SHELL, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


class Complaints:
    """A browser's complaints: errors of scripts, blocked inline code, requests to other sites."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def listen_to(self, page: Page, *urls: str) -> None:
        """Note everything that goes wrong on `page`, which belongs to the sites with these addresses."""
        page.on("pageerror", lambda error: self.heard.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url, urls))

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium reports every 4xx and every closed socket as an error; tests cause those on purpose.
        if message.type == "error" and "Content Security Policy" in message.text:
            self.heard.append(message.text)

    def _request(self, url: str, sites: Sequence[str]) -> None:
        sockets = [each.replace("http", "ws", 1) for each in sites]
        if not url.startswith((*sites, *sockets, "data:", "blob:", "about:")):
            self.heard.append(f"request to another site: {url}")


@pytest.fixture(scope="session")
def warm_contexts() -> WarmContexts:
    """The contexts that tests of this process have left."""
    return WarmContexts()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, warm_contexts: WarmContexts) -> AsyncIterator[Callable[..., Any]]:
    """`await open_page(site, session=…)`: a page in a browser context of its own. It must have no complaints, such as
    of a request to a site that is not `elsewhere`."""
    complaints = Complaints()
    contexts: list[KeptContext] = []

    async def open_one(
        site: LiveSite, *, session: str | None = None, through: str = "", elsewhere: str = "", **options: Any
    ) -> Page:
        url = through or site.url
        context, page = await warm_contexts.take(browser, url, options)
        contexts.append(context)
        if session is not None:
            await page.context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        complaints.listen_to(page, url, *filter(None, [elsewhere]))
        return page

    yield open_one
    for context in contexts:
        await warm_contexts.leave(context)
    assert complaints.heard == []


async def launch(page: Page, task: str, **fields: str) -> str:
    """Launch a run, and load its page; returns the run's id."""
    run_id = await launch_unseen(page, task, **fields)
    await page.goto(f"/runs/{run_id}/")
    return run_id


async def launch_unseen(page: Page, task: str, **fields: str) -> str:
    """Launch a run by sending the form, which is not shown; returns the run's id. The page stays where it is.

    Journeys that launch by typing into the form are in `test_first_hour.py` and `test_settings.py`.
    """
    form = await (await page.request.get("/runs/new/")).text()
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None, form
    sent: dict[str, str | float | bool] = {"csrfmiddlewaretoken": token[1], "task": task, **fields}
    answer = await page.request.post("/runs/", form=sent, max_redirects=0)
    assert answer.status == 302, await answer.text()
    return answer.headers["location"].rstrip("/").rsplit("/", 1)[1]


async def wait_for_status(page: Page, status: str) -> None:
    """Wait until the run page shows the status, without a reload."""
    await page.wait_for_selector(f'[data-run-status="{status}"]')


async def step_numbers(page: Page) -> list[int]:
    """The sequences of the steps on the page, sorted, each as often as it is there: the page has them by turn."""
    numbers: list[int] = await page.locator("[data-step-seq]").evaluate_all(
        "steps => steps.map(step => Number(step.dataset.stepSeq))"
    )
    return sorted(numbers)


@pytest.fixture(scope="module")
def long_run(shared_site: LiveSite) -> tuple[str, int, str]:
    """The address and the number of steps of a long run, and the session of its owner."""
    shared_site.create_user("eve")
    run_id, steps = write_long_run(shared_site, "eve", turns=400)
    return f"/runs/{run_id}/", steps, shared_site.session_of("eve")
