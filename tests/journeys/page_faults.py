"""What is wrong with a page as it is now: accessibility, colours and layout, on a desk and on a phone."""

from typing import Any, Literal
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page, ViewportSize

from tests.journeys.axe import OF_COLOURS, violations_of

PHONE_SIZE: ViewportSize = {"width": 390, "height": 844}
PHONE = {"viewport": PHONE_SIZE, "has_touch": True, "is_mobile": True}
DESK: ViewportSize = {"width": 1280, "height": 720}
SMALLEST = {"width": 320, "height": 640}
SCREENS: dict[str, dict[str, Any]] = {"desk": {}, "phone": PHONE}
COLOURS: dict[str, tuple[Literal["light", "dark"], ...]] = {"desk": ("light", "dark"), "phone": ("light",)}
"""The colour schemes in which a page is looked at on each screen."""

IS_COARSE = "() => matchMedia('(pointer: coarse)').matches"
_devtools: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
"""What a session emulates ends with it, so a page keeps one."""

END_ANIMATIONS = """() => document.getAnimations()
    .filter(each => each.effect.getComputedTiming().endTime !== Infinity).forEach(each => each.finish())"""

LAYOUT = """() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const bar = document.querySelector(".top-bar");
    const linksBeyondTheirRow = [...document.querySelectorAll(".row-link")].filter(link => {
        const row = link.closest("li, tr, article"), covered = link.offsetParent;
        return link.checkVisibility() && !(covered && row?.contains(covered));
    });
    const firsts = ":scope > .step-head > :first-child, :scope > details > .call-row > .call-state, :scope > .said";
    const numbers = ":scope > .step-meta > .step-number, :scope > .step-head .step-number";
    const steps = [...document.querySelectorAll(".step")].filter(step => step.checkVisibility());
    const stepsOutOfLine = steps.filter(step => {
        const [first, number] = [firsts, numbers].map(part => step.querySelector(part)?.getBoundingClientRect());
        const line = first && Math.min(first.height, 44);
        return !number || !first || Math.abs(first.top + line / 2 - number.top - number.height / 2) > 16;
    });
    return {
        isTooWide: scrollWidth > clientWidth,
        linksBeyondTheirRow: linksBeyondTheirRow.map(link => link.textContent.trim()),
        barEndsEarly: bar !== null && bar.getBoundingClientRect().right < clientWidth,
        stepsOutOfLine: stepsOutOfLine.map(step => step.id),
    };
}"""


async def faults_of(page: Page, screen: str = "phone") -> list[str]:
    """The findings of axe, and elements out of their place, once what fades in or out has done so.

    On a desk in light and then in dark colours, where axe is asked about colours only: nothing else of the page depends
    on them.
    """
    faults = []
    for number, colours in enumerate(COLOURS[screen]):
        await page.emulate_media(color_scheme=colours)
        faults += await _faults_in_these_colours(page, OF_COLOURS if number else {}, colours)
    await page.emulate_media(color_scheme="light")
    return faults


async def faults_on_both(page: Page) -> list[str]:
    """The faults of a page on a phone and on a desk, where it is shown for that: what both render alike is judged once.

    So a story that is told on one of them is looked at on both. Chromium does not give a page its fine pointer back
    before its next navigation: the desk of a phone's page has none, and that of a desk's page has none after this.
    """
    home = page.viewport_size
    assert home is not None
    has_touch = await page.evaluate(IS_COARSE)
    await page.emulate_media(color_scheme="light")
    faults = [f"{page.url}: {fault}" for fault in await layout_faults_of(page)] if has_touch else []
    if has_touch:
        await show(page, DESK, has_touch=False)
    faults += await _faults_in_these_colours(page, {}, "light", screen="first")
    await page.emulate_media(color_scheme="dark")
    faults += await _faults_in_these_colours(page, OF_COLOURS, "dark")
    await page.emulate_media(color_scheme="light")
    await show(page, home if has_touch else PHONE_SIZE, has_touch=True)
    faults += await _faults_in_these_colours(page, {}, "light", screen="second")
    if not has_touch:
        await show(page, home, has_touch=False)
    return faults


async def show(page: Page, size: ViewportSize, *, has_touch: bool) -> None:
    """Show the page in a window of this size, which is a phone's if it has touch.

    Playwright sets mobile layout and touch of a context when it opens it, and can change the size only.
    """
    if page not in _devtools:
        _devtools[page] = await page.context.new_cdp_session(page)
    metrics = {**size, "deviceScaleFactor": 1, "mobile": has_touch}
    await _devtools[page].send("Emulation.setDeviceMetricsOverride", metrics)
    await _devtools[page].send("Emulation.setTouchEmulationEnabled", {"enabled": has_touch})
    assert await page.evaluate(f"[document.documentElement.clientWidth, ({IS_COARSE})()]") == [size["width"], has_touch]


async def _faults_in_these_colours(page: Page, rules: dict[str, Any], colours: str, *, screen: str = "") -> list[str]:
    await page.evaluate(END_ANIMATIONS)
    found = [*await violations_of(page, rules, screen=screen), *await layout_faults_of(page)]
    return [f"{page.url}, {colours}{screen and f', {screen} screen'}: {fault}" for fault in found]


async def layout_faults_of(page: Page) -> list[str]:
    """Elements out of their place."""
    faults = []
    layout = await page.evaluate(LAYOUT)
    if layout["isTooWide"]:
        faults.append("wider than the window")
    if links := layout["linksBeyondTheirRow"]:
        faults.append(f"the links {links} cover more than their row")
    if layout["barEndsEarly"]:
        faults.append("the bar at the top ends before the window does")
    if steps := layout["stepsOutOfLine"]:
        faults.append(f"the numbers of {steps} are not beside their first line")
    return faults
