"""axe on a page: what it finds, once for each look of a text where it looks at colours."""

import json
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules of axe's defaults that depend on the colour scheme."""
_RUN = Path(__file__).with_suffix(".js").read_text()
_known: set[int] = set()
"""Looks whose contrast has passed in this process."""
_known_parts: set[int] = set()
"""Parts of pages that had no violation in this process."""


async def violations_of(page: Page, options: dict[str, Any] | None = None, *, screen: str = "") -> list[str]:
    """The violations on the page as it is now, one line each; of those rules that `options` names, if any.

    `screen`: "first", or "second" for the same page after the window has changed, where only what is rendered otherwise
    is looked at.
    """
    told = {
        "options": options or {},
        "known": json.dumps(list(_known)),
        "knownParts": json.dumps(list(_known_parts)),
        "screen": screen,
    }
    found = await page.evaluate(_RUN, told)
    if found is None:
        await page.evaluate(AXE_SCRIPT)
        # What the tab loads next has it at hand: to send it takes longer than to run it.
        await page.add_init_script(f"window.loadAxe = () => {{ {AXE_SCRIPT} }}")
        found = await page.evaluate(_RUN, told)
    _known.update(found["learnt"])
    _known_parts.update(found["parts"])
    return [f"{each['id']} at {[node['target'] for node in each['nodes']]}" for each in found["violations"]]
