"""Browser contexts whose cache is warm: the scripts of a site are loaded once, not in each test.

A page of a new context loads 60 files, which takes three times the CPU time of the page itself. An empty page, the
anchor, keeps the context's renderer process alive, whose start takes as long as loading a page.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, BrowserContext, Error, Page

PATIENCE_MS = 20_000
"""For the slowest wait of a page; a machine busy with other tests is slow."""
CLOSING_LIMIT_S = 30
KEPT = 6
"""Contexts that wait for their next test."""
HAS_A_CLOCK_OF_ITS_OWN = "() => '__pwClock' in globalThis"


@dataclass(frozen=True, slots=True)
class KeptContext:
    """A context in the hands of one test, or waiting for one."""

    context: BrowserContext
    url: str
    options: str
    anchor: Page
    """Empty, and never used: while it is open, the pages after it get its renderer process, with one for each context
    (`CHROMIUM_FLAGS`)."""

    @property
    def pages(self) -> list[Page]:
        """The pages of the test."""
        return [page for page in self.context.pages if page is not self.anchor]

    def is_for(self, browser: Browser, url: str, options: str) -> bool:
        """True if it is what a test asks for."""
        return self.context.browser is browser and (self.url, self.options) == (url, options)


class WarmContexts:
    """The contexts that tests have left, for later tests of the same address with the same options.

    A test finds nothing of the one before but the cache: no page, cookie, stored text, route or clock.
    """

    def __init__(self) -> None:
        self._waiting: list[KeptContext] = []
        """The one that has waited longest is first."""

    async def take(self, browser: Browser, url: str, options: dict[str, Any]) -> tuple[KeptContext, Page]:
        """A context with these options, and its page."""
        key = json.dumps(options, sort_keys=True)
        found = next((each for each in self._waiting if each.is_for(browser, url, key)), None)
        if found is None:
            context = await browser.new_context(base_url=url, **options)
            context.set_default_timeout(PATIENCE_MS)
            return KeptContext(context, url, key, await context.new_page()), await context.new_page()
        self._waiting.remove(found)
        page = await found.context.new_page()
        devtools = await found.context.new_cdp_session(page)
        await devtools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "local_storage"})
        await devtools.detach()
        return found, page

    async def leave(self, warm: KeptContext) -> None:
        """Keep a test's context for another test, and close the one that has waited longest if there are too many."""
        if not await _is_as_new(warm):
            await close(warm.context)
            return
        self._waiting.append(warm)
        if len(self._waiting) > KEPT:
            await close(self._waiting.pop(0).context)


async def _is_as_new(warm: KeptContext) -> bool:
    """Take away what a test has left in the context. False if something may stay: a clock, or a page that hangs.

    Which clock it has is seen on its pages only.
    """
    context = warm.context
    try:
        async with asyncio.timeout(CLOSING_LIMIT_S):
            if not warm.pages or any([await page.evaluate(HAS_A_CLOCK_OF_ITS_OWN) for page in warm.pages]):
                return False
            await context.set_offline(False)
            await context.unroute_all()
            await context.clear_cookies()
            for page in warm.pages:
                await page.close()
    except (Error, TimeoutError):
        return False
    return not warm.pages and not warm.anchor.is_closed()


async def close(context: BrowserContext) -> None:
    """Close a context. Chromium rarely never answers that, and its pages stay open until the browser ends."""
    with suppress(TimeoutError, Error):
        async with asyncio.timeout(CLOSING_LIMIT_S):
            await context.close()
