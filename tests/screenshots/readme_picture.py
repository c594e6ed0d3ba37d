"""The README's picture, from a real server."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import ViewportSize, async_playwright

from tests.conftest import CHROMIUM
from tests.journeys.conftest import CHROMIUM_FLAGS, launch
from tests.live_site import ROOT, LiveSite, prepare_data

TASK = "multiply 12 by 7 and convert the result from miles to km"
SIZE: ViewportSize = {"width": 1200, "height": 1100}
PICTURE = ROOT / "docs" / "screenshot.png"


async def take(site: LiveSite) -> None:
    """Launch a run that asks before each call, approve the first, and photograph the page while the second waits."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        context = await browser.new_context(base_url=site.url, viewport=SIZE, color_scheme="light", timezone_id="UTC")
        await context.add_cookies([{"name": "sessionid", "value": site.session_of("ada"), "url": site.url}])
        page = await context.new_page()
        await launch(page, TASK, model="offline", approval="always")
        approve = page.locator("[data-decide=approval]").get_by_role("button", name="Approve", exact=True)
        await approve.click()
        await page.locator("[data-step-kind=tool_result]").wait_for()
        await approve.wait_for()
        await page.reload()  # without the toast that the click brought up
        await page.wait_for_selector('[data-connection="live"]')
        await page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        PICTURE.parent.mkdir(exist_ok=True)
        await page.screenshot(path=PICTURE, animations="disabled")
        await browser.close()


def take_readme_picture() -> Path:
    """Start a server, take the picture, and stop the server. Returns where the picture is."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        prepare_data(data)
        site = LiveSite(data).start()
        try:
            site.create_user("ada")
            asyncio.run(take(site))
        finally:
            site.close()
    return PICTURE
