"""Take pictures of every page in every state, and the README's picture.

python -m tests.screenshots [--folder var/screenshots] [--only run-asks …] [--look 390-dark …]
python -m tests.screenshots --readme
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from playwright.async_api import Page, async_playwright
from playwright.async_api import TimeoutError as TooLate

from tests.conftest import CHROMIUM
from tests.journeys.conftest import CHROMIUM_FLAGS
from tests.journeys.page_faults import END_ANIMATIONS
from tests.live_site import ROOT
from tests.screenshots.desk import Desk, listed
from tests.screenshots.looks import LOOKS
from tests.screenshots.readme_picture import take_readme_picture
from tests.screenshots.states import STATES, State
from tests.wire import WireServer

TALLEST_PX = 4000
"""Pictures of longer pages end here."""


async def walk(folder: Path, states: Collection[State], looks: Collection[str]) -> list[str]:
    """Arrange each state and take its picture in each look. Returns the names of those that did not come about."""
    missing: list[str] = []
    with tempfile.TemporaryDirectory() as data, WireServer(models=listed()) as wire:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            desk = Desk(Path(data), wire, browser)
            try:
                desk.open()
                for state in states:
                    try:
                        await photograph(desk, state, looks, folder)
                    except (AssertionError, TooLate) as error:
                        print(f"{state.name}: {error}", file=sys.stderr)
                        missing.append(state.name)
                        desk.wire.forget()
            finally:
                desk.close()
                await browser.close()
    return missing


async def photograph(desk: Desk, state: State, looks: Collection[str], folder: Path) -> None:
    """One state in each look."""
    address = await state.arrange(desk)
    for look in looks:
        page = await desk.page(state.who, **LOOKS[look])
        try:
            await page.goto(address)
            if state.act:
                await state.act(page)
            await take(page, folder / look / f"{state.name}.png")
        finally:
            await page.context.close()
    if state.ends:
        await desk.end(address.strip("/").rsplit("/", 1)[1])
    print(f"{state.name}: {address}", flush=True)


async def take(page: Page, path: Path) -> None:
    """The whole page, once what fades in has done so and its line is open, if it has one."""
    live = page.locator("[data-connection]")
    if await live.count():
        await page.wait_for_selector('[data-connection="live"], [data-connection="ended"]', state="attached")
    await page.evaluate(END_ANIMATIONS)
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = (await page.evaluate("[innerWidth, document.documentElement.scrollHeight]")) or (0, 0)
    if height > TALLEST_PX:
        clip = {"x": 0, "y": 0, "width": width, "height": TALLEST_PX}
        await page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]
    else:
        await page.screenshot(path=path, full_page=True)


def main() -> int:
    """Take the pictures asked for. Returns 2 without a browser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("--only", nargs="*", choices=[state.name for state in STATES], metavar="STATE")
    parser.add_argument("--look", nargs="*", choices=list(LOOKS), default=list(LOOKS))
    parser.add_argument("--readme", action="store_true", help="take docs/screenshot.png only")
    options = parser.parse_args()
    if CHROMIUM is None:
        print("There is no Chromium: run `make browser`, or name one in CHROMIUM.", file=sys.stderr)
        return 2
    if options.readme:
        print(f"Took {take_readme_picture().relative_to(ROOT)}.")
        return 0
    states = [state for state in STATES if not options.only or state.name in options.only]
    missing = asyncio.run(walk(options.folder, states, options.look))
    print(f"{len(states) - len(missing)} of {len(states)} states in {len(options.look)} looks: {options.folder}")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
